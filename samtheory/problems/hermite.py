"""A C^2 function with one exceptional step, at which gradient descent jumps onto a local maximum and stays."""

from __future__ import annotations

from typing import NamedTuple

from samtheory.kernel import kernel
from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss
from samtheory.validate import checked, positive


@checked(step=positive, m=positive)
class ExceptionalStep(NamedTuple):
    """f' = (x - 3)/step for x <= 1, a cubic on [1, 3], -m (x - 3) for x >= 3; f in C^2, piecewise polynomial, f(3) = 0.

    With u = (x - 1)/2 on [1, 3]: f' = -(2/step)(1 - u)^2 (1 + u) + 2 m u^2 (1 - u), the Hermite interpolant of f'.
    3 is a local maximum of curvature -m, unstable for gradient descent, but one step of length `step` takes every
    x <= 1 there.  Exactly so in floating point for step a power of two and dyadic x only: any round-off grows by
    1 + eta m a step and escapes.  (Counterexample to 'for all steps' in Bolte, Le & Pauwels 2025, Theorem 2.1.)
    """

    step: float = 0.5
    m: float = 2.0


@constants.register(ExceptionalStep)
def _constants(p):
    return Constants(how="formula (unbounded below)")


@dim.register(ExceptionalStep)
def _dim(p):
    return 1


@kernel
def _curvature(p, x):
    if x <= 1.0:
        return 1.0 / p.step
    if x >= 3.0:
        return -p.m
    u = 0.5 * (x - 1.0)
    return (1.0 + u * (2.0 - 3.0 * u)) / p.step + p.m * u * (2.0 - 3.0 * u)


@loss.register(ExceptionalStep)
def _loss(p, x, work):
    """From f(3) = 0 to the left: (4/step)(2 w^3/3 - w^4/4) - 4 m (1/12 - u^3/3 + u^4/4), w = 1 - u."""
    away = x[0] - 3.0
    if away >= 0.0:
        return -0.5 * p.m * away * away
    if x[0] <= 1.0:
        return 5.0 / (3.0 * p.step) - p.m / 3.0 + 0.5 * (away * away - 4.0) / p.step
    u = 0.5 * (x[0] - 1.0)
    w = 1.0 - u
    left = w * w * w * (2.0 / 3.0 - 0.25 * w)
    return 4.0 * left / p.step - 4.0 * p.m * (1.0 / 12.0 - u * u * u * (1.0 / 3.0 - 0.25 * u))


@grad.register(ExceptionalStep)
def _grad(p, x, out, work):
    away = x[0] - 3.0
    if x[0] <= 1.0:
        out[0] = away / p.step
    elif away >= 0.0:
        out[0] = -p.m * away
    else:
        u, w = 0.5 * (x[0] - 1.0), -0.5 * away
        out[0] = 2.0 * w * (p.m * u * u - w * (1.0 + u) / p.step)


@hess.register(ExceptionalStep)
def _hess(p, x, out, work):
    out[0, 0] = _curvature(p, x[0])


@hvp.register(ExceptionalStep)
def _hvp(p, x, v, out, work):
    out[0] = _curvature(p, x[0]) * v[0]
