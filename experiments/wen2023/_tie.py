"""Data of the tie: imbalances of three independent pairs under full-batch SAM and under SAM on one sample a step."""

import numpy as np

from samtheory.oracles import GaussianNoise, WithReplacement
from samtheory.problems.products import Products
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.sliding import sliding_imbalances, tie_time

U, Y, RULE, TIME, POINTS = np.array([2.2, 1.8, 1.5]), np.ones(3), SAM(0.0125, 0.01), 2.5, 200


def data():
    problem, start = Products(Y), np.concatenate([U, 1.1 / U])
    steps = int(TIME / (RULE.eta * RULE.rho**2))
    out = {}
    oracles = {
        "full": GaussianNoise(problem, 1e-13 / RULE.eta),
        "frozen": problem,
        "one": WithReplacement(problem, 1),
    }
    for name, oracle in oracles.items():
        run = simulate(oracle, RULE, start, steps, every=steps // POINTS, threads=1)
        out[name] = run.states[:, :3] ** 2 - run.states[:, 3:] ** 2
    tau = RULE.eta * RULE.rho**2 * run.t
    first = start[:3] ** 2 - start[3:] ** 2
    sliding = [sliding_imbalances(t, first, Y) if t else first for t in tau]
    return {**out, "tau": tau, "sliding": sliding, "start": first, "tie": tie_time(first, Y), "eta": RULE.eta}
