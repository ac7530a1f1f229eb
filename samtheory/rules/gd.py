"""Gradient descent: x <- x - eta g(x)."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules.core import direction, second_gradient
from samtheory.rules.schedules import scheduled
from samtheory.validate import checked


@checked(eta=scheduled())
class GD(NamedTuple):
    """x <- x - eta g(x); stochastic gradient descent under a stochastic oracle (one gradient a step)."""

    eta: float


@direction.register(GD)
def _direction(rule, source, t, x, memory, out, ws):
    second_gradient(source, x, out)
    return 0
