"""f(x) = sum_i log(1 + (<a_i, x> - b_i)^2): smooth, with bounded gradient, not convex."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss
from samtheory.validate import array, checked, same_length, together
from samtheory.vectors import axpy, dot, fill


@together(same_length("A", "b"))
@checked(A=array(None, None), b=array(None))
class LogSquares(NamedTuple):
    """f(x) = sum_i log(1 + (<a_i, x> - b_i)^2), a_i the rows of A; 2 |A|^2-smooth."""

    A: np.ndarray
    b: np.ndarray


@constants.register(LogSquares)
def _constants(p):
    """f* = 0 where A x = b has a solution; otherwise only f* >= 0 is known, and None is given."""
    x = np.linalg.lstsq(p.A, p.b, rcond=None)[0]
    solved = np.abs(p.A @ x - p.b).max() <= 1e-12 * max(1.0, np.abs(p.b).max())
    L = 2 * float(np.linalg.norm(p.A, 2)) ** 2
    return Constants(L=L, f_star=0.0 if solved else None, minimiser=x if solved else None, how="formula")


@dim.register(LogSquares)
def _dim(p):
    return p.A.shape[1]


@kernel
def _curvature(u):
    return 2.0 * (1.0 - u * u) / ((1.0 + u * u) * (1.0 + u * u))


@loss.register(LogSquares)
def _loss(p, x, work):
    total = 0.0
    for i in range(p.b.shape[0]):
        u = dot(p.A[i], x) - p.b[i]
        total += math.log1p(u * u)
    return total


@grad.register(LogSquares)
def _grad(p, x, out, work):
    fill(out, 0.0)
    for i in range(p.b.shape[0]):
        u = dot(p.A[i], x) - p.b[i]
        axpy(2.0 * u / (1.0 + u * u), p.A[i], out)


@hess.register(LogSquares)
def _hess(p, x, out, work):
    d = x.shape[0]
    for j in range(d):
        fill(out[j], 0.0)
    for i in range(p.b.shape[0]):
        bend = _curvature(dot(p.A[i], x) - p.b[i])
        for j in range(d):
            axpy(bend * p.A[i, j], p.A[i], out[j])


@hvp.register(LogSquares)
def _hvp(p, x, v, out, work):
    fill(out, 0.0)
    for i in range(p.b.shape[0]):
        axpy(_curvature(dot(p.A[i], x) - p.b[i]) * dot(p.A[i], v), p.A[i], out)
