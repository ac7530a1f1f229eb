"""Data of the saddle picture: mean squared error of USAM at an indefinite quadratic, for radii about 1/|lam|."""

import numpy as np

from samtheory.problems.kernel_regression import Energy
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

LAM, ETA, NOISE, STEPS = np.array([2.0, 1.0, 0.3, -0.5]), 0.1, 0.1, 1000
RADII = (0.0, 0.5, 0.95, 1.0, 1.5)  # rho |lam| of the negative one


def data():
    d = LAM.size
    out = {"radii": np.array(RADII), "k": np.arange(STEPS + 1)}
    for radius in RADII:
        rule = USAM(ETA, radius / -LAM[-1])
        pulls = [LAM, *(NOISE * np.eye(d))]  # of the target (1, ..., 1), then of the noise of each mode
        runs = [simulate(Energy(np.diag(LAM), pull), rule, np.zeros(d), STEPS, threads=1).states for pull in pulls]
        bias = (runs[0] - 1) ** 2
        out[f"{radius:g}"] = bias.sum(axis=1) + sum((run**2).sum(axis=1) for run in runs[1:])
    return out
