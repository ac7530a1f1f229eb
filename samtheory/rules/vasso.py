"""VaSSO (Li & Giannakis 2023): the ascent follows a running mean of the gradients, which has less noise."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules import ascend, at, between, checked, direction, first_gradient, scheduled, second_gradient


@checked(eta=scheduled(), rho=scheduled(), theta=between(0, 1))
class VaSSO(NamedTuple):
    """d <- (1 - theta) d + theta g(x), d = g(x) at first;  x <- x - eta g(x + rho d/|d|)."""

    eta: float
    rho: float
    theta: float = 0.9
    vectors = 1
    memories = 1


@direction.register(VaSSO)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    keep = 0.0 if t == 0 else 1.0 - rule.theta
    for i in range(x.shape[0]):
        memory[0, i] = keep * memory[0, i] + (1.0 - keep) * out[i]
    omitted = ascend(x, memory[0], at(rule.rho, t), ws[0])
    second_gradient(source, ws[0], out)
    return omitted
