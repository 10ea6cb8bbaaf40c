"""Write test/golden/games.json: quantal response equilibria by scipy's hybrid Powell method, values of games by its linear programs.

    ../.venv/bin/python bench/peers/golden_games.py
"""

import json
import pathlib

import numpy as np
import scipy
from scipy.optimize import linprog, root
from scipy.special import softmax


def wave(rows, columns, phase, scale):
    return scale * np.sin(0.7 * np.arange(rows * columns) + phase).reshape(rows, columns)


def quantal(B, temperature):
    """x1 = softmax(-B x2 / t), x2 = softmax(B' x1 / t), from the equilibria of higher temperatures."""
    rows, columns = B.shape
    x = np.concatenate([np.full(rows, 1 / rows), np.full(columns, 1 / columns)])
    for t in temperature * np.geomspace(64, 1, 25):
        off = lambda x: x - np.concatenate([softmax(-B @ x[rows:] / t), softmax(B.T @ x[:rows] / t)])
        solved = root(off, x, method="hybr", tol=1e-15)
        x = solved.x
    assert np.abs(off(x)).max() < 1e-12
    return x[:rows].tolist(), x[rows:].tolist()


def value(B):
    rows, columns = B.shape
    c = np.append(np.zeros(rows), 1)
    A = np.hstack([B.T, -np.ones((columns, 1))])
    solved = linprog(c, A, np.zeros(columns), [np.append(np.ones(rows), 0)], [1], [(0, None)] * rows + [(None, None)])
    return solved.fun


games = []
for rows, columns, phase, scale, temperature in [(3, 3, 0.0, 5, 1), (4, 6, 1.0, 8, 0.5), (7, 5, 2.0, 20, 2)]:
    B = wave(rows, columns, phase, scale)
    first, second = quantal(B, temperature)
    sizes = {"rows": rows, "columns": columns, "phase": phase, "scale": scale, "temperature": temperature}
    games.append({**sizes, "first": first, "second": second, "value": value(B)})
out = pathlib.Path(__file__).parents[2] / "test" / "golden" / "games.json"
out.write_text(json.dumps({"source": f"scipy {scipy.__version__}", "games": games}, indent=1) + "\n")
