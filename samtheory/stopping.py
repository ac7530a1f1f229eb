"""When a run may stop early, looked at after every step inside the compiled loop.

A member that stops keeps its last iterate for the rest of the run; `Trajectory.stopped` has the step.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import generic, kernel
from samtheory.problems.core import grad, loss
from samtheory.validate import array, checked, count, finite, nonnegative
from samtheory.vectors import dot


@generic
def halt(stop, source, t, x, ws):
    """Whether to stop after step t, now at x; `ws` is scratch, shape [rows, d]."""


class Never(NamedTuple):
    """Run all steps."""


@halt.register(Never)
def _never(stop, source, t, x, ws):
    return False


@checked(value=finite)
class LossBelow(NamedTuple):
    """Stop once f(x) <= value."""

    value: float


@halt.register(LossBelow)
def _loss_below(stop, source, t, x, ws):
    return loss(source.oracle.problem, x, source.work) <= stop.value


@checked(value=nonnegative)
class GradBelow(NamedTuple):
    """Stop once |grad f(x)| <= value."""

    value: float


@halt.register(GradBelow)
def _grad_below(stop, source, t, x, ws):
    grad(source.oracle.problem, x, ws[0], source.work)
    return math.sqrt(dot(ws[0], ws[0])) <= stop.value


@checked(index=count(0), value=nonnegative)
class CoordinateBelow(NamedTuple):
    """Stop once |x[index]| <= value."""

    index: int
    value: float


@halt.register(CoordinateBelow)
def _coordinate_below(stop, source, t, x, ws):
    return abs(x[stop.index]) <= stop.value


@checked(point=array(None), radius=nonnegative)
class Near(NamedTuple):
    """Stop once |x - point| <= radius."""

    point: np.ndarray
    radius: float


@halt.register(Near)
def _near(stop, source, t, x, ws):
    return _square_distance(x, stop.point) <= stop.radius * stop.radius


@kernel
def _square_distance(x, y):
    total = 0.0
    for i in range(x.shape[0]):
        total += (x[i] - y[i]) * (x[i] - y[i])
    return total


class Either(NamedTuple):
    """Stop once one of two conditions holds."""

    first: Any
    second: Any


@halt.register(Either)
def _either(stop, source, t, x, ws):
    return halt(stop.first, source, t, x, ws) or halt(stop.second, source, t, x, ws)
