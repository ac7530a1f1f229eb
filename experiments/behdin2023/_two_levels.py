"""Data of the early-stopping map: log of the best-stopped error of SAM over gradient descent's, two-level spectra."""

import numpy as np

from samtheory.problems.kernel_regression import ridgeless
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.kernel_regression import best_stopped_error, path_exponent

TOP, LOW, SHRINKAGE, NOISE, M = 1.0, 0.3, 0.3, 1.0, (1, 1)
RADII, GRID = np.geomspace(0.1, 30, 90), np.geomspace(0.03, 1.2, 90)


def signals(q):
    """B of the two levels from r*_1 and q."""
    least = np.array([SHRINKAGE, SHRINKAGE**q])
    return np.array(M) * NOISE**2 * (1 - least) / least


def run(rule, B, steps):
    """Least error along a run."""
    root = np.sqrt(np.array([TOP, LOW]))
    states = simulate(ridgeless(np.diag(root), np.ones(2)), rule, np.zeros(2), steps, threads=1).states
    r = 1 - states * root
    return (B * r**2 + np.array(M) * NOISE**2 * (1 - r) ** 2).sum(axis=1).min()


def data():
    kappa = np.array([path_exponent(rho, TOP, LOW) for rho in RADII])
    gd = np.array([best_stopped_error(LOW / TOP, signals(q), M, NOISE) for q in GRID])
    sam = np.array([[best_stopped_error(one, signals(q), M, NOISE) for q in GRID] for one in kappa])
    points = [(q, rho) for q in (0.05, 0.11, 0.2, 0.28, 0.4, 0.8) for rho in (0.2, 1.0, 5.0, 20.0)]
    ran = [
        np.log(run(USAM(0.002 / (1 + rho), rho), signals(q), 30_000) / run(GD(0.002), signals(q), 30_000))
        for q, rho in points
    ]
    return {"q": GRID, "radii": RADII, "kappa": kappa, "kappa_gd": LOW / TOP, "ratio": np.log(sam / gd),
            "points": np.array(points), "ran": np.array(ran)}  # fmt: skip
