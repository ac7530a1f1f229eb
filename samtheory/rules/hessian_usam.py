"""USAM whose ascent direction is the Hessian times the gradient (Bolte, Le & Pauwels 2025)."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.oracles import check_curvature, curvature
from samtheory.rules import along, at, checked, direction, first_gradient, scheduled, second_gradient
from samtheory.rules.core import check_rule


@checked(eta=scheduled(), rho=scheduled())
class HessianUSAM(NamedTuple):
    """x <- x - eta g(x + rho H(x) g(x)); rho is in units of inverse *square* curvature.

    Full batch only, on problems with `hvp`.  The filter of this rule is a theorem about C^2 functions: a problem
    with kinks (ReLU) must not register `hvp`, and is then refused.
    """

    eta: float
    rho: float
    vectors = 1


check_rule.register(HessianUSAM)(check_curvature)


@direction.register(HessianUSAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    curvature(source, x, out, ws[0])
    along(x, at(rule.rho, t), ws[0], ws[0])
    second_gradient(source, ws[0], out)
    return 0
