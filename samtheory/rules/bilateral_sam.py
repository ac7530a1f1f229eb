"""Bilateral SAM (Deng, Pang, Zhang & Huang 2024): flat above and below (the name BSAM is also that of Bayesian SAM)."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules import (
    ascend,
    at,
    axpy,
    checked,
    direction,
    first_gradient,
    norm,
    scheduled,
    second_gradient,
)
from samtheory.validate import truth


@checked(eta=scheduled(), rho=scheduled(), rho_min=scheduled(), match=truth)
class BilateralSAM(NamedTuple):
    """x <- x - eta (gM + g - c gm), gM = g(x + rho g/|g|), gm = g(x - rho_min g/|g|), c = |gM|/|gm|.

    match=False: c = 1, the objective max f + (f - min f); on a quadratic with rho_min = rho SAM of radius 2 rho.
    Three gradients a step, that at x and the ascent's batch the same.
    """

    eta: float
    rho: float
    rho_min: float = 0.05
    match: bool = True
    vectors = 3


@direction.register(BilateralSAM)
def _direction(rule, source, t, x, memory, out, ws):
    below = ws[2]
    first_gradient(source, x, ws[1])
    omitted = ascend(x, ws[1], -at(rule.rho_min, t), ws[0])
    second_gradient(source, ws[0], below)
    ascend(x, ws[1], at(rule.rho, t), ws[0])
    second_gradient(source, ws[0], out)
    factor = 1.0
    if rule.match:
        length = norm(below)
        factor = norm(out) / length if length > 0.0 else 0.0
    axpy(1.0, ws[1], out)
    axpy(-factor, below, out)
    return omitted
