"""Data of the limits on (uv - 1)^2/2: sharpness against each method's edge, and who ends at the strict saddle."""

import numpy as np

from samtheory.measures.limits import LABELS, MINIMUM, classify
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.gradient_penalty import GradientPenalty
from samtheory.rules.hessian_usam import HessianUSAM
from samtheory.rules.two_step_usam import TwoRestartUSAM, TwoSeqUSAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.stopping import Settled
from samtheory.theory.filters import edge

ETA, RHO, STEPS = 0.2, 0.1, 20_000
SADDLE_ETA, SADDLE_RHO, SADDLE_STEPS = 0.05, 1.2, 40_000
RULES = {
    "gd": lambda eta, rho: GD(eta),
    "usam": USAM,
    "two_restart": TwoRestartUSAM,
    "two_seq": TwoSeqUSAM,
    "hess": HessianUSAM,
    "penalty": GradientPenalty,
}
SHOWN = ("gd", "usam", "two_restart", "two_seq", "hess")


def limits(name, eta, rho, starts, steps):
    problem, rule = Product(HalfSquare(1.0)), RULES[name](eta, rho)
    run = simulate(
        problem, rule, starts, steps, every=steps, record={}, stop=Settled(), limit=1e6, on_divergence="report"
    )
    return classify(problem, rule, run)


def data():
    wide = np.random.default_rng(0).uniform(-4, 4, (2, 5000)).T
    near = np.random.default_rng(1).uniform(-0.5, 0.5, (4000, 2))
    out = {"eta": ETA, "rho": RHO, "names": SHOWN, "edges": [float(edge(name, ETA, RHO)) for name in SHOWN]}
    for name in SHOWN:
        found = limits(name, ETA, RHO, wide, STEPS)
        out[f"sharpness_{name}"] = found.lam_max[found.label == MINIMUM]
    counts = [limits(name, SADDLE_ETA, SADDLE_RHO, near, SADDLE_STEPS).counts() for name in RULES]
    out["counts"] = [[one[label] for label in LABELS] for one in counts]
    return out | {
        "labels": LABELS, "methods": tuple(RULES), "starts": len(near), "saddle_eta": SADDLE_ETA,
        "saddle_rho": SADDLE_RHO,
    }  # fmt: skip
