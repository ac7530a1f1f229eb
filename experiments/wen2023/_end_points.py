"""Data of the end points of full-batch SAM, SAM on one sample a step and descent on the ascent loss, from one start."""

import numpy as np

from samtheory.flows.gradient import project
from samtheory.flows.manifold import manifold_flow, top_eigenvalue, trace
from samtheory.oracles import WithReplacement
from samtheory.problems.two_bowls import two_bowls
from samtheory.rules.ascent_loss import AscentLoss
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate

START, TIME, POINTS = [-0.3, 0.8, 0.2, 0.3], 6.0, 600
FULL, ONE, ASCENT = SAM(0.005, 0.1), SAM(0.005, 0.1), AscentLoss(1e-4, 0.3)
ETAS, RADIUS = 10 ** np.arange(-2, -4.9, -0.5), 0.5


def path(problem, rule, start=START, time=TIME):
    """(a, b) along a run of length `time` in eta rho^2 t, and the times."""
    steps = int(time / (rule.eta * rule.rho**2))
    run = simulate(problem, rule, start, steps, every=max(1, steps // POINTS), seed=1, threads=1)
    return run.states[:, :2], rule.eta * rule.rho**2 * run.t


def flow(problem, slope):
    """(a, b) along the limiting flow from the limit of the gradient flow."""
    start = project(problem, START).point
    return manifold_flow(problem, start, np.linspace(0, TIME, 200), slope)[:, :2]


def data():
    whole, mean = two_bowls(), two_bowls(0.5)
    p = whole
    a, b = np.linspace(-1.5, 1.5, 121), np.linspace(-0.4, 1, 61)
    F = [p.base[k] + p.bend[k] * (a - p.centre[k]) ** 2 + b[:, None] ** 2 for k in (0, 1)]
    rests = []
    for eta in ETAS:
        size = RADIUS * eta**0.5
        rests.append(path(whole, AscentLoss(eta, RADIUS), [-0.5, 0.1, size / 2, 2 * size], 15.0)[0][-1, 0])
    F0, F1 = p.base[0] + p.bend[0] * 4, p.base[1]  # at the minimum of F1; its derivatives there
    slope, bend = 4 * p.bend[0], 2 * p.bend[1]
    return {
        "a": a,
        "b": b,
        "F0": F[0],
        "F1": F[1],
        "full": path(whole, FULL)[0],
        "one": path(WithReplacement(mean, 1), ONE)[0],
        "ascent": path(whole, ASCENT, time=12.0)[0],
        "top flow": flow(whole, top_eigenvalue),
        "trace flow": flow(mean, trace),
        "etas": ETAS,
        "rests": rests,
        "constant": F0 * slope * (1 + 2 * (F0 - F1) / F0) / (bend * (F0 - F1) ** 0.5),
    }
