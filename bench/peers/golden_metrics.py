"""Write test/golden/metrics.json: PSNR and SSIM by scikit-image of images given by a formula.

    python3 bench/peers/golden_metrics.py
"""

import json
import math
import pathlib

import numpy as np
import skimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity


def noise(count, seed):
    """Values in [-1, 1) of s -> (1664525 s + 1013904223) mod 2^32."""
    values = np.empty(count)
    state = seed
    for i in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        values[i] = state / 2**31 - 1
    return values


def images(height, width, seed, amplitude, peak):
    """A smooth ground truth in [0, peak], a blurred and noisy copy of it; both rounded to float32."""
    r, c = np.mgrid[0:height, 0:width]
    truth = peak * (0.5 + 0.25 * np.sin(r / 5) + 0.25 * np.cos(c / 7 + r / 11))
    copy = peak * (0.5 + 0.24 * np.sin(r / 5 + 0.1) + 0.23 * np.cos(c / 7 + r / 11))
    x = copy + peak * amplitude * noise(height * width, seed).reshape(height, width)
    return x.astype(np.float32).astype(np.float64), truth.astype(np.float32).astype(np.float64)


cases = []
for height, width, seed, amplitude, peak in [
    (24, 37, 1, 0.1, 1.0),
    (24, 37, 2, 0.1, 0.31),
    (40, 19, 3, 0.5, 0.8),
    (11, 11, 4, 0.02, 1.0),
    (64, 64, 5, 0.0, 0.5),
]:
    x, truth = images(height, width, seed, amplitude, peak)
    for kind, data_range in [("one", 1.0), ("max", float(truth.max()))]:
        cases.append(
            {
                "height": height,
                "width": width,
                "seed": seed,
                "amplitude": amplitude,
                "peak": peak,
                "range": kind,
                "psnr": peak_signal_noise_ratio(truth, x, data_range=data_range),
                "ssim": structural_similarity(truth, x, data_range=data_range),
                "ssimWang2004": structural_similarity(
                    truth,
                    x,
                    data_range=data_range,
                    gaussian_weights=True,
                    sigma=1.5,
                    use_sample_covariance=False,
                ),
            }
        )
assert all(math.isfinite(case[key]) for case in cases for key in ("psnr", "ssim", "ssimWang2004"))

path = pathlib.Path(__file__).resolve().parents[2] / "test" / "golden" / "metrics.json"
path.write_text(json.dumps({"source": f"scikit-image {skimage.__version__}", "cases": cases}, indent=1) + "\n")
