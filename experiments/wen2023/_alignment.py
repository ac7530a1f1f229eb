"""Data of the alignment: the angle between SAM's gradient and the top eigenvector of the Hessian, along runs."""

import functools

import numpy as np

from samtheory.evaluate import gradients, hessian
from samtheory.flows.cycle import tilt
from samtheory.flows.gradient import project, retract
from samtheory.problems.quadratic_regression import mean_square_regression
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate

ETA, RATIOS, BINS = 0.002, (5, 20, 80), 150
ETAS, MANY = (0.02, 0.005, 0.001), 2.0 ** np.arange(0, 7.5, 0.5)
MOST_STEPS, LOOKS, LARGEST = 3e6, 30_000, 0.2


def reference():
    """Two quadratic residuals of five parameters, and the start of the runs."""
    rng = np.random.default_rng(3)
    B, A = rng.normal(size=(2, 5)), rng.normal(size=(2, 5, 5)) * 0.4
    return mean_square_regression([0, 0], B * [[1.3], [1]], (A + A.transpose(0, 2, 1)) / 2), rng.normal(size=5) * 0.6


def angle(problem, x):
    """Between the gradient and the top eigenvector of the Hessian, in [0, pi/2]."""
    g, v = gradients(problem, x), np.linalg.eigh(hessian(problem, x))[1][..., -1]
    along = np.sum(g * v, axis=-1)
    return np.arctan2(np.linalg.norm(g - along[..., None] * v, axis=-1), np.abs(along))


def run(problem, start, eta, rho, time=1.0):
    """Slow times eta rho^2 t and angles; looked at every odd number of steps, so that both sides are seen."""
    steps = int(np.ceil(time / (eta * rho**2)))
    every = steps // LOOKS // 2 * 2 + 1
    record = {"angle": functools.partial(angle, problem), "x": lambda x: x}
    seen = simulate(problem, SAM(eta, rho), start, steps, every=every, record=record, threads=1)
    return eta * rho**2 * seen.t, seen["angle"], seen["x"]


def data():
    problem, start = reference()
    rank = project(problem, start).rank
    out = {"eta": ETA, "ratios": RATIOS, "etas": ETAS, "tau": (np.arange(BINS) + 0.5) / BINS, "angle": [], "tilt": []}
    for ratio in RATIOS:
        tau, seen, x = run(problem, start, ETA, ratio * ETA)
        which = np.minimum((tau * BINS).astype(int), BINS - 1)
        out["angle"].append([[seen[which == k].min(), seen[which == k].max()] for k in range(BINS)])
        middles = [x[np.searchsorted(tau, middle)] for middle in out["tau"]]
        out["tilt"].append([tilt(problem, retract(problem, one, rank), rank, ETA, ratio * ETA) for one in middles])
    out |= {"many": MANY, "worst": np.full((len(ETAS), len(MANY)), np.nan)}  # NaN: too long, or too large a radius
    for i, eta in enumerate(ETAS):
        for k, rho in enumerate(eta * MANY):
            if 1 / (eta * rho**2) <= MOST_STEPS and rho <= LARGEST:
                tau, seen, _ = run(problem, start, eta, rho)
                out["worst"][i, k] = seen[tau > 0.5].max() / rho
    return out
