"""Data of the two-cycle picture: one run on a quadratic, and measured amplitudes for many step sizes."""

import numpy as np

from samtheory.problems.quadratic import quadratic
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_amplitude

LAM, ETA, RHO, START = (1.0, 0.6, 0.3), 0.5, 0.2, (0.3, -0.8, 1.0)


def data():
    problem = quadratic(LAM)
    run = simulate(problem, SAM(ETA, RHO), START, 40).states
    h = np.linspace(0.05, 1.9, 38)
    tails = [simulate(problem, SAM(float(one), RHO), START, 3000).states[-2:, 0] for one in h]
    curve = np.linspace(0.001, 1.9, 400)
    return {
        "run": run,
        "amplitude": cycle_amplitude(ETA, RHO, LAM[0]),
        "h": h,
        "measured": np.abs(tails).mean(axis=1),
        "curve_h": curve,
        "curve": cycle_amplitude(curve, RHO, 1.0),
        "eta": ETA,
        "rho": RHO,
    }
