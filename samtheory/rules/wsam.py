"""WSAM (Yue et al. 2023): the sharpness f(x + rho g/|g|) - f(x) as a regulariser of any weight."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules import ascend, at, between, checked, direction, first_gradient, scheduled, second_gradient


@checked(eta=scheduled(), rho=scheduled(), gamma=between(0, 1, open_above=True))
class WSAM(NamedTuple):
    """x <- x - eta (g + gamma/(1 - gamma) (gs - g)), gs = g(x + rho g/|g|); gamma = 1/2 is SAM, 0 is gradient descent.

    Under the plain step the paper's decoupled form is the same.
    """

    eta: float
    rho: float
    gamma: float = 0.9
    vectors = 2


@direction.register(WSAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, ws[1])
    omitted = ascend(x, ws[1], at(rule.rho, t), ws[0])
    second_gradient(source, ws[0], out)
    weight = rule.gamma / (1.0 - rule.gamma)
    for i in range(x.shape[0]):
        out[i] = ws[1, i] + weight * (out[i] - ws[1, i])
    return omitted
