"""Best execution over pools of two tokens as a cone program in CVXPY, solved by Clarabel.

One JSON line a task: {"pools": [{"tokens": [a, b], "reserves": [ra, rb]}, ...], "gamma": g, "count": tokens, "sold": [token,
amount], "wanted": token}, amounts and reserves in units of worth, so that the solver sees a problem that is scaled well. Answers
with the value, the seconds from these numbers to the answer, and those of Clarabel alone.
"""

import json
import sys
import time

import cvxpy as cp
import numpy as np
import scipy.sparse as sp


def route(pools, gamma, count, sold, wanted, **_):
    started = time.perf_counter()
    tokens = np.array([pool["tokens"] for pool in pools])
    reserves = np.array([pool["reserves"] for pool in pools])
    size = np.sqrt(reserves.prod(axis=1))
    m = len(pools)
    # Shares of each pool's size: tendered x, received y.
    x, y = cp.Variable((m, 2), nonneg=True), cp.Variable((m, 2), nonneg=True)
    left = reserves / size[:, None] + gamma * x - y
    # left_0 left_1 >= 1
    cone = cp.SOC(left[:, 0] + left[:, 1], cp.vstack([left[:, 0] - left[:, 1], np.full(m, 2.0)]), axis=0)
    net = 0
    for k in range(2):
        net = net + sp.csr_matrix((size, (tokens[:, k], np.arange(m))), shape=(count, m)) @ (y[:, k] - x[:, k])
    held = np.zeros(count)
    held[sold[0]] = sold[1]
    others = np.setdiff1d(np.unique(tokens), [wanted])
    problem = cp.Problem(cp.Maximize(net[wanted]), [cone, net[others] >= -held[others]])
    problem.solve(solver=cp.CLARABEL)
    return {
        "value": float(problem.value),
        "status": problem.status,
        "seconds": time.perf_counter() - started,
        "solver_seconds": float(problem.solver_stats.solve_time),
        "version": f"cvxpy {cp.__version__} with Clarabel",
    }


for line in sys.stdin:
    print(json.dumps(route(**json.loads(line))), flush=True)
