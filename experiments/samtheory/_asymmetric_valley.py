"""Data of the asymmetric valley: where SAM's mean rests over the noise, measured and by the averaged drift."""

import numpy as np

from samtheory.oracles import GaussianNoise
from samtheory.problems.piecewise import two_sided
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.sde.order import mean_interval
from samtheory.simulate import simulate
from samtheory.theory.alignment import valley_rest, valley_rest_noisy, valley_rest_worst_case

RHO, ETA, RUNS, STEPS = 0.5, 1e-3, 64, 10_000
PAIRS = ((10.0, 1.0), (4.0, 1.0), (2.0, 2.0))


def mean(rule, a, b, sigma, seed):
    """The interval of E x over the second half of the run."""
    oracle = GaussianNoise(two_sided(a, b), sigma)
    run = simulate(oracle, rule, [0.0], STEPS, members=RUNS, seed=seed, every=50, record={"x": lambda x: x[..., 0]})
    return mean_interval(run["x"][:, run.t >= STEPS / 2].mean(axis=1), 1e-3, RUNS)


def data():
    sigmas, coarse = np.geomspace(0.01, 10, 121), np.geomspace(0.01, 10, 10)
    rest = [[valley_rest(a, b, RHO, s) for s in sigmas] for a, b in PAIRS]
    seen = [[mean(SAM(ETA, RHO), a, b, s, i) for i, s in enumerate(coarse)] for a, b in PAIRS]
    plain = [mean(GD(ETA), *PAIRS[0], s, i) for i, s in enumerate(coarse)]
    return {
        "pairs": PAIRS, "rho": RHO, "eta": ETA, "sigmas": sigmas, "coarse": coarse, "rest": rest,
        "seen": [[one.estimate for one in row] for row in seen],
        "error": [[one.half_width for one in row] for row in seen],
        "sgd": [one.estimate for one in plain],
        "strong": [valley_rest_noisy(a, b, RHO) for a, b in PAIRS],
        "worst": [valley_rest_worst_case(a, b, RHO) for a, b in PAIRS],
    }  # fmt: skip
