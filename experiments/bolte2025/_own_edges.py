"""Data of the picture 'each method lands on its own edge': top Hessian eigenvalue of a small tanh network."""

import numpy as np

from samtheory.evaluate import gradients, hessian
from samtheory.problems.tanh_mlp import sign_network
from samtheory.rules.gd import GD
from samtheory.rules.hessian_usam import HessianUSAM
from samtheory.rules.two_step_usam import TwoSeqUSAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.filters import edge

SEED, ETA, RHO, STEPS, EVERY = 1, 0.4, 0.05, 40_000, 250
RULES = {"gd": GD(ETA), "usam": USAM(ETA, RHO), "two_seq": TwoSeqUSAM(ETA, RHO), "hess": HessianUSAM(ETA, RHO)}


def data():
    problem, start = sign_network(SEED)
    out = {"eta": ETA, "rho": RHO, "names": list(RULES), "t": np.arange(0, STEPS + 1, EVERY)}
    for name, rule in RULES.items():
        x = simulate(problem, rule, start, STEPS, every=EVERY).states
        out[f"{name}_top"] = np.linalg.eigvalsh(hessian(problem, x))[:, -1]
        out[f"{name}_edge"] = edge(name, ETA, RHO)
        out[f"{name}_grad"] = np.linalg.norm(gradients(problem, x[-1]))
    return out
