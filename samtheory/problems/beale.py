"""Beale's function, with a global minimum at (3, 1/2) and a saddle at (0, 1)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss


class Beale(NamedTuple):
    """f(x, y) = r_1^2 + r_2^2 + r_3^2,  r_k = c_k - x (1 - y^k),  c = (1.5, 2.25, 2.625).

    Minimum 0 at (3, 1/2); saddle (0, 1) with Hessian [[0, 27.75], [27.75, 0]].
    """


@constants.register(Beale)
def _constants(p):
    return Constants(f_star=0.0, minimiser=np.array([3.0, 0.5]), how="formula (gradient not Lipschitz)")


@dim.register(Beale)
def _dim(p):
    return 2


@kernel
def _target(k):
    """c_k = 3 - 3/2^k."""
    return 1.5 if k == 1 else (2.25 if k == 2 else 2.625)


@loss.register(Beale)
def _loss(p, x, work):
    total, power = 0.0, 1.0
    for k in range(1, 4):
        power *= x[1]
        r = _target(k) - x[0] * (1.0 - power)
        total += r * r
    return total


@grad.register(Beale)
def _grad(p, x, out, work):
    """dr_k/dx = y^k - 1, dr_k/dy = k x y^(k-1)."""
    out[0], out[1], power = 0.0, 0.0, 1.0
    for k in range(1, 4):
        below = power
        power *= x[1]
        r = _target(k) - x[0] * (1.0 - power)
        out[0] += 2.0 * r * (power - 1.0)
        out[1] += 2.0 * r * k * x[0] * below


@kernel
def _second(x):
    """The second derivatives xx, xy, yy."""
    xx, xy, yy, lower, below, power = 0.0, 0.0, 0.0, 0.0, 0.0, 1.0
    for k in range(1, 4):
        lower = below  # y^(k-2), not used for k = 1
        below = power
        power *= x[1]
        r = _target(k) - x[0] * (1.0 - power)
        by_x, by_y = power - 1.0, k * x[0] * below
        xx += 2.0 * by_x * by_x
        xy += 2.0 * (by_x * by_y + r * k * below)
        yy += 2.0 * (by_y * by_y + r * k * (k - 1) * x[0] * lower)
    return xx, xy, yy


@hess.register(Beale)
def _hess(p, x, out, work):
    xx, xy, yy = _second(x)
    out[0, 0] = xx
    out[0, 1] = xy
    out[1, 0] = xy
    out[1, 1] = yy


@hvp.register(Beale)
def _hvp(p, x, v, out, work):
    xx, xy, yy = _second(x)
    out[0] = xx * v[0] + xy * v[1]
    out[1] = xy * v[0] + yy * v[1]
