"""Adaptive SAM (Kwon, Kim, Park & Choi 2021): the ball is measured in units of the weights."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules import at, checked, direction, first_gradient, nonnegative, scheduled, second_gradient
from samtheory.rules.presam import ascend_scaled


@checked(eta=scheduled(), rho=scheduled(), shift=nonnegative)
class ASAM(NamedTuple):
    """x <- x - eta g(x + rho T^2 g/|T g|), T = diag(|x_i| + shift); `shift` is called eta in the paper (0.01)."""

    eta: float
    rho: float
    shift: float = 0.01
    vectors = 2


@direction.register(ASAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    for i in range(x.shape[0]):
        ws[1, i] = abs(x[i]) + rule.shift
    omitted = ascend_scaled(x, out, ws[1], at(rule.rho, t), ws[0])
    second_gradient(source, ws[0], out)
    return omitted
