"""Limits at step size zero of quantities known exactly at a few step sizes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Limit(NamedTuple):
    """The extrapolated value, and the size of the last correction made to it (an array of the same shape)."""

    value: np.ndarray
    correction: np.ndarray


def extrapolate(values, scales) -> Limit:
    """Limit at s = 0 of a function with an expansion in powers of s, from its values at n scales s_1 > s_2 > ... > 0.

    Neville's scheme: the value at 0 of the polynomial through all points, whose error is that of the order s^n.
    The correction is the largest change, over the entries, from the polynomial that leaves the coarsest scale out;
    it is an error of the order s^{n-1}, hence above the error of `value` once s is small.
    """
    s = np.asarray(scales, dtype=float)
    table = [np.asarray(v, dtype=float) for v in values]
    if s.ndim != 1 or len(table) != s.size or s.size < 2 or (s <= 0).any() or (np.diff(s) >= 0).any():
        raise ValueError(f"scales = {scales!r} must fall, be positive and fit the {len(table)} values; at least 2")
    for order in range(1, s.size):
        previous = table[-1]
        table = [
            table[i + 1] + (table[i + 1] - table[i]) * s[i + order] / (s[i] - s[i + order])
            for i in range(s.size - order)
        ]
    change = np.max(np.abs(table[0] - previous))
    return Limit(table[0], np.broadcast_to(change, table[0].shape).copy())
