"""Progressive rescaling, PRGD (Wang, Min & Wu 2024): gradient descent in balls that are enlarged again and again."""

from __future__ import annotations

from typing import Any, NamedTuple

from samtheory.rules import at, checked, count, norm, positive, scheduled, step
from samtheory.rules.around import around
from samtheory.rules.core import check_rule
from samtheory.vectors import scale


def _check(rule, oracle):
    check_rule(rule.rule, oracle)


@around(check=_check)
@checked(radius=scheduled(positive), warmup=count(0), inner=count(0))
class ProgressiveRescaling(NamedTuple):
    """`warmup` steps of `rule`, then cycles k = 0, 1, ... of 1 + `inner` steps, R = radius at k (a schedule of cycles):

        x <- R x/|x|,   and `inner` times   x <- step of `rule`, back to the ball |x| <= R where outside.

    The paper's inner rule divides the gradient by the loss: `NormalisedGD`, or `GD` on the logarithm of the loss, which
    does not underflow.
    """

    rule: Any
    radius: Any
    warmup: int
    inner: int


@step.register(ProgressiveRescaling)
def _step(rule, source, t, x, memory, ws):
    late = t - rule.warmup
    if late < 0:
        return step(rule.rule, source, t, x, memory, ws)
    radius = at(rule.radius, late // (1 + rule.inner))
    if late % (1 + rule.inner) == 0:
        length = norm(x)
        if length > 0.0:
            scale(radius / length, x)
        return 0 if length > 0.0 else 1
    omitted = step(rule.rule, source, t, x, memory, ws)
    length = norm(x)
    if length > radius:
        scale(radius / length, x)
    return omitted
