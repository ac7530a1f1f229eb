"""Limits at step size zero of quantities known exactly at a few step sizes."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Limit(NamedTuple):
    """The extrapolated value, and a bound of its error once the scales are small (an array of the same shape)."""

    value: np.ndarray
    allowance: np.ndarray


def extrapolate(values, scales) -> Limit:
    """Limit at s = 0 of a function with an expansion in powers of s, from its values at n scales s_1 > s_2 > ... > 0.

    Neville's scheme: the value at 0 of the polynomial through all points, whose error is of the order s^n.  The
    allowance is the largest change, over all entries, made by the last three of the n - 1 refinements (one coarser
    scale each): of the order s^{n-3}, so it stays above the error where two coefficients of the expansion vanish.
    """
    s = np.asarray(scales, dtype=float)
    table = [np.asarray(v, dtype=float) for v in values]
    if s.ndim != 1 or len(table) != s.size or s.size < 4 or (s <= 0).any() or (np.diff(s) >= 0).any():
        raise ValueError(f"scales = {scales!r} must fall, be positive and fit the {len(table)} values; at least 4")
    best = [table[-1]]
    for order in range(1, s.size):
        table = [
            table[i + 1] + (table[i + 1] - table[i]) * s[i + order] / (s[i] - s[i + order])
            for i in range(s.size - order)
        ]
        best.append(table[-1])
    change = max(np.max(np.abs(one - two)) for one, two in pairwise(best[-4:]))
    return Limit(best[-1], np.full(best[-1].shape, change))
