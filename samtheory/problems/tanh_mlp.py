"""A small network with one hidden layer of tanh units, full batch or sample by sample, with its exact Hessian."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import (
    Constants,
    constants,
    dim,
    grad,
    hess,
    hvp,
    loss,
    sample_grad,
    sample_hvp,
    sample_loss,
    samples,
    scratch,
)
from samtheory.validate import array, checked, count, same_length, together
from samtheory.vectors import fill


@together(same_length("X", "y"))
@checked(X=array(None, None), y=array(None), width=count(1))
class TanhMLP(NamedTuple):
    """f = (1/n) sum_i r_i^2/2,  r_i = sum_k a_k tanh(b_k + <W_k, x_i>) - y_i; no output bias.

    Parameters in the order W (row j: the weights of input j, one a unit), b, a: (d + 2) width of them.
    With h = tanh s and h' = 1 - h^2 the derivatives of r_i are a_k h' x~ (x~ = (x_i, 1), for W_k and b_k) and h (for
    a_k); its second derivatives couple no two units: -2 a_k h h' x~ x~', and h' x~ with a_k.
    """

    X: np.ndarray
    y: np.ndarray
    width: int


def sign_network(seed: int, n: int = 16, d: int = 3, width: int = 24) -> tuple[TanhMLP, np.ndarray]:
    """(problem, start): x_i ~ N(0, I), y_i = sign(x_i1 x_i2); W ~ N(0, 1/d), b = 0, a ~ N(0, 1/width).

    NumPy's default_rng(seed) draws X, W and a in this order.
    """
    rng = np.random.default_rng(seed)
    X, W, a = (rng.standard_normal(shape) for shape in ((n, d), (d, width), (width,)))
    start = np.concatenate([W.ravel() / math.sqrt(d), np.zeros(width), a / math.sqrt(width)])
    return TanhMLP(X, np.sign(X[:, 0] * X[:, 1]), width), start


@constants.register(TanhMLP)
def _constants(p):
    return Constants(how="none known (gradient not Lipschitz; whether f = 0 is reached depends on the data)")


@dim.register(TanhMLP)
def _dim(p):
    return (p.X.shape[1] + 2) * p.width


@samples.register(TanhMLP)
def _samples(p):
    return p.X.shape[0]


@scratch.register(TanhMLP)
def _scratch(p):
    return p.width + (p.X.shape[1] + 2) * p.width  # hidden units, one row of derivatives


@kernel
def _residual(p, i, theta, hidden):
    """r_i; `hidden` gets the units."""
    d, width = p.X.shape[1], p.width
    for k in range(width):
        hidden[k] = theta[d * width + k]
    for j in range(d):
        for k in range(width):
            hidden[k] += p.X[i, j] * theta[j * width + k]
    total = 0.0
    for k in range(width):
        hidden[k] = math.tanh(hidden[k])
        total += theta[(d + 1) * width + k] * hidden[k]
    return total - p.y[i]


@kernel
def _add_gradient(p, i, theta, share, hidden, out):
    """out += share r_i grad r_i."""
    d, width = p.X.shape[1], p.width
    pull = share * _residual(p, i, theta, hidden)
    for k in range(width):
        h = hidden[k]
        out[(d + 1) * width + k] += pull * h
        hidden[k] = pull * theta[(d + 1) * width + k] * (1.0 - h * h)
        out[d * width + k] += hidden[k]
    for j in range(d):
        for k in range(width):
            out[j * width + k] += p.X[i, j] * hidden[k]


@kernel
def _add_product(p, i, theta, v, share, work, out):
    """out += share [<grad r_i, v> grad r_i + r_i D^2 r_i v]."""
    d, width = p.X.shape[1], p.width
    hidden, pushed = work[:width], work[width : 2 * width]
    r = _residual(p, i, theta, hidden)
    slope = 0.0
    for k in range(width):  # the change of the unit's input along v
        pushed[k] = v[d * width + k]
    for j in range(d):
        for k in range(width):
            pushed[k] += p.X[i, j] * v[j * width + k]
    for k in range(width):
        h, a = hidden[k], theta[(d + 1) * width + k]
        slope += h * v[(d + 1) * width + k] + a * (1.0 - h * h) * pushed[k]
    for k in range(width):
        h, a = hidden[k], theta[(d + 1) * width + k]
        bend = 1.0 - h * h
        out[(d + 1) * width + k] += share * (slope * h + r * bend * pushed[k])
        turn = r * (v[(d + 1) * width + k] - 2.0 * a * h * pushed[k])
        pushed[k] = share * bend * (slope * a + turn)
        out[d * width + k] += pushed[k]
    for j in range(d):
        for k in range(width):
            out[j * width + k] += p.X[i, j] * pushed[k]


@loss.register(TanhMLP)
def _loss(p, x, work):
    total = 0.0
    for i in range(p.X.shape[0]):
        r = _residual(p, i, x, work)
        total += r * r
    return 0.5 * total / p.X.shape[0]


@grad.register(TanhMLP)
def _grad(p, x, out, work):
    fill(out, 0.0)
    for i in range(p.X.shape[0]):
        _add_gradient(p, i, x, 1.0 / p.X.shape[0], work, out)


@hvp.register(TanhMLP)
def _hvp(p, x, v, out, work):
    fill(out, 0.0)
    for i in range(p.X.shape[0]):
        _add_product(p, i, x, v, 1.0 / p.X.shape[0], work, out)


@sample_loss.register(TanhMLP)
def _sample_loss(p, i, x, work):
    r = _residual(p, i, x, work)
    return 0.5 * r * r


@sample_grad.register(TanhMLP)
def _sample_grad(p, i, x, out, work):
    fill(out, 0.0)
    _add_gradient(p, i, x, 1.0, work, out)


@sample_hvp.register(TanhMLP)
def _sample_hvp(p, i, x, v, out, work):
    fill(out, 0.0)
    _add_product(p, i, x, v, 1.0, work, out)


@hess.register(TanhMLP)
def _hess(p, x, out, work):
    n, d, width = p.X.shape[0], p.X.shape[1], p.width
    hidden, row = work[:width], work[width : width + x.shape[0]]
    for s in range(x.shape[0]):
        fill(out[s], 0.0)
    for i in range(n):
        r = _residual(p, i, x, hidden)
        for k in range(width):
            h, a = hidden[k], x[(d + 1) * width + k]
            bend = 1.0 - h * h
            row[(d + 1) * width + k] = h
            row[d * width + k] = a * bend
            for j in range(d):
                row[j * width + k] = p.X[i, j] * a * bend
        for s in range(x.shape[0]):
            for t in range(s + 1):
                out[s, t] += row[s] * row[t]
        for k in range(width):
            h, a = hidden[k], x[(d + 1) * width + k]
            bend = 1.0 - h * h
            for j in range(d + 1):
                first = p.X[i, j] if j < d else 1.0
                out[(d + 1) * width + k, j * width + k] += r * bend * first
                for q in range(j + 1):
                    second = p.X[i, q] if q < d else 1.0
                    out[j * width + k, q * width + k] -= 2.0 * r * a * h * bend * first * second
    for s in range(x.shape[0]):
        for t in range(s + 1):
            out[s, t] /= n
            out[t, s] = out[s, t]
