"""Stable SAM (Tan, Zhang, Liu, Wang & Hao 2025): SAM's direction, given back the length of the gradient."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules import (
    along,
    ascend,
    at,
    checked,
    direction,
    first_gradient,
    norm,
    scheduled,
    second_gradient,
)
from samtheory.validate import truth
from samtheory.vectors import scale


@checked(eta=scheduled(), rho=scheduled(), normalised=truth)
class StableSAM(NamedTuple):
    """x <- x - eta (|g|/|gs|) gs, gs = g(x + rho g/|g|); normalised=False: gs = g(x + rho g), the authors' default."""

    eta: float
    rho: float
    normalised: bool = True
    vectors = 1


@direction.register(StableSAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    length, omitted = norm(out), 0
    if rule.normalised:
        omitted = ascend(x, out, at(rule.rho, t), ws[0])
    else:
        along(x, at(rule.rho, t), out, ws[0])
    second_gradient(source, ws[0], out)
    ascended = norm(out)
    scale(length / ascended if ascended > 0.0 else 0.0, out)
    return omitted
