"""A plane of minimisers under two valleys whose curvatures have minima at different places (Wen, Ma & Li 2023)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import (
    Constants,
    constants,
    dim,
    grad,
    hess,
    hessian_lipschitz,
    hvp,
    loss,
    sample_grad,
    sample_hvp,
    sample_loss,
    samples,
    third,
)
from samtheory.validate import array, checked, positive
from samtheory.vectors import fill


@checked(base=array(2), bend=array(2), centre=array(2), scale=positive)
class TwoBowls(NamedTuple):
    """f(a, b, c, d) = scale (F_0 c^2 + F_1 d^2),  F_k(a, b) = base_k + bend_k (a - centre_k)^2 + b^2.

    The minimisers are c = d = 0, where the Hessian is scale diag(0, 0, 2 F_0, 2 F_1); F_k is smallest at
    (centre_k, 0).  As a sum of two samples f_0 = 2 scale F_0 c^2 and f_1 = 2 scale F_1 d^2.
    """

    base: np.ndarray
    bend: np.ndarray
    centre: np.ndarray
    scale: float = 1.0


def two_bowls(scale: float = 1.0) -> TwoBowls:
    """F_0 = 4 + (a - 1)^2 + b^2 and F_1 = 1 + (a + 1)^2/2 + b^2, F_0 > F_1 for |a| <= 1.5.

    F_0 is smallest at (1, 0), F_1 at (-1, 0), F_0 + F_1 at (1/3, 0); scale = 1/2 makes f the mean of F_0 c^2, F_1 d^2.
    """
    return TwoBowls([4.0, 1.0], [1.0, 0.5], [1.0, -1.0], scale)


@kernel
def _curvature(p, k, x):
    """F_k."""
    away = x[0] - p.centre[k]
    return p.base[k] + p.bend[k] * away * away + x[1] * x[1]


@kernel
def _slope(p, k, x):
    """d F_k/da; that by b is 2 b."""
    return 2.0 * p.bend[k] * (x[0] - p.centre[k])


@constants.register(TwoBowls)
def _constants(p):
    flat = p.base.min() >= 0 and p.bend.min() >= 0
    how = "formula (quartic: gradient not Lipschitz)"
    return Constants(f_star=0.0 if flat else None, minimiser=np.zeros(4) if flat else None, how=how)


@dim.register(TwoBowls)
def _dim(p):
    return 4


@samples.register(TwoBowls)
def _samples(p):
    return 2


@sample_loss.register(TwoBowls)
@kernel
def _sample_loss(p, i, x, work):
    return 2.0 * p.scale * _curvature(p, i, x) * x[2 + i] * x[2 + i]


@sample_grad.register(TwoBowls)
def _sample_grad(p, i, x, out, work):
    fill(out, 0.0)
    out[0] = 2.0 * p.scale * _slope(p, i, x) * x[2 + i] * x[2 + i]
    out[1] = 4.0 * p.scale * x[1] * x[2 + i] * x[2 + i]
    out[2 + i] = 4.0 * p.scale * _curvature(p, i, x) * x[2 + i]


@sample_hvp.register(TwoBowls)
def _sample_hvp(p, i, x, v, out, work):
    z, w = x[2 + i], v[2 + i]
    twice = 2.0 * p.scale
    fill(out, 0.0)
    out[0] = twice * (2.0 * p.bend[i] * z * z * v[0] + 2.0 * _slope(p, i, x) * z * w)
    out[1] = twice * (2.0 * z * z * v[1] + 4.0 * x[1] * z * w)
    out[2 + i] = twice * (2.0 * z * (_slope(p, i, x) * v[0] + 2.0 * x[1] * v[1]) + 2.0 * _curvature(p, i, x) * w)


@hessian_lipschitz.register(TwoBowls)
def _hessian_lipschitz(p, x, radius):
    """D^3 f[v, v, v] = 6 scale sum_k [w^2 <grad F_k, v> + z w v' (Hess F_k) v], and w^2 q, w q^2 <= 2/sqrt(27) where
    w^2 + q^2 <= 1 (w = v_(2+k), q the length of the first two entries of v)."""
    bend = 2 * np.maximum(np.abs(p.bend), 1)
    slope = np.hypot(2 * p.bend * (x[0] - p.centre), 2 * x[1]) + bend * radius
    return float(p.scale * 12 / np.sqrt(27) * (slope.max() + bend @ (np.abs(x[2:]) + radius)))


@loss.register(TwoBowls)
def _loss(p, x, work):
    return p.scale * (_curvature(p, 0, x) * x[2] * x[2] + _curvature(p, 1, x) * x[3] * x[3])


@grad.register(TwoBowls)
def _grad(p, x, out, work):
    c, d = x[2] * x[2], x[3] * x[3]
    out[0] = p.scale * (_slope(p, 0, x) * c + _slope(p, 1, x) * d)
    out[1] = p.scale * 2.0 * x[1] * (c + d)
    out[2] = p.scale * 2.0 * _curvature(p, 0, x) * x[2]
    out[3] = p.scale * 2.0 * _curvature(p, 1, x) * x[3]


@hess.register(TwoBowls)
@kernel
def _hess(p, x, out, work):
    for i in range(4):
        fill(out[i], 0.0)
    out[0, 0] = p.scale * 2.0 * (p.bend[0] * x[2] * x[2] + p.bend[1] * x[3] * x[3])
    out[1, 1] = p.scale * 2.0 * (x[2] * x[2] + x[3] * x[3])
    for k in range(2):
        z = 2 + k
        out[0, z] = p.scale * 2.0 * _slope(p, k, x) * x[z]
        out[1, z] = p.scale * 4.0 * x[1] * x[z]
        out[z, z] = p.scale * 2.0 * _curvature(p, k, x)
        out[z, 0] = out[0, z]
        out[z, 1] = out[1, z]


@hvp.register(TwoBowls)
def _hvp(p, x, v, out, work):
    fill(out, 0.0)
    for k in range(2):
        z, w = x[2 + k], v[2 + k]
        turn = _slope(p, k, x)
        out[0] += p.scale * (2.0 * p.bend[k] * z * z * v[0] + 2.0 * turn * z * w)
        out[1] += p.scale * (2.0 * z * z * v[1] + 4.0 * x[1] * z * w)
        out[2 + k] = p.scale * (2.0 * z * (turn * v[0] + 2.0 * x[1] * v[1]) + 2.0 * _curvature(p, k, x) * w)


@third.register(TwoBowls)
def _third(p, x, v, out, work):
    """v' H v = scale sum_k [2 F_k w^2 + 4 z w <grad F_k, v> + z^2 v' (Hess F_k) v], z = x_(2+k), w = v_(2+k)."""
    fill(out, 0.0)
    for k in range(2):
        z, w = x[2 + k], v[2 + k]
        turn = _slope(p, k, x)
        out[0] += p.scale * (2.0 * turn * w * w + 8.0 * z * w * p.bend[k] * v[0])
        out[1] += p.scale * (4.0 * x[1] * w * w + 8.0 * z * w * v[1])
        along = turn * v[0] + 2.0 * x[1] * v[1]
        bend = 2.0 * (p.bend[k] * v[0] * v[0] + v[1] * v[1])
        out[2 + k] = p.scale * (4.0 * w * along + 2.0 * z * bend)
