"""Data of the fit of 12 points by one hidden ReLU layer: gradient descent and SAM from the same weights."""

import numpy as np

from samtheory.evaluate import losses
from samtheory.problems.relu_nets import ReluNet, outputs, weights, with_bias
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import Table
from samtheory.simulate import simulate

STEPS, WIDTH, RHO, SEEDS = 250_000, 100, 0.3, 5
ETA = 6 * 5e-5  # 5e-5 for the loss 1/2 sum of squares; ours is the mean over the 12 points, without 1/2


def data():
    x = np.arange(-5.5, 6) / 4 + 0.07
    y = 0.345 + np.array([-2, 1.5, 0, 0, 2, 1, 0, -1, 0, 1, 2, -1])
    net, grid = ReluNet(with_bias(x[:, None]), y, WIDTH), np.linspace(-1.6, 1.75, 671)
    rules = {"gradient descent": GD(ETA), "SAM": SAM(Table(np.linspace(ETA, 0, STEPS)), RHO)}
    starts = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        first = np.stack([2.5 * rng.choice([-1.0, 1.0], WIDTH), 2.5 * rng.standard_normal(WIDTH)], axis=1)
        starts.append(np.concatenate([first.ravel(), 4 * rng.standard_normal(WIDTH)]))
    out = {"x": x, "y": y, "grid": grid, "rho": RHO}
    for name, rule in rules.items():
        ends = simulate(net, rule, np.array(starts), STEPS, every=STEPS).x
        fits = np.array([outputs(net, end, with_bias(grid[:, None])) for end in ends])
        out |= {f"{name}, fit": fits, f"{name}, loss": losses(net, ends)}
        # the bends inside the data: sizes |W2_k W1_k| at -bias_k/W1_k
        first, heads = zip(*(weights(net, end) for end in ends))
        first, heads = np.array(first), np.array(heads)
        out |= {f"{name}, kinks": -first[:, :, 1] / first[:, :, 0], f"{name}, bends": heads * np.abs(first[:, :, 0])}
    return out
