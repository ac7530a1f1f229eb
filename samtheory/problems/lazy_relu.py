"""One hidden layer of ReLU units with fixed heads, f = 1/2 sum_i (out(x_i) - y_i)^2; only the hidden weights move."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from samtheory.kernel import call, kernel
from samtheory.problems.core import Constants, constants, dim, grad, loss, sample_grad, sample_loss, samples, scratch
from samtheory.validate import array, checked, finite, same_length, together
from samtheory.vectors import fill


@together(same_length("X", "y"))
@checked(X=array(None, None), y=array(None), heads=array(None))
class HeadlessReLU(NamedTuple):
    """out(x) = sum_k heads_k max(<w_k, x>, 0), loss 1/2 sum_i (out(x_i) - y_i)^2 with no 1/n.

    X [n, d], y [n], heads [units].  Parameters: row j of W [d, units] holds the weights of input j, so that units are
    neighbours in memory.  f is piecewise quadratic and not C^2 (no Hessian); the derivative of max(s, 0) at 0 is 0.
    """

    X: np.ndarray
    y: np.ndarray
    heads: np.ndarray


def doubled(W, scale) -> tuple[np.ndarray, np.ndarray]:
    """(heads, start) of a network that is zero at its start: every unit twice, with opposite signs.

    W [d, m] are the weights of m units, whose heads are +scale/sqrt(2) and, for the copies, -scale/sqrt(2).  With
    scale = 1/sqrt(m) the tangent kernel has a limit as m grows; with 1/m the units must move to learn.
    """
    W = array(None, None)("W", W)
    a = np.full(W.shape[1], finite("scale", scale) / math.sqrt(2))
    return np.concatenate([a, -a]), np.concatenate([W, W], axis=1).ravel()


def active(p: HeadlessReLU, theta) -> np.ndarray:
    """Which unit is on at which sample, bool [..., n, units], at parameters theta [..., d * units]."""
    theta = np.asarray(theta, dtype=np.float64)
    return p.X @ theta.reshape(*theta.shape[:-1], p.X.shape[1], p.heads.size) > 0


def outputs(p: HeadlessReLU, theta) -> np.ndarray:
    """out(x_i), [..., n], at parameters theta [..., d * units].  A statistic of `simulate`."""
    theta = np.ascontiguousarray(theta, dtype=np.float64)
    rows = theta.reshape(-1, dim(p))
    out = np.empty((len(rows), p.X.shape[0]))
    call(_outputs, p, rows, out, np.empty(scratch(p)))
    return out.reshape(*theta.shape[:-1], p.X.shape[0])


def tangent_kernel(p: HeadlessReLU, theta) -> np.ndarray:
    """<d out(x_i)/d theta, d out(x_j)/d theta> = <x_i, x_j> sum_k heads_k^2 [k on at i and j], shape [n, n]."""
    on = active(p, theta) * p.heads
    return (p.X @ p.X.T) * (on @ on.T)


@constants.register(HeadlessReLU)
def _constants(p):
    return Constants(how="none known (gradient discontinuous where a unit switches)")


@dim.register(HeadlessReLU)
def _dim(p):
    return p.X.shape[1] * p.heads.size


@samples.register(HeadlessReLU)
def _samples(p):
    return p.X.shape[0]


@scratch.register(HeadlessReLU)
def _scratch(p):
    return p.heads.size


@kernel
def _residual(p, i, theta, inputs):
    """out(x_i) - y_i; `inputs` gets <w_k, x_i>."""
    d, units = p.X.shape[1], p.heads.shape[0]
    fill(inputs, 0.0)
    for j in range(d):
        a = p.X[i, j]
        row = theta[j * units : (j + 1) * units]
        for k in range(units):
            inputs[k] += a * row[k]
    total = 0.0
    for k in range(units):
        total += p.heads[k] * max(inputs[k], 0.0)  # a branch here would take four times as long
    return total - p.y[i]


@kernel
def _add_gradient(p, i, theta, share, inputs, out):
    """out += share r_i grad r_i."""
    d, units = p.X.shape[1], p.heads.shape[0]
    pull = share * _residual(p, i, theta, inputs)
    for k in range(units):
        inputs[k] = pull * p.heads[k] if inputs[k] > 0.0 else 0.0
    for j in range(d):
        a = p.X[i, j]
        row = out[j * units : (j + 1) * units]
        for k in range(units):
            row[k] += a * inputs[k]


def _outputs(p, points, out, inputs):
    """Driver of `outputs`."""
    for r in range(points.shape[0]):
        for i in range(p.X.shape[0]):
            out[r, i] = _residual(p, i, points[r], inputs) + p.y[i]


@loss.register(HeadlessReLU)
def _loss(p, x, work):
    total = 0.0
    for i in range(p.X.shape[0]):
        r = _residual(p, i, x, work[: p.heads.shape[0]])
        total += r * r
    return 0.5 * total


@grad.register(HeadlessReLU)
def _grad(p, x, out, work):
    fill(out, 0.0)
    for i in range(p.X.shape[0]):
        _add_gradient(p, i, x, 1.0, work[: p.heads.shape[0]], out)


@sample_loss.register(HeadlessReLU)
def _sample_loss(p, i, x, work):
    r = _residual(p, i, x, work[: p.heads.shape[0]])
    return 0.5 * p.X.shape[0] * r * r


@sample_grad.register(HeadlessReLU)
def _sample_grad(p, i, x, out, work):
    fill(out, 0.0)
    _add_gradient(p, i, x, float(p.X.shape[0]), work[: p.heads.shape[0]], out)
