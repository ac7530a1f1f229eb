"""Copies of one objective side by side, one for every agent of a network."""

from __future__ import annotations

from typing import Any, NamedTuple

from samtheory.problems.core import dim, grad, hvp, loss, scratch
from samtheory.validate import called, checked, count, together


def _has_a_gradient(made: Any) -> None:
    if not (dim.supports(type(made.problem)) and grad.supports(type(made.problem))):
        raise TypeError(f"problem = {called(made.problem)} has no gradient to stack")


@together(_has_a_gradient)
@checked(agents=count(1))
class Stacked(NamedTuple):
    """F(w_1, ..., w_K) = sum_k f(w_k), the weights of the agents one after the other; gradients block by block."""

    problem: Any
    agents: int


@dim.register(Stacked)
def _dim(p):
    return p.agents * dim(p.problem)


@scratch.register(Stacked)
def _scratch(p):
    return scratch(p.problem)


@loss.register(Stacked)
def _loss(p, x, work):
    d, total = x.shape[0] // p.agents, 0.0
    for k in range(p.agents):
        total += loss(p.problem, x[k * d : (k + 1) * d], work)
    return total


@grad.register(Stacked)
def _grad(p, x, out, work):
    d = x.shape[0] // p.agents
    for k in range(p.agents):
        grad(p.problem, x[k * d : (k + 1) * d], out[k * d : (k + 1) * d], work)


@hvp.register(Stacked)
def _hvp(p, x, v, out, work):
    d = x.shape[0] // p.agents
    for k in range(p.agents):
        part = slice(k * d, (k + 1) * d)
        hvp(p.problem, x[part], v[part], out[part], work)
