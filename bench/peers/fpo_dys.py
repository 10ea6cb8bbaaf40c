"""Epochs of shortest paths by Davis-Yin splitting and JFB in PyTorch, after McKenzie, Heaton & Wu Fung 2024.

Written from the published algorithm: x = max(z, 0), y = P(2x - z - a (w + g z)), z <- z - x + y, P by a truncated SVD; the whole batch
stops when the Frobenius norm of its step is at most 1e-2; one attached step, mean squared error, Adam at 1e-2.
Reads {"task": "prepare", grid, gamma, edges, contexts, paths, batch} and {"task": "epoch", "batches": most} lines; answers {"ms", "iterations", "loss"}.
"""

import json
import os
import sys
import time

import torch

torch.set_num_threads(os.cpu_count() or 1)
STEP, TOLERANCE, DEPTH, CUTOFF = 0.05, 1e-2, 10_000, 1e-6


class Epochs:
    def __init__(self, ask):
        torch.manual_seed(1)
        nodes, edges = ask["grid"] ** 2, ask["edges"]
        count = len(edges)
        incidence = torch.zeros(nodes, count)
        for e, (tail, head) in enumerate(edges):
            incidence[tail, e], incidence[head, e] = -1.0, 1.0
        supply = torch.zeros(nodes)
        supply[0], supply[-1] = -1.0, 1.0
        u, s, vt = torch.linalg.svd(incidence, full_matrices=False)
        inverse = torch.where(s >= CUTOFF, 1 / s, torch.zeros_like(s))
        self.incidence, self.supply, self.lift, self.drop = incidence, supply, vt.T * inverse, u.T
        self.gamma, self.batch = ask["gamma"], ask["batch"]
        self.contexts = torch.tensor(ask["contexts"])
        self.targets = torch.zeros(len(ask["paths"]), count)
        for n, path in enumerate(ask["paths"]):
            self.targets[n, path] = 1.0
        self.net = torch.nn.Sequential(
            torch.nn.Linear(self.contexts.shape[1], ask["hidden"]),
            torch.nn.LeakyReLU(0.1),
            torch.nn.Linear(ask["hidden"], count),
        )
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-2)
        self.start = torch.rand(count)

    def project(self, v):
        return v - (v @ self.incidence.T - self.supply) @ self.drop.T @ self.lift.T

    def apply(self, z, w):
        x = z.clamp(min=0)
        return z - x + self.project(2 * x - z - STEP * (w + self.gamma * z))

    def epoch(self, most):
        began, iterations, total = time.perf_counter(), 0, 0.0
        for chosen in torch.randperm(len(self.contexts)).split(self.batch)[:most]:
            w = self.net(self.contexts[chosen])
            with torch.no_grad():
                z = self.start.expand(len(chosen), -1)
                for _ in range(DEPTH):
                    z, last = self.apply(z, w), z
                    iterations += 1
                    if torch.linalg.norm(z - last) <= TOLERANCE:
                        break
            loss = torch.nn.functional.mse_loss(self.apply(z, w).clamp(min=0), self.targets[chosen])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(chosen)
        ms = 1000 * (time.perf_counter() - began)
        return {"ms": ms, "iterations": iterations, "loss": total / len(self.contexts)}


epochs = None
for line in sys.stdin:
    ask = json.loads(line)
    if ask["task"] == "prepare":
        epochs = Epochs(ask)
        answer = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    else:
        answer = epochs.epoch(ask["batches"])
    print(json.dumps(answer), flush=True)
