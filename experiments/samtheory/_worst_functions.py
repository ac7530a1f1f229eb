"""Data of worst functions of USAM: what the semidefinite programme finds at the points of the run."""

import numpy as np

from samtheory.extras import MissingExtra
from samtheory.rules.usam import USAM
from samtheory.theory import usam_exact
from samtheory.worst_case.sdp import available, extremal

CONVEX, BENT, WILD = USAM(0.5, 0.4), USAM(0.5, 0.5), USAM(1.82 / 5.5, 4.5)
STEPS, WILD_STEPS = 2, 3


def data():
    if not available():
        raise MissingExtra("the data of samtheory/_worst_functions", "PEPit", "pep")
    cases = {
        "convex": extremal(CONVEX, "smooth-convex", steps=STEPS, metric="gap-from-distance"),
        "bent": extremal(BENT, "smooth", metric="least-gradient"),
        "wild": extremal(WILD, "smooth-convex", steps=WILD_STEPS, metric="gap-from-distance"),
    }
    points = {f"{name} {part}": getattr(case, part) for name, case in cases.items() for part in case._fields}
    return points | {
        "convex rule": CONVEX, "bent rule": BENT, "wild rule": WILD,
        "kink": 1 / (1 + 2 * STEPS * CONVEX.eta),
        "formula": usam_exact.usam_convex_gap(1, *WILD, WILD_STEPS), "wild found": cases["wild"].value[-1],
        "grid": np.linspace(-0.2, 1.2, 200),
    }  # fmt: skip
