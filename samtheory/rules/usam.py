"""Un-normalised SAM (Andriushchenko & Flammarion 2022): x <- x - eta g(x + rho g(x))."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules import along, at, checked, direction, first_gradient, scheduled, second_gradient


@checked(eta=scheduled(), rho=scheduled())
class USAM(NamedTuple):
    """x <- x - eta g(x + rho g(x)); rho is in units of inverse curvature."""

    eta: float
    rho: float
    vectors = 1


@direction.register(USAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    along(x, at(rule.rho, t), out, ws[0])
    second_gradient(source, ws[0], out)
    return 0
