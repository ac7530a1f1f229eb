"""Data of the two-phase figure: gradient descent then USAM on (uv - 1)^2/2, and the final sharpness by switch step."""

import numpy as np

from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.stability import usam_edge

LOSS, ETA, RHO, START = Product(HalfSquare(1.0)), 0.1, 0.1, (3.5, 0.3)
SHOWN, AFTER, STEPS = 60, 200, 3000


def sharpness(x):
    return (x**2).sum(axis=-1)


def data():
    descent = simulate(LOSS, GD(ETA), START, STEPS, threads=1).states
    kick = np.array([0, 1e-6])
    late = simulate(LOSS, USAM(ETA, RHO), descent[2000] + kick, AFTER, threads=1).states
    path = np.concatenate([descent[: SHOWN + 1], late])
    t = np.concatenate([np.arange(SHOWN + 1), SHOWN + np.arange(AFTER + 1)])

    switch = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 50, 100, 200, 500])
    first = simulate(LOSS, USAM(ETA, RHO), START, int(switch[-1]), threads=1).states

    def final(rule, states):
        starts = states[switch] + np.array([0, 1e-9])
        return sharpness(simulate(LOSS, rule, starts, STEPS, every=STEPS, threads=1).x)

    return {
        "t": t,
        "loss": (path.prod(axis=1) - 1) ** 2 / 2,
        "sharpness": sharpness(path),
        "switched": SHOWN,
        "edge": usam_edge(ETA, RHO),
        "sharp": sharpness(descent[2000]),
        "eta": ETA,
        "rho": RHO,
        "switch": switch,
        "late": final(USAM(ETA, RHO), descent),
        "early": final(GD(ETA), first),
    }
