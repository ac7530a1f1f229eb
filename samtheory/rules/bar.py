"""Balancedness-aware regularisation (Li, Zhang & He 2024): one of two blocks shrinks while the other one grows.

The state is (x, y) with x the first `size` coordinates; u = (u_x, u_y) is the direction of the inner rule at (x, y),
before anything is scaled:

    x <- (1 - a alpha_t eta_t) x - eta_t u_x,    y <- (1 + a alpha_t eta_t) y - eta_t u_y

OBAR   a = 1 where |x| >= |y|, else -1        for f(x'y): |x| and |y| approach each other
NBAR   a = -1 where |u_x| >= |u_y|, else 1    for f(x y'): the block with the larger gradient grows, as SAM has it
"""

from __future__ import annotations

from typing import Any, NamedTuple

from samtheory.kernel import kernel
from samtheory.problems.core import dim
from samtheory.rules import at, checked, count, direction, scheduled
from samtheory.rules.around import around
from samtheory.rules.core import check_inner


def _check(rule, oracle):
    check_inner(rule, oracle)
    if rule.size >= dim(oracle.problem):
        raise ValueError(f"size = {rule.size} leaves no second block of the {dim(oracle.problem)} coordinates")


@around(check=_check)
@checked(alpha=scheduled(), size=count(1))
class OBAR(NamedTuple):
    """alpha: a rate, or a schedule of it; size: entries of x."""

    rule: Any
    alpha: float
    size: int


@around(check=_check)
@checked(alpha=scheduled(), size=count(1))
class NBAR(NamedTuple):
    """alpha: a rate, or a schedule of it; size: entries of x."""

    rule: Any
    alpha: float
    size: int


@kernel
def _first_is_longer(v, size):
    first, second = 0.0, 0.0
    for i in range(size):
        first += v[i] * v[i]
    for i in range(size, v.shape[0]):
        second += v[i] * v[i]
    return first >= second


@kernel
def _lean(rate, size, x, out):
    """out += rate (x, -y)."""
    for i in range(x.shape[0]):
        out[i] += rate * x[i] if i < size else -rate * x[i]


@direction.register(OBAR)
def _by_length(rule, source, t, x, memory, out, ws):
    omitted = direction(rule.rule, source, t, x, memory, out, ws)
    rate = at(rule.alpha, t)
    _lean(rate if _first_is_longer(x, rule.size) else -rate, rule.size, x, out)
    return omitted


@direction.register(NBAR)
def _by_gradient(rule, source, t, x, memory, out, ws):
    omitted = direction(rule.rule, source, t, x, memory, out, ws)
    rate = at(rule.alpha, t)
    _lean(-rate if _first_is_longer(out, rule.size) else rate, rule.size, x, out)
    return omitted
