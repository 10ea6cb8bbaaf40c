"""Write test/golden/optimizers.json: parameters and rates of PyTorch's optimizers and schedulers, in float64.

    python3 bench/peers/golden_optimizers.py
"""

import json
import pathlib

import torch

STEPS = 8
START = [1.5, -2.0, 0.25]
# The gradient of step t at parameter i is CURVATURE[i] * parameter + sin(t + i).
CURVATURE = [0.5, 1.0, 2.0]


def path(make):
    x = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = make([x])
    points = []
    for t in range(1, STEPS + 1):
        noise = torch.sin(torch.arange(len(START), dtype=torch.float64) + t)
        x.grad = torch.tensor(CURVATURE, dtype=torch.float64) * x.detach() + noise
        optimizer.step()
        points.append(x.detach().tolist())
    return points


def rates(make, steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    scheduler = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


optim, schedules = torch.optim, torch.optim.lr_scheduler
golden = {
    "source": f"torch {torch.__version__}",
    "start": START,
    "curvature": CURVATURE,
    "rate": 0.1,
    "paths": {
        "sgd": path(lambda p: optim.SGD(p, lr=0.1)),
        "sgd momentum": path(lambda p: optim.SGD(p, lr=0.1, momentum=0.75)),
        "nesterov": path(lambda p: optim.SGD(p, lr=0.1, momentum=0.875, nesterov=True)),
        "adam": path(lambda p: optim.Adam(p, lr=0.1)),
    },
    # Rates of steps 0 … 10: PyTorch's cosine begins at step 0 with the whole rate.
    "rates": {
        "cosine": rates(lambda o: schedules.CosineAnnealingLR(o, T_max=10, eta_min=0.05), 11),
        "step": rates(lambda o: schedules.StepLR(o, step_size=3, gamma=0.2), 11),
        "linear": rates(lambda o: schedules.LinearLR(o, start_factor=0.25, end_factor=1.0, total_iters=3), 11),
    },
}
out = pathlib.Path(__file__).parents[2] / "test" / "golden" / "optimizers.json"
out.write_text(json.dumps(golden, indent=1) + "\n")
