"""Data of the floors of SAM with a constant radius: gap against the horizon, and where noise or a bend stops it."""

import numpy as np

from samtheory.evaluate import grad_norms, losses
from samtheory.oracles import WithReplacement
from samtheory.problems.finite_sum import LeastSquares
from samtheory.problems.piecewise import PiecewiseQuadratic
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.constant_radius import two_point_limit

RHO, MU, RUNS, UPS = 0.5, 1.0, 256, 8
HORIZONS = 200 * 2 ** np.arange(8)


def tuned(T):
    """2 log T/(mu T), the step of the strongly convex rate."""
    return 2 * np.log(T) / (MU * T)


def data():
    bowl = Diagonal([MU], [0.0])
    exact = [losses(bowl, simulate(bowl, SAM(tuned(T), RHO), [1.3], T, every=T).x) for T in HORIZONS]
    noise = np.where(np.arange(10) < UPS, 1.0, -UPS / (10 - UPS))  # of mean 0, + with probability .8
    problem = LeastSquares(np.full((10, 1), MU**0.5), -noise / MU**0.5)
    noisy = {}
    for name, rule, shared in (
        ("SAM, independent samples", lambda eta: SAM(eta, RHO), False),
        ("SAM, same sample", lambda eta: SAM(eta, RHO), True),
        ("SGD", GD, True),
    ):
        oracle = WithReplacement(problem, 1, shared)
        runs = (simulate(oracle, rule(tuned(T)), [1.3], T, members=RUNS, every=T).x for T in HORIZONS)
        noisy[name] = [losses(bowl, x).mean() for x in runs]
    beta = rho = 1.0
    steps = np.unique(np.geomspace(1, 3000, 100).astype(int))
    bend = {}
    for m in (0.3, 0.1, 0.01):
        f = PiecewiseQuadratic(np.array([-m, rho - m]), beta * np.array([1.0, -1.0, 1.0]), rho - m)
        for name, rule in (("SAM", SAM(0.1, rho)), ("GD", GD(0.1))):
            bend[f"{name}, $m={m:g}$"] = grad_norms(f, simulate(f, rule, [m / 2], 3000).states[steps]) ** 2
    return {"T": HORIZONS, "exact": exact, "noisy names": list(noisy), "noisy": list(noisy.values()), "steps": steps,
            "floor": 0.5 * MU * two_point_limit(MU, RHO, 1.0, UPS / 10) ** 2,
            "bend names": list(bend), "bend": list(bend.values()),
            "cycle": [0.5 * (tuned(T) * RHO / (2 - tuned(T))) ** 2 for T in HORIZONS]}  # fmt: skip
