"""SAM over the ball of the p-norm (Foret, Kleiner, Mobahi & Neyshabur 2021, equation 2)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from samtheory.kernel import kernel
from samtheory.rules import at, checked, direction, first_gradient, scheduled, second_gradient
from samtheory.validate import finite


def _above_one(name: str, value: Any) -> float:
    number = math.inf if value == math.inf else finite(name, value)
    if number <= 1:
        raise ValueError(f"{name} = {value!r} is not allowed; it must be > 1 (inf: the cube)")
    return number


@checked(eta=scheduled(), rho=scheduled(), p=_above_one)
class PNormSAM(NamedTuple):
    """x <- x - eta g(x + eps), eps = rho sign(g) |g|^(q-1)/(sum |g|^q)^(1/p), 1/p + 1/q = 1: the maximum of <g, eps>
    over |eps|_p <= rho, which is rho |g|_q.  p = 2 is SAM, p = inf moves every coordinate by rho."""

    eta: float
    rho: float
    p: float = 2.0
    vectors = 1


@kernel
def ascend_in_p_norm(x, g, rho, p, out):
    """out = x + eps as above; returns 1, with out = x, where g = 0 exactly."""
    q = 1.0 if p == math.inf else p / (p - 1.0)
    largest, total = 0.0, 0.0
    for i in range(x.shape[0]):
        largest = max(largest, abs(g[i]))
    for i in range(x.shape[0]):
        out[i] = x[i]
        if g[i] != 0.0:  # entries relative to the largest one: powers neither overflow nor vanish together
            total += math.pow(abs(g[i]) / largest, q)
    if total == 0.0:
        return 1
    size = rho / math.pow(total, 1.0 / p)
    for i in range(x.shape[0]):
        if g[i] != 0.0:
            out[i] += math.copysign(size * math.pow(abs(g[i]) / largest, q - 1.0), g[i])
    return 0


@direction.register(PNormSAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, out)
    omitted = ascend_in_p_norm(x, out, at(rule.rho, t), rule.p, ws[0])
    second_gradient(source, ws[0], out)
    return omitted
