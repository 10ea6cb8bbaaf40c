"""Write test/golden/decisions.json: draws of NumPy's RandomState, and costs of PyEPO's recipes.

    python3 bench/peers/golden_decisions.py
"""

import json
import pathlib

import numpy as np
import pyepo.data

SEED = 135


def stream():
    state = np.random.RandomState(SEED)
    uniform = state.random_sample(3).tolist()
    normal = state.standard_normal(3).tolist()
    below = state.randint(0, 500, size=5).tolist()
    return {"uniform": uniform, "normal": normal, "below": below}


def paths(grid, count):
    contexts, costs = pyepo.data.shortestpath.genData(count, 5, (grid, grid), deg=4, noise_width=0.5, seed=SEED)
    return {"grid": grid, "count": count, "contexts": contexts.tolist(), "costs": costs.tolist()}


def knapsacks(items, count):
    weights, contexts, values = pyepo.data.knapsack.genData(
        count, 5, items, dim=2, deg=4, noise_width=0.5, seed=SEED
    )
    return {"items": items, "count": count, "weights": weights.tolist(), "contexts": contexts.tolist(), "values": values.tolist()}


path = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden" / "decisions.json"
golden = {
    "source": f"numpy {np.__version__}, PyEPO 2.2.7",
    "stream": stream(),
    "paths": paths(3, 4),
    "knapsacks": knapsacks(4, 3),
}
path.write_text(json.dumps(golden) + "\n")
