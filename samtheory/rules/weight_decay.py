"""Weight decay: the gradient of (decay/2) |x|^2 joins the direction of any rule (decoupled: not in the ascent)."""

from __future__ import annotations

from typing import Any, NamedTuple

from samtheory.rules import axpy, checked, direction, nonnegative
from samtheory.rules.around import around


@around()
@checked(decay=nonnegative)
class WeightDecay(NamedTuple):
    """x <- x - eta (u(x) + decay x), u the direction of `rule`; all coordinates decay."""

    rule: Any
    decay: float


@direction.register(WeightDecay)
def _direction(rule, source, t, x, memory, out, ws):
    omitted = direction(rule.rule, source, t, x, memory, out, ws)
    axpy(rule.decay, x, out)
    return omitted
