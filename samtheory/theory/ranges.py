"""The one guard of the closed forms: an argument outside the range where a formula has a meaning is an error.

A formula may be evaluated where its theorem fails (a control needs that); it raises only where the number would mean
nothing. The range of the theorem is in the docstring of each function.
"""

from __future__ import annotations

import numpy as np


def within(name: str, value, interval: str) -> np.ndarray:
    """`value` as float64 if all of it lies in `interval`, written as in mathematics: "(0, 2)", "[0, inf)"."""
    number = np.asarray(value, dtype=np.float64)
    low, high = map(float, interval[1:-1].split(","))
    above = number > low if interval[0] == "(" else number >= low
    below = number < high if interval[-1] == ")" else number <= high
    outside = ~(above & below)
    if outside.any():
        raise ValueError(f"{name} = {float(number[outside].flat[0])!r} is outside {interval}")
    return number
