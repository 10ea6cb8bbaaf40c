"""Shortest paths learned by PyEPO's losses, by our recipe: one network, Adam with a cosine, phases judged by validation regret.

PyEPO solves by a model of the caller's: here the grid's edges in topological order. Reads {"task": "data", grid, count, seed};
{"task": "prepare", grid, edges, context, train, validation} with {contexts, costs} each; {"task": "train", loss, hidden, batch,
phases, passes, rate, seed, test}, answered by {"costs": predicted for the contexts `test`, "seconds"}.
"""

import contextlib
import json
import math
import os
import sys
import time

with contextlib.redirect_stdout(sys.stderr):
    import numpy as np
    import pyepo
    import pyepo.data
    import torch
    from pyepo.model.opt import optModel

torch.set_num_threads(os.cpu_count() or 1)


class Paths(optModel):
    def __init__(self, nodes, edges):
        self.nodes, self.ends, self.costs = nodes, edges, None
        self.into = [[] for _ in range(nodes)]
        for e, (tail, head) in enumerate(edges):
            self.into[head].append((e, tail))
        super().__init__()

    def _getModel(self):
        return None, {e: e for e in range(len(self.ends))}

    @property
    def num_cost(self):
        return len(self.ends)

    def setObj(self, c):
        self.costs = np.asarray(c, dtype=np.float64).tolist()

    def solve(self):
        costs, labels, by = self.costs, [0.0] * self.nodes, [-1] * self.nodes
        for head in range(1, self.nodes):
            best = math.inf
            for e, tail in self.into[head]:
                reached = labels[tail] + costs[e]
                if reached < best:
                    best, by[head] = reached, e
            labels[head] = best
        x, node = np.zeros(len(costs), dtype=np.float32), self.nodes - 1
        while node != 0:
            x[by[node]] = 1
            node = self.ends[by[node]][0]
        return x, labels[-1]


class Task:
    def __init__(self, ask):
        self.model = Paths(ask["grid"] ** 2, ask["edges"])
        self.train, self.validation = [self.samples(ask[part], ask["context"]) for part in ("train", "validation")]

    def samples(self, given, context):
        contexts = torch.tensor(given["contexts"]).reshape(-1, context)
        costs = torch.tensor(given["costs"]).reshape(len(contexts), -1)
        solved = [self.solved(c) for c in costs.numpy()]
        best = torch.tensor(np.array([x for x, _ in solved]))
        return contexts, costs, best, torch.tensor([[value] for _, value in solved])

    def solved(self, costs):
        self.model.setObj(costs)
        return self.model.solve()

    def regret(self, net):
        contexts, costs, _, values = self.validation
        with torch.no_grad():
            predicted = net(contexts).numpy()
        lost = sum(float(c @ torch.tensor(self.solved(p)[0])) for p, c in zip(predicted, costs)) - float(values.sum())
        return lost / float(values.abs().sum())

    def loss(self, name):
        if name == "spo+":
            spo = pyepo.func.SPOPlus(self.model, processes=1)
            return lambda w, c, x, z: spo(w, c, x, z)
        if name == "fenchel-young":
            pfy = pyepo.func.PFY(self.model, n_samples=10, sigma=1.0, processes=1)
            return lambda w, c, x, z: pfy(w, x)
        dbb = pyepo.func.DBB(self.model, lambd=5, processes=1)
        return lambda w, c, x, z: (dbb(w) - x).abs().sum(1).mean()

    def fit(self, ask):
        torch.manual_seed(ask["seed"])
        contexts, costs, best, values = self.train
        net = torch.nn.Sequential(
            torch.nn.Linear(contexts.shape[1], ask["hidden"]),
            torch.nn.LeakyReLU(0.1),
            torch.nn.Linear(ask["hidden"], costs.shape[1]),
        )
        optimizer = torch.optim.Adam(net.parameters(), lr=ask["rate"])
        steps = ask["phases"] * ask["passes"] * math.ceil(len(contexts) / ask["batch"])
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        loss, least, kept, seconds = self.loss(ask["loss"]), math.inf, None, 0.0
        for _ in range(ask["phases"]):
            began = time.perf_counter()
            for _ in range(ask["passes"]):
                for chosen in torch.randperm(len(contexts)).split(ask["batch"]):
                    value = loss(net(contexts[chosen]), costs[chosen], best[chosen], values[chosen])
                    optimizer.zero_grad()
                    value.backward()
                    optimizer.step()
                    schedule.step()
            seconds += time.perf_counter() - began
            regret = self.regret(net)
            if regret < least:
                least = regret
                with torch.no_grad():
                    kept = net(torch.tensor(ask["test"]).reshape(-1, contexts.shape[1]))
        return {"costs": kept.flatten().tolist(), "seconds": seconds, "validation": least}


task = None
for line in sys.stdin:
    ask = json.loads(line)
    if ask["task"] == "data":
        grid = (ask["grid"], ask["grid"])
        x, c = pyepo.data.shortestpath.genData(ask["count"], 5, grid, deg=4, noise_width=0.5, seed=ask["seed"])
        answer = {"contexts": x.flatten().tolist(), "costs": c.flatten().tolist()}
    elif ask["task"] == "prepare":
        task = Task(ask)
        answer = {"torch": torch.__version__}
    else:
        answer = task.fit(ask)
    print(json.dumps(answer), flush=True)
