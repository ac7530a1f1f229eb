"""The trace of the Hessian of a problem's loss, from the values of the loss alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import call
from samtheory.problems.core import dim, loss, scratch
from samtheory.validate import array, positive


class Trace(NamedTuple):
    """A trace with what its computation may have done to it.

    truncation   the distance to the value at half the step alone (round-off where the loss is piecewise quadratic)
    round_off    what errors of a few ulp of the values of the loss can do
    """

    value: float
    truncation: float
    round_off: float


def hessian_trace(problem: Any, x: Any, step: float) -> Trace:
    """Tr Hess f(x) from second differences of f along every coordinate, with steps h and h/2, extrapolated to h = 0.

    The truncation is O(h^4), and nothing where f is quadratic along each coordinate on [x_i - h, x_i + h], as the
    squared loss of a ReLU network is between its kinks.  4 d + 1 values of f.
    """
    for piece in (loss, dim):
        if not piece.supports(type(problem)):
            raise TypeError(f"problem = {type(problem).__name__} has no `{piece.__name__}` registered")
    x, h = array(dim(problem))("x", x).copy(), positive("step", step)
    coarse, fine, size = call(_second_differences, problem, x, h, np.empty(scratch(problem)))
    value = (4 * fine - coarse) / 3
    return Trace(value, abs(value - fine), 16 * np.finfo(float).eps * size / h**2)


def _second_differences(p, x, h, work):
    """Sums over the coordinates of the second differences with h and h/2, and of the values of f they used."""
    here = loss(p, x, work)
    coarse, fine, size = 0.0, 0.0, 0.0
    for i in range(x.shape[0]):
        kept = x[i]
        for k in range(2):
            s = h if k == 0 else 0.5 * h
            x[i] = kept + s
            up, right = loss(p, x, work), x[i] - kept
            x[i] = kept - s
            down, left = loss(p, x, work), kept - x[i]
            x[i] = kept
            bend = 2.0 * ((up - here) / right + (down - here) / left) / (right + left)  # the steps as they were rounded
            size += abs(up) + 2.0 * abs(here) + abs(down)
            if k == 0:
                coarse += bend
            else:
                fine += bend
    return coarse, fine, size
