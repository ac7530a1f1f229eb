"""Data of the tightness of the bounds on rates: observed/bound, sampled, searched and in the exact worst case.

Stored data do not notice that a claim was edited: ask for them afresh then.
"""

import numpy as np

from samtheory.claims.registry import find, paths
from samtheory.claims.verify import verify
from samtheory.report.tightness import rows

CLAIMS = (
    "oikonomou2025/er-constants",
    "oikonomou2025/one-step",
    "oikonomou2025/pl-constant",
    "oikonomou2025/interpolation-usam-linear",
    "oikonomou2025/nonconvex",
    "samtheory/sam-sharper-neighbourhood",
    "khanh2024/usam-relative-error",
    "andriushchenko2022/alignment",
    "andriushchenko2022/nonconvex-rate",
    "andriushchenko2022/pl-rate",
    "si2023/sc-eta-squared-floor",
    "si2023/convex-gradient",
    "si2023/nonconvex-floor",
    "zhang2025/thm1",
    "mi2022/log-rate",
)


def data():
    known = paths()
    found = rows([verify(find(name)) for name in CLAIMS if name in known])
    ratios = [
        [np.nan if row[kind] is None else row[kind] for kind in ("sampled", "searched", "exact")] for row in found
    ]
    return {
        "claim": [row["claim"] for row in found],
        "bound": [row["bound"] for row in found],
        "ratio": np.array(ratios),
    }
