"""Unified SAM (Oikonomou & Loizou 2025): x <- x - eta g(x + rho (1 - lam + lam/|g|) g)."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules import along, at, between, checked, direction, first_gradient, norm, scheduled, second_gradient


@checked(eta=scheduled(), rho=scheduled(), lam=scheduled(between(0, 1)))
class UnifiedSAM(NamedTuple):
    """x <- x - eta g(x + rho (1 - lam + lam/|g(x)|) g(x)); lam = 0 is USAM and lam = 1 is SAM, bit for bit."""

    eta: float
    rho: float
    lam: float
    vectors = 1


@direction.register(UnifiedSAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    rho, lam = at(rule.rho, t), at(rule.lam, t)
    scale = rho * (1.0 - lam)
    length = norm(out)
    omitted = 0
    if length > 0.0:
        scale += rho * lam / length
    elif lam > 0.0:
        omitted = 1
    along(x, scale, out, ws[0])
    second_gradient(source, ws[0], out)
    return omitted
