"""Heavy-ball and Nesterov momentum around the direction u of any rule (form: velocity v, no damping)."""

from __future__ import annotations

from typing import Any, NamedTuple

from samtheory.kernel import kernel
from samtheory.rules.around import around
from samtheory.rules.core import direction, step, stepsize
from samtheory.validate import between, checked
from samtheory.vectors import along


@around(memories=1)
@checked(beta=between(0, 1, open_above=True))
class HeavyBall(NamedTuple):
    """v <- beta v - eta u(x),  x <- x + v   (Polyak 1964)."""

    rule: Any
    beta: float


@around(vectors=1, memories=1)
@checked(beta=between(0, 1, open_above=True))
class Nesterov(NamedTuple):
    """v <- beta v - eta u(x + beta v),  x <- x + v   (Nesterov 1983, constant beta)."""

    rule: Any
    beta: float


@step.register(HeavyBall)
def _heavy_ball(rule, source, t, x, memory, ws):
    omitted = direction(rule.rule, source, t, x, memory[1:], ws[0], ws[1:])
    _kick(x, memory[0], rule.beta, stepsize(rule.rule, t), ws[0])
    return omitted


@step.register(Nesterov)
def _nesterov(rule, source, t, x, memory, ws):
    along(x, rule.beta, memory[0], ws[1])
    omitted = direction(rule.rule, source, t, ws[1], memory[1:], ws[0], ws[2:])
    _kick(x, memory[0], rule.beta, stepsize(rule.rule, t), ws[0])
    return omitted


@kernel
def _kick(x, v, beta, eta, u):
    for i in range(x.shape[0]):
        v[i] = beta * v[i] - eta * u[i]
        x[i] += v[i]
