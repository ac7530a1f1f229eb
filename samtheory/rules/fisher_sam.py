"""Fisher SAM (Kim, Li, Hu & Hospedales 2022): the ball is measured by the diagonal of the empirical Fisher matrix."""

from __future__ import annotations

import math
from typing import NamedTuple

from samtheory.rules import at, checked, direction, first_gradient, positive, scheduled, second_gradient
from samtheory.rules.presam import ascend_scaled


@checked(eta=scheduled(), rho=scheduled(), floor=positive)
class FisherSAM(NamedTuple):
    """x <- x - eta g(x + rho F^{-1} g/sqrt(g' F^{-1} g)), F = diag(max(g_i^2, floor)) of the step's own gradient."""

    eta: float
    rho: float
    floor: float
    vectors = 2


@direction.register(FisherSAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    for i in range(x.shape[0]):
        ws[1, i] = 1.0 / math.sqrt(max(out[i] * out[i], rule.floor))
    omitted = ascend_scaled(x, out, ws[1], at(rule.rho, t), ws[0])
    second_gradient(source, ws[0], out)
    return omitted
