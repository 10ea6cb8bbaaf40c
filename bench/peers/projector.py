"""Products of a CT operator with 8 slices and of its adjoint, by SciPy's CSR and by ASTRA, driven line by line.

Arguments: a folder of .npy files written by bench/ct-projector.ts, pixels a side, detectors. Reads one JSON request a line, answers one
JSON line; "ms" is the time of one pair of products of the whole batch.
"""

import json
import os
import sys
import time

import numpy as np
import scipy
import scipy.sparse

folder, side, detectors = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
load = lambda name: np.load(os.path.join(folder, f"{name}.npy"))
indptr = load("indptr")
A = scipy.sparse.csr_matrix((load("values"), load("indices"), indptr), shape=(len(indptr) - 1, side * side))
At = A.T.tocsr()
batch = load("x").shape[0]
# Slices as columns: SciPy then reads each entry of the matrix once for all of them.
x = np.ascontiguousarray(load("x").reshape(batch, -1).T)
y = np.ascontiguousarray(load("y").reshape(batch, -1).T)


def by_scipy():
    return A @ x, At @ y


def astra_products():
    import astra

    volume = astra.create_vol_geom(side, side)
    beams = astra.create_proj_geom("parallel", 1.0, detectors, np.deg2rad(load("angles")))
    operator = astra.OpTomo(astra.create_projector("linear", beams, volume))
    images = load("x").reshape(batch, side, side)
    sinograms = np.random.default_rng(0).random((batch, len(load("angles")), detectors), dtype=np.float32)
    return lambda: ([operator.FP(image) for image in images], [operator.BP(sinogram) for sinogram in sinograms])


def timed(once, products):
    start = time.perf_counter()
    for _ in range(products):
        once()
    return {"ms": 1000 * (time.perf_counter() - start) / products}


def difference():
    """Largest difference of both products, over the largest number in them."""
    apart = lambda own, name: np.abs(own.T - load(name).reshape(batch, -1)).max() / np.abs(own).max()
    Ax, ATy = by_scipy()
    return {"difference": float(max(apart(Ax, "Ax"), apart(ATy, "ATy")))}


by_astra = None
for line in sys.stdin:
    request = json.loads(line)
    task = request["task"]
    if task == "versions":
        answer = {"scipy": scipy.__version__, "numpy": np.__version__}
    elif task == "scipy":
        answer = timed(by_scipy, request["products"])
    elif task == "difference":
        answer = difference()
    elif task == "astra":
        by_astra = by_astra or astra_products()
        answer = timed(by_astra, request["products"])
    elif task == "astra version":
        import astra

        answer = {"version": astra.__version__}
    else:
        raise ValueError(f"unknown task {task}")
    print(json.dumps(answer), flush=True)
