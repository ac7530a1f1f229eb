"""A block of coordinates kept on a sphere: after every step of the inner rule it is scaled back to its length."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from samtheory.problems.core import dim
from samtheory.rules import checked, count, positive, step
from samtheory.rules.around import around
from samtheory.rules.core import check_rule


def _check(rule, oracle):
    check_rule(rule.rule, oracle)
    if rule.size > dim(oracle.problem):
        raise ValueError(f"size = {rule.size} is more than the {dim(oracle.problem)} coordinates of the problem")


@around(check=_check)
@checked(size=count(1), length=positive)
class Rescaled(NamedTuple):
    """x <- step of `rule`, then (x_1, .., x_size) <- length (x_1, .., x_size)/|(x_1, .., x_size)|.

    A block that is exactly zero is left alone.
    """

    rule: Any
    size: int
    length: float


@step.register(Rescaled)
def _step(rule, source, t, x, memory, ws):
    omitted = step(rule.rule, source, t, x, memory, ws)
    size = rule.size
    a, b, c, e = 0.0, 0.0, 0.0, 0.0  # four sums: one addition need not wait for the last
    whole = size - size % 4
    for i in range(0, whole, 4):
        a += x[i] * x[i]
        b += x[i + 1] * x[i + 1]
        c += x[i + 2] * x[i + 2]
        e += x[i + 3] * x[i + 3]
    for i in range(whole, size):
        a += x[i] * x[i]
    square = (a + b) + (c + e)
    if square > 0.0:
        factor = rule.length / math.sqrt(square)
        for i in range(size):
            x[i] *= factor
    return omitted
