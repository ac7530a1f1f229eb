"""Data of the exact worst cases of USAM: programmes on the closed forms, and where the convex form ends."""

import numpy as np

from samtheory.rules.usam import USAM
from samtheory.theory import usam_exact
from samtheory.worst_case.sdp import available, worst_case

MU, STEPS = 0.1, 2
RHOS, DOTS = np.geomspace(0.02, 10, 200), np.geomspace(0.03, 9, 9)
ETAS = (0.1, 0.25, 0.5)  # over a class with L = 1
REACH, CONVEX_STEPS = 1.82, 3  # eta h(L): where the convex formula fails most
NEAR, NEAR_DOTS = np.linspace(0.01, 0.97, 200), np.linspace(0.05, 0.95, 9)


def programme(rule, functions, **asked):
    """The exact worst case, NaN where the extra is not installed."""
    return worst_case(rule, functions, L=1.0, **asked).value if available() else np.nan


def data():
    strong = [[usam_exact.usam_strongly_convex_gap(MU, 1, eta, rho, STEPS) for rho in RHOS] for eta in ETAS]
    dots = [[programme(USAM(eta, rho), "smooth-strongly-convex", mu=MU, steps=STEPS) for rho in DOTS] for eta in ETAS]
    convex = [usam_exact.usam_convex_gap(1, REACH / (1 + rho), rho, CONVEX_STEPS) for rho in RHOS]
    convex_dots = [
        programme(USAM(REACH / (1 + rho), rho), "smooth-convex", steps=CONVEX_STEPS, metric="gap-from-distance")
        for rho in RHOS[::8]
    ]
    smooth = [[1 / (2 * usam_exact.usam_descent(1, eta, rho)) for rho in NEAR] for eta in (*ETAS, 1.0)]
    smooth_dots = [
        [programme(USAM(eta, rho), "smooth", metric="least-gradient") / 2 for rho in NEAR_DOTS] for eta in (*ETAS, 1.0)
    ]
    return {
        "rhos": RHOS, "dots_at": DOTS, "etas": ETAS, "strong": strong, "strong_dots": dots, "mu": MU, "steps": STEPS,
        "convex": convex, "convex_at": RHOS[::8], "convex_dots": convex_dots, "reach": REACH,
        "convex_steps": CONVEX_STEPS, "near": NEAR, "near_at": NEAR_DOTS, "smooth": smooth, "smooth_dots": smooth_dots,
    }  # fmt: skip
