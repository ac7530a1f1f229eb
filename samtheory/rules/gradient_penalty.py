"""Gradient descent on f + (rho/2) |grad f|^2: at a minimum the same filter as USAM (Bolte, Le & Pauwels 2025)."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.oracles import check_curvature, curvature
from samtheory.rules import along, at, checked, direction, first_gradient, scheduled
from samtheory.rules.core import check_rule


@checked(eta=scheduled(), rho=scheduled())
class GradientPenalty(NamedTuple):
    """x <- x - eta (g(x) + rho H(x) g(x)); rho is in units of inverse curvature.

    Full batch only, on problems with `hvp` (C^2: see `HessianUSAM`).
    """

    eta: float
    rho: float
    vectors = 1


check_rule.register(GradientPenalty)(check_curvature)


@direction.register(GradientPenalty)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, ws[0])
    curvature(source, x, ws[0], out)
    along(ws[0], at(rule.rho, t), out, out)
    return 0
