"""Write test/golden/geometry.json: line integrals by the ray lengths of the ASTRA Toolbox, on the processor, for the geometries of the
picture in src/applications/ct/geometry.ts.

    pip install astra-toolbox nvidia-cuda-runtime-cu12 nvidia-cufft-cu12   # and the folders of the latter's libraries in LD_LIBRARY_PATH
    python3 bench/peers/golden_geometry.py
"""

import json
import pathlib

import astra
import numpy as np

rng = np.random.default_rng(0)


def direction(x, y):
    """x down and y to the right, as ASTRA has it: x to the right and y up."""
    return np.array([y, -x])


def sinogram(image, scan):
    size, pixel = image.shape[0], scan["pixel"]
    (cx, cy), half = scan["centre"], image.shape[0] * scan["pixel"] / 2
    volume = astra.create_vol_geom(size, size, cy - half, cy + half, -cx - half, -cx + half)
    vectors = []
    for angle in np.deg2rad(scan["angles"]):
        along = direction(np.cos(angle), np.sin(angle))
        beam = direction(-np.sin(angle), np.cos(angle))
        if "sourceToAxis" in scan:
            R, D = scan["sourceToAxis"], scan["sourceToDetector"]
            first, middle = -R * beam, (D - R) * beam + scan["shift"] * along
        else:
            first, middle = beam, scan["shift"] * along
        vectors.append([*first, *middle, *(scan["spacing"] * along)])
    fan = "sourceToAxis" in scan
    projection = astra.create_proj_geom("fanflat_vec" if fan else "parallel_vec", scan["detectors"], np.array(vectors))
    projector = astra.create_projector("line_fanflat" if fan else "line", projection, volume)
    identifier, values = astra.create_sino(image.astype("f4"), projector)
    astra.data2d.delete(identifier)
    astra.projector.delete(projector)
    return values


def case(size, angles, **options):
    scan = {"pixel": 1.0, "centre": [0, 0], "shift": 0, "angles": angles, **options}
    image = rng.integers(0, 256, (size, size)) / 256
    values = sinogram(image, scan)
    return {"size": size, **scan, "image": image.ravel().tolist(), "sinogram": np.round(values.astype(float), 6).ravel().tolist()}


odd = [3.0, 41.7, 97.2, 166.0, 233.3]
fan = {"sourceToAxis": 40, "sourceToDetector": 70}
golden = {
    "source": f"ASTRA Toolbox {astra.__version__}, line and line_fanflat",
    "cases": {
        "parallel": case(12, odd, detectors=19, spacing=1.0),
        "parallel, 0.7 mm": case(13, odd, detectors=16, spacing=0.9, pixel=0.7),
        "parallel, shifted": case(12, odd, detectors=20, spacing=1.0, shift=0.3, centre=[1.5, -0.6]),
        "parallel, limited": case(16, [20.0, 30.0, 40.0, 50.0, 60.0, 70.0], detectors=24, spacing=1.0),
        "fan": case(12, odd, detectors=33, spacing=1.1, **fan),
        "fan, 1.3 mm": case(13, odd, detectors=30, spacing=1.9, pixel=1.3, **fan),
        "fan, shifted": case(12, odd, detectors=34, spacing=1.1, shift=0.4, centre=[1.5, -0.6], **fan),
    },
}
out = pathlib.Path(__file__).parents[2] / "test" / "golden" / "geometry.json"
out.write_text(json.dumps(golden) + "\n")
