"""GSAM (Zhuang et al. 2022): descend at the ascended point, and climb along what of g is orthogonal to that descent."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules import (
    ascend,
    at,
    checked,
    direction,
    dot,
    first_gradient,
    scheduled,
    second_gradient,
)


@checked(eta=scheduled(), rho=scheduled(), alpha=scheduled())
class GSAM(NamedTuple):
    """x <- x - eta (gs - alpha g_perp), gs = g(x + rho g/|g|), g_perp = g - <g, gs> gs/|gs|^2; alpha = 0 is SAM.

    A step so shrinks the surrogate gap f(x + rho g/|g|) - f(x) without a change of f(x + rho g/|g|) to first order.
    """

    eta: float
    rho: float
    alpha: float = 0.4
    vectors = 2


@direction.register(GSAM)
def _direction(rule, source, t, x, memory, out, ws):
    first_gradient(source, x, ws[1])
    omitted = ascend(x, ws[1], at(rule.rho, t), ws[0])
    second_gradient(source, ws[0], out)
    alpha, square = at(rule.alpha, t), dot(out, out)
    overlap = dot(ws[1], out) / square if square > 0.0 else 0.0
    for i in range(x.shape[0]):
        out[i] -= alpha * (ws[1, i] - overlap * out[i])
    return omitted
