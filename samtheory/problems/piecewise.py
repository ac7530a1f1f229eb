"""Functions of one variable whose derivative is continuous and piecewise linear: the extremal ones of many bounds."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss
from samtheory.validate import array, checked, finite, together


def _suits(made: Any) -> None:
    if made.knots.size < 1 or made.curvatures.size != made.knots.size + 1:
        raise ValueError(
            f"curvatures has {made.curvatures.size} entries and knots {made.knots.size}; "
            "there must be one knot or more, and one curvature more than knots"
        )
    if (np.diff(made.knots) <= 0).any():
        raise ValueError(f"knots = {made.knots} must increase")


@together(_suits)
@checked(knots=array(None), curvatures=array(None), slope=finite)
class PiecewiseQuadratic(NamedTuple):
    """f'' = curvatures[j] between knots[j-1] and knots[j], f'(knots[0]) = slope, f(knots[0]) = 0.

    The gradient is max |curvatures|-Lipschitz; f is convex where all curvatures are >= 0.  At a knot `hess` is the
    curvature on its right.
    """

    knots: np.ndarray
    curvatures: np.ndarray
    slope: float = 0.0


def two_sided(left: float, right: float, at: float = 0.0) -> PiecewiseQuadratic:
    """The asymmetric valley: left (x - at)^2/2 for x < at, right (x - at)^2/2 for x > at."""
    return PiecewiseQuadratic(np.array([at]), np.array([left, right]))


@constants.register(PiecewiseQuadratic)
def _constants(p):
    """L; mu where all curvatures are positive; the least critical point, if f is bounded below."""
    big, low = float(np.abs(p.curvatures).max()), float(p.curvatures.min())
    x = _least(p)
    if x is None:
        return Constants(L=big, how="formula (unbounded below, or no minimiser)")
    work = np.empty(0)
    f_star = float(_loss(p, np.array([x]), work))
    mu = low if low > 0 else None
    return Constants(L=big, mu=mu, pl=mu, f_star=f_star, minimiser=np.array([x]), how="formula")


def _least(p: PiecewiseQuadratic) -> float | None:
    """A global minimiser, or None."""
    slopes = np.append(p.slope, p.slope + np.cumsum(p.curvatures[1:-1] * np.diff(p.knots)))  # at the knots
    falls = [(p.curvatures[0], -slopes[0]), (p.curvatures[-1], slopes[-1])]  # outwards
    if any(c < 0 or (c == 0 and s < 0) for c, s in falls):
        return None
    ends = np.concatenate([[-math.inf], p.knots, [math.inf]])
    critical = [float(k) for k, s in zip(p.knots, slopes) if s == 0]
    for j, c in enumerate(p.curvatures):
        if c != 0:
            k = max(j - 1, 0)
            x = p.knots[k] - slopes[k] / c
            if ends[j] <= x <= ends[j + 1]:
                critical.append(float(x))
    return min(critical, key=lambda x: _loss(p, np.array([x]), np.empty(0)), default=None)


@dim.register(PiecewiseQuadratic)
def _dim(p):
    return 1


@kernel
def _piece(p, x):
    """The interval of x: how many knots are <= x."""
    j = 0
    while j < p.knots.shape[0] and p.knots[j] <= x:
        j += 1
    return j


@loss.register(PiecewiseQuadratic)
def _loss(p, x, work):
    """The sum over the intervals between knots[0] and x."""
    j = _piece(p, x[0])
    if j == 0:
        step = x[0] - p.knots[0]
        return step * (p.slope + 0.5 * p.curvatures[0] * step)
    value, slope = 0.0, p.slope
    for k in range(1, j + 1):
        end = x[0] if k == j else p.knots[k]
        step = end - p.knots[k - 1]
        value += step * (slope + 0.5 * p.curvatures[k] * step)
        slope += p.curvatures[k] * step
    return value


@grad.register(PiecewiseQuadratic)
def _grad(p, x, out, work):
    j = _piece(p, x[0])
    if j == 0:
        out[0] = p.slope + p.curvatures[0] * (x[0] - p.knots[0])
    else:
        slope = p.slope
        for k in range(1, j + 1):
            slope += p.curvatures[k] * ((x[0] if k == j else p.knots[k]) - p.knots[k - 1])
        out[0] = slope


@hess.register(PiecewiseQuadratic)
def _hess(p, x, out, work):
    out[0, 0] = p.curvatures[_piece(p, x[0])]


@hvp.register(PiecewiseQuadratic)
def _hvp(p, x, v, out, work):
    out[0] = p.curvatures[_piece(p, x[0])] * v[0]
