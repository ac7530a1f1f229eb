"""LookSAM (Liu et al. 2022): SAM every k-th step; between, its part orthogonal to the gradient is used again."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.rules import (
    along,
    ascend,
    at,
    checked,
    count,
    direction,
    dot,
    first_gradient,
    norm,
    scheduled,
    second_gradient,
)


@checked(eta=scheduled(), rho=scheduled(), k=count(1), alpha=scheduled())
class LookSAM(NamedTuple):
    """k divides t:   u = gs = g(x + rho g/|g|), and v = gs - <gs, g> g/|g|^2 is kept
    otherwise:     u = g + alpha (|g|/|v|) v;            x <- x - eta u

    k = 1 is SAM.  Two gradients at every k-th step, one otherwise; v of all coordinates together (the code: a tensor
    at a time, |v| + 1e-8).  The second term does not fade with |v|: it is always alpha |g| long.
    """

    eta: float
    rho: float
    k: int = 5
    alpha: float = 0.7
    vectors = 2
    memories = 1


@direction.register(LookSAM)
def _direction(rule, source, t, x, memory, out, ws):
    if t % rule.k != 0:
        second_gradient(source, x, ws[0])
        kept = norm(memory[0])
        along(ws[0], at(rule.alpha, t) * norm(ws[0]) / kept if kept > 0.0 else 0.0, memory[0], out)
        return 0
    first_gradient(source, x, ws[1])
    omitted = ascend(x, ws[1], at(rule.rho, t), ws[0])
    second_gradient(source, ws[0], out)
    square = dot(ws[1], ws[1])
    along(out, -dot(out, ws[1]) / square if square > 0.0 else 0.0, ws[1], memory[0])
    return omitted
