"""One L-ADMM iteration and one JFB step of the c=16 model in PyTorch, for comparison with bench/engine.ts.

The operator is a SciPy CSR product where that is faster than PyTorch's own, the convolutions are PyTorch's.
Prints one JSON line: {"figures": {...}, "env": {...}}.
"""

import json
import os
import time

import numpy as np
import scipy
import scipy.sparse
import torch
import torch.nn.functional as F

SIDE, VIEWS, DETECTORS, C = 128, 30, 183, 16
torch.manual_seed(0)
torch.set_num_threads(os.cpu_count() or 1)


def radon():
    """Rows of a parallel-beam operator with as many nonzeros as the papers' (about 224 a row), unit norm."""
    rng = np.random.default_rng(0)
    rows, cols, vals = [], [], []
    yy, xx = np.mgrid[0:SIDE, 0:SIDE] - (SIDE - 1) / 2
    for v in range(VIEWS):
        angle = np.deg2rad(3 + 6 * v)
        t = (xx * np.cos(angle) + yy * np.sin(angle) + DETECTORS / 2).ravel()
        lower = np.floor(t).astype(int)
        frac = t - lower
        for offset, weight in ((0, 1 - frac), (1, frac)):
            rows.append(v * DETECTORS + lower + offset)
            cols.append(np.arange(SIDE * SIDE))
            vals.append(weight)
    A = scipy.sparse.csr_matrix(
        (np.concatenate(vals), (np.concatenate(rows), np.concatenate(cols))), shape=(VIEWS * DETECTORS, SIDE * SIDE)
    )
    norms = np.sqrt(A.multiply(A).sum(axis=1)).A1
    keep = norms > 0
    A = scipy.sparse.diags(1 / norms[keep]) @ A[keep]
    return A.tocsr().astype(np.float32)


A = radon()
At = A.T.tocsr()
m = A.shape[0]


class Product(torch.autograd.Function):
    """x [B, n] -> x A^T by SciPy CSR, with its adjoint as gradient."""

    @staticmethod
    def forward(ctx, x, adjoint):
        ctx.adjoint = adjoint
        M = At if adjoint else A
        return torch.from_numpy(np.ascontiguousarray((M @ x.detach().numpy().T).T))

    @staticmethod
    def backward(ctx, g):
        M = A if ctx.adjoint else At
        return torch.from_numpy(np.ascontiguousarray((M @ g.numpy().T).T)), None


K = (0.1 * torch.randn(C, 1, 3, 3)).requires_grad_()
W = [(0.01 * torch.randn(C, C, 5, 5)).requires_grad_() for _ in range(3)]
alpha, beta = 0.05, 0.1


def R(p):
    for w in W:
        p = p + F.leaky_relu(F.conv2d(p, w, padding=2), 0.1)
    return p


def step(nu1, nu2, x, d, delta):
    B = x.shape[0]
    Kx = F.conv2d(x, K, padding=1)
    Ax = Product.apply(x.reshape(B, -1), False)
    u1 = nu1 + alpha * Kx
    n1 = u1 - alpha * R(0.5 * u1 / alpha)
    u2 = nu2 / alpha + Ax
    off = u2 - d
    p2 = d + torch.clamp(delta / off.norm(dim=1, keepdim=True), max=1) * off
    n2 = alpha * (u2 - p2)
    r = F.conv_transpose2d(2 * n1 - nu1, K, padding=1) + Product.apply(2 * n2 - nu2, True).reshape(B, 1, SIDE, SIDE)
    return n1, n2, torch.clamp(x - beta * r, 0, 1)


def timed(f, repeats):
    best = float("inf")
    for k in range(repeats + 1):
        start = time.perf_counter()
        f()
        if k:
            best = min(best, time.perf_counter() - start)
    return 1000 * best


figures = {}
for name, B, count in (("b1", 1, 20), ("b8", 8, 5)):
    d, delta = 0.1 * torch.rand(B, m), 0.1 * torch.rand(B, 1)
    start = (torch.zeros(B, C, SIDE, SIDE), torch.zeros(B, m), torch.rand(B, 1, SIDE, SIDE))

    def iterate():
        z = start
        with torch.no_grad():
            for _ in range(count):
                z = step(*z, d, delta)

    figures[f"pytorch_ms_per_iteration_{name}"] = timed(iterate, 5) / count

    def jfb():
        x = step(*start, d, delta)[2]
        loss = ((x - start[2]) ** 2).mean()
        for p in (K, *W):
            p.grad = None
        loss.backward()

    figures[f"pytorch_ms_jfb_step_{name}"] = timed(jfb, 5)

print(
    json.dumps(
        {
            "figures": figures,
            "env": {"torch": torch.__version__, "numpy": np.__version__, "scipy": scipy.__version__, "threads": str(torch.get_num_threads())},
        }
    )
)
