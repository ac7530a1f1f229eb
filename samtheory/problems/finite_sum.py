"""Finite sums over the rows a_i of a data matrix: f = (1/n) sum_i f_i,  f_i(x) = phi_i(<a_i, x>) + reg/2 |x|^2."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import generic, kernel
from samtheory.problems.core import (
    Constants,
    SampleConstants,
    constants,
    dim,
    grad,
    hess,
    hessian_lipschitz,
    hvp,
    loss,
    sample_constants,
    sample_grad,
    sample_hvp,
    sample_loss,
    samples,
    scratch,
)
from samtheory.validate import array, checked, nonnegative, same_length, together
from samtheory.vectors import dot


def _labels(name: str, value: Any) -> np.ndarray:
    out = array(None)(name, value)
    if (np.abs(out) != 1).any():
        i = int(np.flatnonzero(np.abs(out) != 1)[0])
        raise ValueError(f"{name}[{i}] = {out[i]!r} is no label; labels are +1 or -1")
    return out


@together(same_length("A", "b"))
@checked(A=array(None, None), b=array(None), reg=nonnegative)
class LeastSquares(NamedTuple):
    """f(x) = (1/n) sum_i [ (<a_i, x> - b_i)^2 / 2 + reg/2 |x|^2 ], a_i the rows of A; A may be rank deficient."""

    A: np.ndarray
    b: np.ndarray
    reg: float = 0.0


@together(same_length("A", "y"))
@checked(A=array(None, None), y=_labels, reg=nonnegative)
class Logistic(NamedTuple):
    """f(x) = (1/n) sum_i [ log(1 + exp(-y_i <a_i, x>)) + reg/2 |x|^2 ], labels y_i = +-1."""

    A: np.ndarray
    y: np.ndarray
    reg: float = 0.0


@together(same_length("A", "y"))
@checked(A=array(None, None), y=array(None), reg=nonnegative)
class TanhFit(NamedTuple):
    """f(x) = (1/n) sum_i [ (tanh <a_i, x> - y_i)^2 / 2 + reg/2 |x|^2 ]: one neuron, non-convex."""

    A: np.ndarray
    y: np.ndarray
    reg: float = 0.0


@together(same_length("A", "b"))
@checked(A=array(None, None), b=array(None), reg=nonnegative)
class LogSquares(NamedTuple):
    """f(x) = (1/n) sum_i [ log(1 + (<a_i, x> - b_i)^2) + reg/2 |x|^2 ]: a robust fit, non-convex."""

    A: np.ndarray
    b: np.ndarray
    reg: float = 0.0


def regression_data(rng: np.random.Generator, n: int, d: int, noise: float, spread: float = 1.0):
    """(A, b): rows (1, .., 1) + spread ((standard normal) - 1), b = A w + noise z with standard normal w and z."""
    A = 1 + spread * (rng.standard_normal((n, d)) - 1)
    return A, A @ rng.standard_normal(d) + noise * rng.standard_normal(n)


# ------------------------------------------------------------------------------------ constants


@constants.register(LeastSquares)
def _least_squares_constants(p):
    """The Hessian A'A/n + reg has eigenvalues s^2/n + reg, s the singular values; the minimiser of least norm."""
    n, d = p.A.shape
    u, s, vt = np.linalg.svd(p.A, full_matrices=False)
    rank = int((s > max(n, d) * np.finfo(float).eps * s[0]).sum())
    u, s, vt = u[:, :rank], s[:rank], vt[:rank]
    along = u.T @ p.b
    outside = p.b - u @ along if rank < n else np.zeros(n)
    lam = np.append(s * s / n + p.reg, [p.reg] * (d - rank))
    f_star = 0.5 * float(outside @ outside / n + np.sum(p.reg * along * along / lam[:rank]) / n)
    nonzero = lam[lam > 0]
    return Constants(
        L=float(lam.max()),
        mu=float(lam.min()) if nonzero.size == d else None,
        pl=float(nonzero.min()) if nonzero.size else None,
        f_star=f_star,
        minimiser=vt.T @ (s * along / (n * lam[:rank])),
        how="singular values",
    )


@constants.register(Logistic)
def _logistic_constants(p):
    """L = |A|^2/(4n) + reg, the curvature at 0; mu = pl = reg, approached at infinity; Newton for the minimiser."""
    big = float(np.linalg.norm(p.A, 2) ** 2 / (4 * p.A.shape[0]) + p.reg)
    if p.reg == 0:
        return Constants(L=big, how="spectrum (reg = 0: whether the infimum is attained depends on the data)")
    x = _newton(p)
    f_star = float(np.logaddexp(0, -p.y * (p.A @ x)).mean() + 0.5 * p.reg * (x @ x))
    return Constants(L=big, mu=p.reg, pl=p.reg, f_star=f_star, minimiser=x, how="spectrum, Newton to round-off")


@constants.register(LogSquares)
def _log_squares_constants(p):
    """phi'' is in [-1/4, 2]."""
    return Constants(L=float(2 * np.linalg.norm(p.A, 2) ** 2 / p.A.shape[0] + p.reg), how="phi'' <= 2")


@sample_constants.register(LeastSquares)
def _least_squares_samples(p):
    """L_i = |a_i|^2 + reg; the least value of f_i, on the line along a_i, is b_i^2 reg/(2 (reg + |a_i|^2))."""
    L = (p.A**2).sum(axis=1) + p.reg
    return SampleConstants(L, 0.5 * p.b**2 * p.reg / np.where(L > 0, L, 1.0))


@sample_constants.register(Logistic)
def _logistic_samples(p):
    """L_i = |a_i|^2/4 + reg; 0 is a lower bound, the infimum where reg = 0 and a_i is not 0."""
    return SampleConstants((p.A**2).sum(axis=1) / 4 + p.reg, np.zeros(p.A.shape[0]))


@sample_constants.register(LogSquares)
def _log_squares_samples(p):
    """L_i = 2 |a_i|^2 + reg; 0 is a lower bound, the infimum where reg = 0 and a_i is not 0."""
    return SampleConstants(2 * (p.A**2).sum(axis=1) + p.reg, np.zeros(p.A.shape[0]))


def _newton(p: Logistic) -> np.ndarray:
    """Newton steps, halved until |grad| falls; it always can, until round-off stops it."""

    def gradient(x):
        pull = np.exp(-np.logaddexp(0, p.y * (p.A @ x)))  # 1 / (1 + e^margin)
        return p.reg * x - p.A.T @ (p.y * pull) / n, pull * (1 - pull)

    n, d = p.A.shape
    x = np.zeros(d)
    g, bend = gradient(x)
    share = 1.0
    while share > 2.0**-40:
        step = np.linalg.solve((p.A.T * bend) @ p.A / n + p.reg * np.eye(d), g)
        share = 1.0
        while share > 2.0**-40:
            new, new_bend = gradient(x - share * step)
            if np.linalg.norm(new) < (1 - share / 4) * np.linalg.norm(g):
                x, g, bend = x - share * step, new, new_bend
                break
            share /= 2
    return x


# ------------------------------------------------------------------------------------ phi


@generic
def _value(p, i, u):
    """phi_i(u)."""


@generic
def _slope(p, i, u):
    """phi_i'(u)."""


@generic
def _curvature(p, i, u):
    """phi_i''(u)."""


@_value.register(LeastSquares)
def _square(p, i, u):
    return 0.5 * (u - p.b[i]) * (u - p.b[i])


@_slope.register(LeastSquares)
def _square_slope(p, i, u):
    return u - p.b[i]


@_curvature.register(LeastSquares)
def _square_curvature(p, i, u):
    return 1.0


@_value.register(Logistic)
def _softplus(p, i, u):
    """log(1 + e^-m) = max(-m, 0) + log(1 + e^-|m|), m = y_i u."""
    m = p.y[i] * u
    return (0.0 if m > 0.0 else -m) + math.log1p(math.exp(-abs(m)))


@_slope.register(Logistic)
def _softplus_slope(p, i, u):
    """-y_i / (1 + e^m), without overflow."""
    m = p.y[i] * u
    e = math.exp(-abs(m))
    return -p.y[i] * (e if m > 0.0 else 1.0) / (1.0 + e)


@_curvature.register(Logistic)
def _softplus_curvature(p, i, u):
    e = math.exp(-abs(u))
    return e / ((1.0 + e) * (1.0 + e))


@_value.register(TanhFit)
def _tanh_value(p, i, u):
    miss = math.tanh(u) - p.y[i]
    return 0.5 * miss * miss


@_slope.register(TanhFit)
def _tanh_slope(p, i, u):
    out = math.tanh(u)
    return (out - p.y[i]) * (1.0 - out * out)


@_curvature.register(TanhFit)
def _tanh_curvature(p, i, u):
    out = math.tanh(u)
    bend = 1.0 - out * out
    return bend * bend - 2.0 * out * bend * (out - p.y[i])


@_value.register(LogSquares)
def _log_value(p, i, u):
    return math.log1p((u - p.b[i]) * (u - p.b[i]))


@_slope.register(LogSquares)
def _log_slope(p, i, u):
    miss = u - p.b[i]
    return 2.0 * miss / (1.0 + miss * miss)


@_curvature.register(LogSquares)
def _log_curvature(p, i, u):
    miss = u - p.b[i]
    return 2.0 * (1.0 - miss * miss) / ((1.0 + miss * miss) * (1.0 + miss * miss))


# ------------------------------------------------------------------------------------ the sum


@dim.register(LeastSquares)
@dim.register(Logistic)
@dim.register(TanhFit)
@dim.register(LogSquares)
def _dim(p):
    return p.A.shape[1]


@samples.register(LeastSquares)
@samples.register(Logistic)
@samples.register(TanhFit)
@samples.register(LogSquares)
def _samples(p):
    return p.A.shape[0]


@scratch.register(LeastSquares)
@scratch.register(Logistic)
@scratch.register(TanhFit)
@scratch.register(LogSquares)
def _scratch(p):
    return p.A.shape[0]


@hessian_lipschitz.register(LeastSquares)
def _constant_hessian(p, x, radius):
    return 0.0


@sample_loss.register(LeastSquares)
@sample_loss.register(Logistic)
@sample_loss.register(TanhFit)
@sample_loss.register(LogSquares)
def _sample_loss(p, i, x, work):
    return _value(p, i, dot(p.A[i], x)) + 0.5 * p.reg * dot(x, x)


@sample_grad.register(LeastSquares)
@sample_grad.register(Logistic)
@sample_grad.register(TanhFit)
@sample_grad.register(LogSquares)
def _sample_grad(p, i, x, out, work):
    pull = _slope(p, i, dot(p.A[i], x))
    for j in range(x.shape[0]):
        out[j] = pull * p.A[i, j] + p.reg * x[j]


@sample_hvp.register(LeastSquares)
@sample_hvp.register(Logistic)
@sample_hvp.register(TanhFit)
@sample_hvp.register(LogSquares)
def _sample_hvp(p, i, x, v, out, work):
    bend = _curvature(p, i, dot(p.A[i], x)) * dot(p.A[i], v)
    for j in range(x.shape[0]):
        out[j] = bend * p.A[i, j] + p.reg * v[j]


@loss.register(LeastSquares)
@loss.register(Logistic)
@loss.register(TanhFit)
@loss.register(LogSquares)
def _loss(p, x, work):
    n = p.A.shape[0]
    _predict(p.A, x, work)
    total = 0.0
    for i in range(n):
        total += _value(p, i, work[i])
    return total / n + 0.5 * p.reg * dot(x, x)


@grad.register(LeastSquares)
@grad.register(Logistic)
@grad.register(TanhFit)
@grad.register(LogSquares)
def _grad(p, x, out, work):
    n = p.A.shape[0]
    _predict(p.A, x, work)
    for i in range(n):
        work[i] = _slope(p, i, work[i]) / n
    _gather(p.A, work, p.reg, x, out)


@hvp.register(LeastSquares)
@hvp.register(Logistic)
@hvp.register(TanhFit)
@hvp.register(LogSquares)
def _hvp(p, x, v, out, work):
    n = p.A.shape[0]
    _predict(p.A, x, work)
    for i in range(n):
        work[i] = _curvature(p, i, work[i]) * dot(p.A[i], v) / n
    _gather(p.A, work, p.reg, v, out)


@hess.register(LeastSquares)
@hess.register(Logistic)
@hess.register(TanhFit)
@hess.register(LogSquares)
def _hess(p, x, out, work):
    n, d = p.A.shape
    _predict(p.A, x, work)
    for j in range(d):
        for k in range(j + 1):
            out[j, k] = p.reg if j == k else 0.0
    for i in range(n):
        bend = _curvature(p, i, work[i]) / n
        for j in range(d):
            for k in range(j + 1):
                out[j, k] += bend * p.A[i, j] * p.A[i, k]
    for j in range(d):
        for k in range(j):
            out[k, j] = out[j, k]


@kernel
def _predict(A, x, out):
    """out_i = <a_i, x>, four rows a pass: four sums that do not wait for one another."""
    n, d = A.shape
    whole = n - n % 4
    for i in range(0, whole, 4):
        a, b, c, e = 0.0, 0.0, 0.0, 0.0
        for j in range(d):
            a += A[i, j] * x[j]
            b += A[i + 1, j] * x[j]
            c += A[i + 2, j] * x[j]
            e += A[i + 3, j] * x[j]
        out[i] = a
        out[i + 1] = b
        out[i + 2] = c
        out[i + 3] = e
    for i in range(whole, n):
        out[i] = dot(A[i], x)


@kernel
def _gather(A, weight, reg, x, out):
    """out = reg x + sum_i weight_i a_i, four rows a pass."""
    n, d = A.shape
    for j in range(d):
        out[j] = reg * x[j]
    whole = n - n % 4
    for i in range(0, whole, 4):
        a, b, c, e = weight[i], weight[i + 1], weight[i + 2], weight[i + 3]
        for j in range(d):
            out[j] = out[j] + a * A[i, j] + b * A[i + 1, j] + c * A[i + 2, j] + e * A[i + 3, j]
    for i in range(whole, n):
        for j in range(d):
            out[j] += weight[i] * A[i, j]
