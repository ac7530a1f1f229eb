"""USAM with two ascent steps before the descent, one after the other or each from x (Bolte, Le & Pauwels 2025)."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules import along, at, axpy, checked, direction, first_gradient, scheduled, second_gradient


@checked(eta=scheduled(), rho=scheduled())
class TwoSeqUSAM(NamedTuple):
    """z1 = x + rho g(x), z2 = z1 + rho g(z1), x <- x - eta g(z2); rho is in units of inverse curvature."""

    eta: float
    rho: float
    vectors = 1


@checked(eta=scheduled(), rho=scheduled())
class TwoRestartUSAM(NamedTuple):
    """x <- x - eta g(x + rho g(x + rho g(x))); rho is in units of inverse curvature."""

    eta: float
    rho: float
    vectors = 1


@direction.register(TwoSeqUSAM)
def _sequential(rule, source, t, x, memory, out, ws):
    rho = at(rule.rho, t)
    first_gradient(source, x, out)
    along(x, rho, out, ws[0])
    first_gradient(source, ws[0], out)
    axpy(rho, out, ws[0])
    second_gradient(source, ws[0], out)
    return 0


@direction.register(TwoRestartUSAM)
def _restarted(rule, source, t, x, memory, out, ws):
    rho = at(rule.rho, t)
    first_gradient(source, x, out)
    along(x, rho, out, ws[0])
    first_gradient(source, ws[0], out)
    along(x, rho, out, ws[0])
    second_gradient(source, ws[0], out)
    return 0
