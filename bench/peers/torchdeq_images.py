"""An epoch of the image network of bench/jfb-run.ts in torchdeq: same map, batch, images, solver and tolerance.

Arguments: the folder of Fashion-MNIST's files, then values of gamma. Norm bounds of the filters are computed once a step, as
they are in the other program. Prints one JSON line: {"version": "...", "runs": {"jfb_0.5": seconds an epoch, ...}}.
"""

import gzip
import json
import math
import os
import sys
import time
from importlib.metadata import version

import numpy as np
import torch
import torch.nn.functional as F
from torchdeq import get_deq

COUNT, BATCH, TOLERANCE, LATENT = 10_000, 100, 1e-2, 7
torch.manual_seed(1)
torch.set_num_threads(os.cpu_count() or 1)


def read(folder, name, offset):
    with gzip.open(os.path.join(folder, name)) as file:
        return np.frombuffer(file.read(), np.uint8, offset=offset)


def torus_bound(K):
    """The largest trace power over the frequencies of a torus: torusBound of the other program."""
    symbol = torch.fft.rfft2(K, s=(LATENT + 1, LATENT + 1)).permute(2, 3, 0, 1)
    G = symbol.mH @ symbol
    for _ in range(2):
        G = G @ G
    return (G.real**2 + G.imag**2).sum((-1, -2)).amax() ** (1 / 16)


def filters(out, channels):
    return torch.nn.Parameter(torch.randn(out, channels, 3, 3) * math.sqrt(2 / (9 * channels)))


class Network(torch.nn.Module):
    def __init__(self, gamma, **deq):
        super().__init__()
        self.gamma = gamma
        self.first, self.first_b = filters(16, 1), torch.nn.Parameter(torch.zeros(16))
        self.second, self.second_b = filters(32, 16), torch.nn.Parameter(torch.zeros(32))
        self.latent = torch.nn.ParameterList([filters(32, 32) for _ in range(4)])
        self.latent_b = torch.nn.ParameterList([torch.nn.Parameter(torch.zeros(32)) for _ in range(4)])
        self.last, self.last_b = filters(16, 32), torch.nn.Parameter(torch.zeros(16))
        self.classes = torch.nn.Parameter(torch.randn(10, 784) * math.sqrt(2 / 784))
        self.deq = get_deq(f_solver="fixed_point_iter", f_tol=TOLERANCE, f_stop_mode="rel", **deq)

    def forward(self, u):
        h = F.max_pool2d(F.leaky_relu(F.conv2d(u, self.first, self.first_b, padding=1), 0.1), 3)
        v = F.leaky_relu(F.conv2d(h, self.second, self.second_b), 0.1)
        kernels = [K / torus_bound(K).clamp(min=1) for K in self.latent]

        def T(z):
            w = z + v
            for i in (0, 2):
                y = w
                for j in (i, i + 1):
                    y = F.leaky_relu(F.conv2d(y, kernels[j], self.latent_b[j], padding=1), 0.1)
                w = 0.5 * w + 0.5 * y
            return self.gamma * w

        z = self.deq(T, torch.zeros_like(v))[0][-1]
        return F.leaky_relu(F.conv2d(z, self.last, self.last_b, padding=1), 0.1).flatten(1) @ self.classes.T


def epoch(network, images, labels):
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    order = torch.randperm(COUNT)
    # The first step, in which everything is set up, is not counted.
    started = None
    for k in range(0, COUNT, BATCH):
        rows = order[k : k + BATCH]
        loss = F.cross_entropy(network(images[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        started = started or time.perf_counter()
    return time.perf_counter() - started


def main():
    folder, gammas = sys.argv[1], [float(g) for g in sys.argv[2:]]
    pixels = read(folder, "train-images-idx3-ubyte.gz", 16).reshape(-1, 1, 28, 28)[:COUNT]
    images = torch.tensor(pixels, dtype=torch.float32) / 255
    images = (images - images.mean()) / images.std()
    labels = torch.tensor(read(folder, "train-labels-idx1-ubyte.gz", 8)[:COUNT].astype(np.int64))
    runs = {}
    for gamma in gammas:
        limit = 2 * math.ceil(math.log(TOLERANCE) / math.log(gamma) / 2)
        rules = {
            "jfb": dict(ift=False, grad=1),
            "implicit": dict(ift=True, b_solver="fixed_point_iter", b_tol=TOLERANCE, b_stop_mode="rel", b_max_iter=100),
        }
        for name, deq in rules.items():
            network = Network(gamma, f_max_iter=limit, **deq)
            times = [epoch(network, images, labels) for _ in range(3)]
            runs[f"{name}_{gamma:g}"] = sorted(times)[1]
    print(json.dumps({"version": f"torchdeq {version('torchdeq')}, torch {torch.__version__}", "runs": runs}))


main()
