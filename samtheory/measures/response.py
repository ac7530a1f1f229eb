"""The derivative at zero of a quantity that depends on a parameter, with an error to state."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from samtheory.validate import positive


def response(f: Callable[[float], np.ndarray], step: float) -> tuple[np.ndarray, np.ndarray]:
    """f'(0) and a bound of its error, by central differences at step, step/2, step/4 and two Richardson steps.

    The error of the value is O(step^6); that of the finer value after one Richardson step, O(step^4), is stated: the
    difference of the two values that have had one.  What f's own
    errors add (16 of them over `step`) is the caller's.
    """
    step = positive("step", step)
    rough, half, fine = ((f(h) - f(-h)) / (2 * h) for h in (step, step / 2, step / 4))
    one, two = (4 * half - rough) / 3, (4 * fine - half) / 3
    return (16 * two - one) / 15, np.abs(two - one)
