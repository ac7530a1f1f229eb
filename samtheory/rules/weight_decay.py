"""Weight decay: the gradient of (decay/2) |x|^2 joins the direction of any rule (decoupled: not in the ascent)."""

from __future__ import annotations

from typing import Any, NamedTuple

from samtheory.rules import axpy, checked, direction, nonnegative, stepsize
from samtheory.rules.core import check_inner, check_rule
from samtheory.rules.momentum import memories_of, vectors_of


@checked(decay=nonnegative)
class WeightDecay(NamedTuple):
    """x <- x - eta (u(x) + decay x), u the direction of `rule`; all coordinates decay."""

    rule: Any
    decay: float

    @property
    def vectors(self) -> int:
        return vectors_of(self.rule)

    @property
    def memories(self) -> int:
        return memories_of(self.rule)


@check_rule.register(WeightDecay)
def _check(rule, oracle):
    check_inner(rule, oracle)


@stepsize.register(WeightDecay)
def _stepsize(rule, t):
    return stepsize(rule.rule, t)


@direction.register(WeightDecay)
def _direction(rule, source, t, x, memory, out, ws):
    omitted = direction(rule.rule, source, t, x, memory, out, ws)
    axpy(rule.decay, x, out)
    return omitted
