"""Write test/golden/networks.json: blocks of networks by PyTorch, and the official F-FPN on one input where its weights are.

    ../.venv/bin/python bench/peers/golden_networks.py ../shared/data
"""

import json
import pathlib
import sys

import numpy as np
import scipy.sparse
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def wave(shape, phase):
    n = int(np.prod(shape))
    return torch.tensor(np.sin(0.7 * np.arange(n) + phase)).reshape(shape)


def flat(x):
    return x.detach().flatten().tolist()


x = wave((2, 3, 4, 6), 0.0)
W, b = wave((3, 2, 3, 3), 1.0), wave((2,), 2.0)
gamma, beta, mean, variance = (wave((3,), p) for p in (3.0, 4.0, 5.0, 6.0))
variance = variance**2 + 0.5
norm = torch.nn.BatchNorm2d(3)
norm.weight.data, norm.bias.data = gamma.clone(), beta.clone()
norm.running_mean.data, norm.running_var.data = mean.clone(), variance.clone()
running = norm.eval()(x)
trained = norm.train()(x)
blocks = {
    "maxPool": flat(F.max_pool2d(x, 3, stride=2, padding=1)),
    "softmax": flat(F.softmax(x, dim=-1)),
    "upConvolution": flat(F.conv_transpose2d(x, W, b, stride=2, padding=1, output_padding=1)),
    "batchNorm": flat(running),
    "batchNormTraining": flat(trained),
    "runningMean": flat(norm.running_mean),
    "runningVariance": flat(norm.running_var),
}


def ffpn(data):
    raw = (data / "weights" / "ffpn_lodopab.safetensors").read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    weights = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = entry["data_offsets"]
        array = np.frombuffer(raw[8 + size + start : 8 + size + end], dtype="<f4").reshape(entry["shape"])
        weights[name] = torch.tensor(array.astype(np.float64))
    stored = np.load(data / "ct" / "radon_128_30x183_csr.npz")
    A = scipy.sparse.csr_matrix(
        (stored["data"], stored["indices"], stored["indptr"]), shape=(5490, 128 * 128)
    ).astype(np.float64)
    # What is left of exact zeros by rounding is no entry.
    A.data[np.abs(A.data) < 1e-12] = 0
    A.eliminate_zeros()
    D = 1.99 / np.maximum(np.diff(A.tocsc().indptr), 1)
    pixel = np.arange(128 * 128)
    u = (0.25 + 0.2 * np.sin(0.003 * pixel) * np.cos(0.05 * (pixel % 128))).reshape(1, 1, 128, 128)
    truth = (0.3 + 0.1 * np.cos(0.002 * pixel)).ravel()
    d = A @ truth
    v = torch.tensor(u)
    for i in range(4):
        reference = v[:, :1] if i == 3 else v
        v = reference + F.leaky_relu(F.conv2d(v, weights[f"convs.{i}.weight"], weights[f"convs.{i}.bias"], padding=2), 0.1)
    w = v.clamp(0, 10).numpy().ravel()
    result = w - D * (A.T @ (A @ w - d))
    at = list(range(0, 128 * 128, 131))
    return {"at": at, "values": result[at].tolist(), "norm": float(np.linalg.norm(result))}


golden = {"source": f"torch {torch.__version__}", "blocks": blocks}
if len(sys.argv) > 1:
    golden["ffpn"] = ffpn(pathlib.Path(sys.argv[1]))
out = pathlib.Path(__file__).parents[2] / "test" / "golden" / "networks.json"
out.write_text(json.dumps(golden, indent=1) + "\n")
