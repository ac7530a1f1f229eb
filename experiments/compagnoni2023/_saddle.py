"""Data of the saddle picture: trajectories from a few starts, the attracted region of SAM, escape times of USAM."""

import numpy as np

from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.sde.moments import escape_time
from samtheory.simulate import simulate

CURVATURE, RHO, ETA, STEPS = (1.0, -1.0), 0.5, 0.002, 8000
NOISE_ETA, START, LEVEL = 0.01, (0.1, 0.0), -1.0


def escape_of_algorithm(rho):
    """The time at which E f of the algorithm itself falls to the level: closed form of the discrete moments."""
    lam, k = np.array(CURVATURE), np.arange(6000)[:, None]
    a = lam * (1 + rho * lam)
    r = 1 - NOISE_ETA * a
    second = np.array(START) ** 2 * r ** (2 * k) + NOISE_ETA**2 * (1 + rho * lam) ** 2 * (
        np.where(a == 0, k, (1 - r ** (2 * k)) / np.where(a == 0, 1, 1 - r**2))
    )
    below = np.flatnonzero(0.5 * second @ lam <= LEVEL)
    return NOISE_ETA * below[0] if below.size else np.nan


def data():
    problem = Diagonal(list(CURVATURE), [0.0, 0.0])
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False) + 0.1
    inside = 0.95 * RHO * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    outside = 1.15 * inside / 0.95
    out = {}
    for name, rule in (("GD", GD(ETA)), ("USAM", USAM(ETA, 1.5)), ("SAM", SAM(ETA, RHO))):
        for where, start in (("in", inside), ("out", outside)):
            run = simulate(problem, rule, start, STEPS, every=20, limit=1e3, on_divergence="report")
            out[f"{name} {where}"] = run.states
    grid = np.linspace(-1.2, 1.2, 121)
    starts = np.array([[x, y] for y in grid for x in grid])
    # a start in the middle of a cell: no start has a component that is exactly zero
    starts += 0.25 * (grid[1] - grid[0])
    last = simulate(problem, SAM(ETA, RHO), starts, STEPS, every=STEPS, limit=1e3, on_divergence="report").states[:, -1]
    rhos = np.linspace(0, 0.97, 98)
    coarse = np.linspace(0, 0.9, 10)
    H, sigma = np.diag(CURVATURE), np.eye(2)
    return {
        **out,
        "grid": grid,
        "attracted": (np.abs(last).max(axis=1) < 0.1).reshape(121, 121),
        "rhos": rhos,
        "escape": [escape_time(H, sigma, rho, NOISE_ETA, START, LEVEL) for rho in rhos],
        "coarse": coarse,
        "escape_algorithm": [escape_of_algorithm(rho) for rho in coarse],
        "rho": RHO,
    }
