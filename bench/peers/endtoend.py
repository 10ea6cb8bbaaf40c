"""The c=16 model, its training step and TV-CT in PyTorch, each in the fastest way found, driven line by line.

Argument: a folder of .npy files written by bench/endtoend.ts. Reads one JSON request a line, answers one JSON line; every "ms" is
the time of the work alone. Variants: the operator as PyTorch CSR, SciPy CSR or dense, contiguous or channels-last images, eager or
torch.compile; `prepare` times them and keeps the fastest for each batch size.
"""

import json
import os
import sys
import time
import warnings

import numpy as np
import scipy
import scipy.sparse
import torch
import torch.nn.functional as F

warnings.filterwarnings("ignore")
torch.manual_seed(0)
torch.set_num_threads(len(os.sched_getaffinity(0)))
folder = sys.argv[1]
load = lambda name: np.load(os.path.join(folder, f"{name}.npy"))
SIDE, C = 128, 16
ALPHA, BETA = (float(v) for v in load("steps"))
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}

A = scipy.sparse.csr_matrix((load("values"), load("indices"), load("indptr")), shape=(len(load("indptr")) - 1, SIDE**2))
At = A.T.tocsr()
m = A.shape[0]


def torch_csr(M):
    return torch.sparse_csr_tensor(torch.from_numpy(M.indptr), torch.from_numpy(M.indices), torch.from_numpy(M.data), M.shape)


CSR = (torch_csr(A), torch_csr(At))
DENSE = torch.from_numpy(A.toarray())


def by_torch(x, adjoint):
    M = CSR[adjoint]
    return (M @ x[0])[None] if x.shape[0] == 1 else (M @ x.t().contiguous()).t()


def by_scipy(x, adjoint):
    M = At if adjoint else A
    rows = x.numpy()
    return torch.from_numpy((M @ rows[0])[None]) if x.shape[0] == 1 else torch.from_numpy(M @ np.ascontiguousarray(rows.T)).t()


def by_dense(x, adjoint):
    return x @ (DENSE if adjoint else DENSE.t())


PRODUCTS = {name: torch.compiler.disable(f) for name, f in (("torch CSR", by_torch), ("scipy CSR", by_scipy), ("dense", by_dense))}


class Product(torch.autograd.Function):
    """x [B, n] -> x A^T (or x A), with its adjoint as gradient."""

    @staticmethod
    def forward(ctx, x, adjoint, product):
        ctx.adjoint, ctx.product = adjoint, product
        return product(x.detach(), adjoint)

    @staticmethod
    def backward(ctx, g):
        return ctx.product(g.contiguous(), not ctx.adjoint), None, None


def weights(layout):
    return [torch.from_numpy(load(name)).to(memory_format=layout) for name in ("K", "w1", "w2", "w3")]


def iteration(layout, product):
    """One step of L-ADMM with lambda = 1/alpha, without gradients: as few passes over the images as PyTorch allows."""
    K, *W = weights(layout)

    def step(nu1, nu2, x, d, delta):
        B = x.shape[0]
        u1 = F.conv2d(x, K, padding=1).mul_(ALPHA).add_(nu1)
        p = u1 * (0.5 / ALPHA)
        for w in W:
            p = F.leaky_relu_(F.conv2d(p, w, padding=2), 0.1).add_(p)
        n1 = u1.sub_(p, alpha=ALPHA)
        u2 = product(x.reshape(B, -1), False).add_(nu2, alpha=1 / ALPHA)
        off = u2 - d
        n2 = off.sub_(torch.clamp(delta / off.norm(dim=1, keepdim=True), max=1) * off).mul_(ALPHA)
        r = F.conv_transpose2d(torch.sub(2 * n1, nu1), K, padding=1)
        r = r.add_(product(2 * n2 - nu2, True).reshape(B, 1, SIDE, SIDE))
        return n1, n2, torch.sub(x, r, alpha=BETA).clamp_(0, 1)

    return step


def released():
    """One step as the released code makes it: dense operator, duals zero at its start, a stopping test every time."""
    K, *W = weights(torch.contiguous_format)
    bias = [torch.zeros(C) for _ in W]
    alpha, beta, lam = torch.tensor(ALPHA), torch.tensor(BETA), torch.tensor(0.1)

    def R(p):
        for w, b in zip(W, bias):
            p = p + F.leaky_relu(F.conv2d(p, w, b, padding=2), 0.1)
        return p

    def step(nu1, nu2, x, d, delta):
        a, b, l = (torch.clamp(v, 0, 2) for v in (alpha, beta, lam))
        B = x.shape[0]
        p = F.conv2d(x, K, padding=1)
        w = x.reshape(B, -1).mm(DENSE.t())
        nu1, nu2 = torch.zeros_like(p), torch.zeros_like(w)
        p1 = R(p + l * nu1)
        v = w + l * nu2 - d
        w1 = d + torch.clamp(delta / v.norm(dim=1, keepdim=True), max=1) * v
        n1, n2 = nu1 + a * (p - p1), nu2 + a * (w - w1)
        r = F.conv_transpose2d(2 * n1 - nu1, K, padding=1) + (2 * n2 - nu2).mm(DENSE).reshape(B, 1, SIDE, SIDE)
        x1 = torch.clamp(x - b * r, 0, 1)
        (x1 - x).reshape(B, -1).norm(dim=1).max().item()
        return n1, n2, x1

    return step


def start(batch, layout):
    d, delta = torch.from_numpy(load("d"))[:batch], torch.from_numpy(load("delta"))[:batch, None]
    z = (torch.zeros(batch, C, SIDE, SIDE).to(memory_format=layout), torch.zeros(batch, m), torch.zeros(batch, 1, SIDE, SIDE))
    return z, d, delta


def run(step, batch, count, layout):
    z, d, delta = start(batch, layout)
    begin = time.perf_counter()
    with torch.no_grad():
        for _ in range(count):
            z = step(*z, d, delta)
    return 1000 * (time.perf_counter() - begin), z


def fastest(tasks, repeats=3):
    """Names of callables and the least seconds each took."""
    found = {name: float("inf") for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            begin = time.perf_counter()
            task()
            found[name] = min(found[name], time.perf_counter() - begin)
    return min(found, key=found.get), found


def fastest_product(batch):
    """The operator and its adjoint as part of a step: on rows, the next thing being an addition."""
    x = torch.rand(batch, SIDE**2)
    return fastest({name: lambda f=f: f(f(x, False).contiguous(), True) for name, f in PRODUCTS.items()})[0]


chosen = {}


def prepare(batch, count):
    """Keep the fastest operator for the batch, and with it the fastest of both layouts, eager and compiled."""
    name = fastest_product(batch)
    product = PRODUCTS[name]
    steps = {layout: iteration(value, product) for layout, value in FORMATS.items()}
    refused = ""
    for layout in FORMATS:
        try:
            fused = torch.compile(iteration(FORMATS[layout], product), dynamic=False)
            run(fused, batch, 2, FORMATS[layout])
            steps[f"{layout}, compiled"] = fused
        except Exception as error:  # stated in the answer; the eager variants stand
            refused = str(error).splitlines()[0]
    layout_of = lambda key: FORMATS[key.split(",")[0]]
    best, _ = fastest({key: lambda key=key: run(steps[key], batch, count, layout_of(key)) for key in steps})
    chosen[batch] = (steps[best], layout_of(best), product)
    return {"variant": f"{name}, {best}", "compile": refused or "works"}


def iterate(batch, count):
    step, layout, _ = chosen[batch]
    ms, z = run(step, batch, count, layout)
    return {"ms": ms, "norms": [float(v.norm()) for v in z]}


def iterate_released(batch, count):
    return {"ms": run(released_step, batch, count, torch.contiguous_format)[0]}


released_step = released()
learner = {}


def jfb_step(batch, count):
    """`count` iterations without gradients, one attached step, the loss, its gradient and Adam's update."""
    step, layout, product = chosen[batch]
    if batch not in learner:
        K, *W = params = [w.requires_grad_() for w in weights(layout)]
        learner[batch] = (K, W, params, torch.optim.Adam(params, lr=1e-6, fused=True))
    K, W, params, optimizer = learner[batch]
    ms, z = run(step, batch, count, layout)
    nu1, nu2, x = z
    _, d, delta = start(batch, layout)
    target = torch.zeros_like(x)
    begin = time.perf_counter()
    u1 = nu1 + ALPHA * F.conv2d(x, K, padding=1)
    p = u1 * (0.5 / ALPHA)
    for w in W:
        p = F.leaky_relu_(F.conv2d(p, w, padding=2), 0.1) + p
    n1 = u1 - ALPHA * p
    with torch.no_grad():
        off = nu2 / ALPHA + product(x.reshape(batch, -1), False) - d
        n2 = ALPHA * (off - torch.clamp(delta / off.norm(dim=1, keepdim=True), max=1) * off)
    r = F.conv_transpose2d(2 * n1 - nu1, K, padding=1)
    r = r + Product.apply(2 * n2 - nu2, True, product).reshape(batch, 1, SIDE, SIDE)
    loss = ((torch.clamp(x - BETA * r, 0, 1) - target) ** 2).mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return {"ms": ms + 1000 * (time.perf_counter() - begin)}


def tv(alpha, beta, tolerance, every, most):
    """Isotropic TV by eq. (15) with alpha lambda = 1, until every sample's worst relative KKT residual is at most `tolerance`.

    alpha: one step each for fidelity and differences. Samples that have converged leave the batch. The residuals are those of
    src/splitting/linearized-admm.ts.
    """
    d, radius = torch.from_numpy(load("slices_d")), torch.from_numpy(load("slices_radius"))[:, None]
    product = tv_product
    a2, a1 = alpha

    def D(x, out):
        torch.sub(x[:, 1:], x[:, :-1], out=out[:, 0, :-1])
        torch.sub(x[:, :, 1:], x[:, :, :-1], out=out[:, 1, :, :-1])
        return out

    def Dt(y):
        r = torch.zeros(y.shape[0], SIDE, SIDE)
        v, h = y[:, 0, :-1], y[:, 1, :, :-1]
        r[:, :-1] -= v
        r[:, 1:] += v
        r[:, :, :-1] -= h
        r[:, :, 1:] += h
        return r

    norm = lambda v: v.flatten(1).norm(dim=1)
    adjoint = lambda y: product(y, True).reshape(-1, SIDE, SIDE)
    N = d.shape[0]
    answer, steps = torch.zeros(N, SIDE, SIDE), [0] * N
    live = list(range(N))
    x, n1, n2 = torch.zeros(N, SIDE, SIDE), torch.zeros(N, 2, SIDE, SIDE), torch.zeros(N, m)
    begin = time.perf_counter()
    with torch.no_grad():
        Dx = torch.zeros(N, 2, SIDE, SIDE)
        for k in range(1, most + 1):
            x0, m1, m2 = x, n1, n2
            Ax0, Dx0 = product(x0.reshape(len(live), -1), False), D(x0, Dx)
            n1 = torch.add(m1, Dx0, alpha=a1)
            n1.div_(torch.clamp(n1.norm(dim=1, keepdim=True), min=1))
            off = torch.add(Ax0, m2, alpha=1 / a2).sub_(d)
            n2 = off.sub_(torch.clamp(radius / off.norm(dim=1, keepdim=True), max=1) * off).mul_(a2)
            r = Dt(2 * n1 - m1).add_(adjoint(2 * n2 - m2))
            x = torch.sub(x0, r, alpha=beta).clamp_(0, 1)
            if k % every:
                continue
            p2, p1 = Ax0 - (n2 - m2) / a2, Dx0 - (n1 - m1) / a1
            Ax, Dx1 = product(x.reshape(len(live), -1), False), D(x, torch.zeros_like(Dx))
            gap = lambda s, p: norm(s - p) / torch.maximum(norm(s), norm(p)).clamp(min=1e-12)
            dual = (x0 - x) / beta - Dt(n1 - m1) - adjoint(n2 - m2)
            scale = torch.maximum(norm(Dt(n1)), norm(adjoint(n2))).clamp(min=1e-12)
            worst = torch.stack([gap(Ax, p2), gap(Dx1, p1), norm(dual) / scale]).amax(0)
            done = worst <= tolerance
            if k == most or done.any():
                for row in torch.nonzero(done | (k == most)).flatten().tolist():
                    answer[live[row]], steps[live[row]] = x[row], k
                keep = torch.nonzero(~done).flatten()
                live = [live[row] for row in keep.tolist()]
                if not live or k == most:
                    break
                x, n1, n2, d, radius, Dx = (v[keep] for v in (x, n1, n2, d, radius, Dx))
        ms = 1000 * (time.perf_counter() - begin)
        g = D(answer, torch.zeros(N, 2, SIDE, SIDE))
        objective = g.norm(dim=1).flatten(1).sum(1).tolist()
    return {"ms": ms, "steps": steps, "objective": objective, "converged": not live}


def prepare_tv():
    """The fastest operator for this number of slices."""
    global tv_product
    name = fastest_product(load("slices_d").shape[0])
    tv_product = PRODUCTS[name]
    return {"variant": name}


def versions():
    return {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": sys.version.split()[0],
        "torch_threads": str(torch.get_num_threads()),
    }


TASKS = {f.__name__: f for f in (prepare, iterate, iterate_released, jfb_step, prepare_tv, tv, versions)}
for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(TASKS[request.pop("task")](**request)), flush=True)
