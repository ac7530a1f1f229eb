"""Gradient descent: x <- x - eta g(x)."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules import checked, direction, scheduled, second_gradient


@checked(eta=scheduled())
class GD(NamedTuple):
    """x <- x - eta g(x); stochastic gradient descent under a stochastic oracle (one gradient a step)."""

    eta: float


@direction.register(GD)
def _direction(rule, source, t, x, memory, out, ws):
    second_gradient(source, x, out)
    return 0
