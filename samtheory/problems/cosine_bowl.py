"""f(x) = lam x^2/2 + beta (1 - cos x) in one dimension: the smallest non-quadratic bowl (beta > lam: not convex)."""

from __future__ import annotations

import math
from typing import NamedTuple

from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss
from samtheory.validate import checked, finite, positive


@checked(lam=positive, beta=finite)
class CosineBowl(NamedTuple):
    """f(x) = lam x^2/2 + beta (1 - cos x); curvature between lam - |beta| and lam + |beta|."""

    lam: float
    beta: float


@constants.register(CosineBowl)
def _constants(p):
    L = p.lam + abs(p.beta)
    if p.lam <= abs(p.beta):
        return Constants(L=L, how="range of f'' = lam + beta cos x")
    return Constants(L=L, mu=p.lam - abs(p.beta), pl=p.lam - abs(p.beta), f_star=0.0, how="range of f''")


@dim.register(CosineBowl)
def _dim(p):
    return 1


@loss.register(CosineBowl)
def _loss(p, x, work):
    half = math.sin(0.5 * x[0])
    return 0.5 * p.lam * x[0] * x[0] + 2.0 * p.beta * half * half


@grad.register(CosineBowl)
def _grad(p, x, out, work):
    out[0] = p.lam * x[0] + p.beta * math.sin(x[0])


@hess.register(CosineBowl)
def _hess(p, x, out, work):
    out[0, 0] = p.lam + p.beta * math.cos(x[0])


@hvp.register(CosineBowl)
def _hvp(p, x, v, out, work):
    out[0] = (p.lam + p.beta * math.cos(x[0])) * v[0]
