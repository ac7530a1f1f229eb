"""DNSAM (Monzio Compagnoni et al. 2023): SAM on mini-batches, its ascent step normalised by the full gradient."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.oracles import full_gradient
from samtheory.rules import along, at, checked, direction, first_gradient, norm, scheduled, second_gradient


@checked(eta=scheduled(), rho=scheduled())
class DNSAM(NamedTuple):
    """x <- x - eta g_b(x + rho g_b(x)/|g(x)|), g_b of the batch, g of the whole objective; full batch: SAM.

    A surrogate of SAM for analysis: near a critical point of the objective its step has a tail of index d.
    """

    eta: float
    rho: float
    vectors = 1


@direction.register(DNSAM)
def _direction(rule, source, t, x, memory, out, ws):
    full_gradient(source, x, out)
    length = norm(out)
    first_gradient(source, x, out)
    omitted, scale = 0, 0.0
    if length > 0.0:
        scale = at(rule.rho, t) / length
    else:
        omitted = 1
    along(x, scale, out, ws[0])
    second_gradient(source, ws[0], out)
    return omitted
