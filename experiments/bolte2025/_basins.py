"""Data of the basins of USAM on the double well (x^2 - 1)^2/4: what becomes of x_0 for every rho."""

import numpy as np

from samtheory.measures.limits import LABELS
from samtheory.phase import phase_map
from samtheory.problems.double_well import DoubleWell
from samtheory.rules.usam import USAM

ETA, STEPS = 0.2, 6000


def data():
    rho = np.linspace(0.0, 5.0, 201)[1:] - 0.0125
    starts = np.linspace(-1.5, 1.5, 301)[:, None] + 1e-7
    found = phase_map(DoubleWell(), lambda rho: USAM(ETA, rho), {"rho": rho}, starts, STEPS)
    kind = np.select([found["label"] == label for label in LABELS], range(len(LABELS)))
    return {"rho": rho, "start": starts[:, 0], "kind": kind, "point": found["point"][..., 0], "labels": LABELS,
            "eta": ETA}  # fmt: skip
