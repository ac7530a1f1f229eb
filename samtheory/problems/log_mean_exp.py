"""The logarithm of the exponential loss, f(x) = log (1/n) sum_i exp(-<z_i, x>), z_i the rows of Z."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss, scratch
from samtheory.validate import array, checked
from samtheory.vectors import combination, dot, rows_times


@checked(Z=array(None, None))
class LogMeanExp(NamedTuple):
    """f = log L, L(x) = (1/n) sum_i exp(-<z_i, x>); z_i = y_i a_i for labels y_i, repeated rows count.

    gradient  grad L/L = -sum_i p_i z_i,      p = softmax(-Z x)
    Hessian   sum_i p_i z_i z_i' - g g'

    Gradient descent here is descent on L normalised by the loss, at any scale of x: nothing underflows.
    """

    Z: np.ndarray


@constants.register(LogMeanExp)
def _constants(p):
    """The Hessian is a covariance of the rows: at most a quarter of their largest squared distance."""
    apart = p.Z[:, None] - p.Z[None]
    return Constants(L=float((apart * apart).sum(axis=-1).max()) / 4, how="variance of what lies between two values")


@dim.register(LogMeanExp)
def _dim(p):
    return p.Z.shape[1]


@scratch.register(LogMeanExp)
def _scratch(p):
    return p.Z.shape[0]


@kernel
def _soften(p, x, q):
    """q = softmax(-Z x); returns log sum_i exp(-<z_i, x>)."""
    rows_times(p.Z, x, q)
    n, low, total = p.Z.shape[0], q[0], 0.0
    for i in range(1, n):
        low = min(low, q[i])
    for i in range(n):
        q[i] = math.exp(low - q[i])
        total += q[i]
    for i in range(n):
        q[i] /= total
    return math.log(total) - low


@loss.register(LogMeanExp)
def _loss(p, x, work):
    return _soften(p, x, work[: p.Z.shape[0]]) - math.log(p.Z.shape[0])


@grad.register(LogMeanExp)
def _grad(p, x, out, work):
    q = work[: p.Z.shape[0]]
    _soften(p, x, q)
    combination(q, p.Z, out)
    for j in range(x.shape[0]):
        out[j] = -out[j]


@hess.register(LogMeanExp)
def _hess(p, x, out, work):
    q = work[: p.Z.shape[0]]
    _soften(p, x, q)
    for j in range(x.shape[0]):
        mean = 0.0
        for i in range(q.shape[0]):
            mean += q[i] * p.Z[i, j]
        for k in range(j + 1):
            total = 0.0
            for i in range(q.shape[0]):
                total += q[i] * (p.Z[i, j] - mean) * p.Z[i, k]
            out[j, k] = total
            out[k, j] = total


@hvp.register(LogMeanExp)
def _hvp(p, x, v, out, work):
    q = work[: p.Z.shape[0]]
    _soften(p, x, q)
    mean = 0.0
    for i in range(p.Z.shape[0]):
        mean += q[i] * dot(p.Z[i], v)
    for i in range(p.Z.shape[0]):
        q[i] *= dot(p.Z[i], v) - mean
    combination(q, p.Z, out)
