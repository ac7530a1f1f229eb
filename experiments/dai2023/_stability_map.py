"""Data of the stability map: loss of USAM and SAM after 500 steps over (eta, rho), on a quadratic with beta = 1."""

import numpy as np

from samtheory.evaluate import losses
from samtheory.problems.quadratic import quadratic
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

STEPS, START = 500, (0.83, -1.27)


def data():
    problem = quadratic((1.0, 0.3))
    eta = np.linspace(0.02, 2.2, 110)
    rho = np.linspace(0.0, 4.0, 81)

    def final(rule):
        run = simulate(problem, rule, START, STEPS, every=STEPS, limit=1e12, on_divergence="report", threads=1)
        return np.inf if run.diverged[0] >= 0 else losses(problem, run.x)

    maps = {kind.__name__.lower(): [[final(kind(e, r)) for e in eta] for r in rho] for kind in (USAM, SAM)}
    return {"eta": eta, "rho": rho, "steps": STEPS} | maps
