"""Sharpness-aware minimisation (Foret et al. 2021): x <- x - eta g(x + rho g(x)/|g(x)|)."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules import ascend, at, checked, direction, first_gradient, scheduled, second_gradient


@checked(eta=scheduled(), rho=scheduled())
class SAM(NamedTuple):
    """x <- x - eta g(x + rho g(x)/|g(x)|); rho is a length in parameter space."""

    eta: float
    rho: float
    vectors = 1


@direction.register(SAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    omitted = ascend(x, out, at(rule.rho, t), ws[0])
    second_gradient(source, ws[0], out)
    return omitted
