"""Write test/golden/npy.json: .npy and .npz files made by NumPy, in base64.

    python3 bench/peers/golden_npy.py
"""

import base64
import io
import json
import pathlib

import numpy as np


def saved(write, *args, **options):
    file = io.BytesIO()
    write(file, *args, **options)
    return base64.b64encode(file.getvalue()).decode()


arrays = {
    "<f4": np.array([[1.5, -2, 3], [0, np.inf, -0.25]], "<f4"),
    "<f8": np.array([np.pi, -1e-300]),
    "|u1": np.arange(6, dtype="u1").reshape(1, 2, 3),
    "|b1": np.array([True, False, True]),
    "<u2": np.array([65535, 1], "u2"),
    "<i2": np.array([-32768, 7], "i2"),
    "<i4": np.array([[-5], [2**31 - 1]], "i4"),
    "<u4": np.array([2**32 - 1], "u4"),
    "<i8": np.array([-(2**63), 2**62]),
    "scalar": np.array(2.5),
    "empty": np.zeros((0, 3), "f4"),
    "big-endian": np.array([1.0], ">f4"),
    "Fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "f2": np.array([1.0], "f2"),
    "c8": np.array([1j], "c8"),
    "U2": np.array(["ab"]),
    "structured": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]),
}
files = {name: saved(np.save, array) for name, array in arrays.items()}
files["version 2"] = saved(np.lib.format.write_array, np.arange(3, dtype="<f4"), version=(2, 0))
members = {"a": np.arange(3, dtype="<f4"), "b": np.array([[1, 2]], "i4")}
files["npz stored"] = saved(np.savez, **members)
files["npz compressed"] = saved(np.savez_compressed, **members)

path = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden" / "npy.json"
path.write_text(json.dumps({"source": f"numpy {np.__version__}", "files": files}, indent=1) + "\n")
