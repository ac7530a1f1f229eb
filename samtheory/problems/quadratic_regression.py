"""Quadratic regression (Agarwala & Dauphin 2023): residuals quadratic in the parameters, where curvature can change."""

from __future__ import annotations

from typing import Any, NamedTuple

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
    scratch,
    third,
)
from samtheory.validate import array, checked, same_length, together
from samtheory.vectors import axpy, dot, fill, symmetric_product


def _symmetric_slices(name: str, value: Any) -> np.ndarray:
    out = array(None, None, None)(name, value)
    if out.shape[1] != out.shape[2]:
        raise ValueError(f"{name} has shape {out.shape}; it must be (D, P, P)")
    gap = np.abs(out - out.transpose(0, 2, 1)).max()
    if gap > 1e-12 * np.abs(out).max():
        raise ValueError(f"{name} has slices that are not symmetric: the largest asymmetry is {gap:.3g}")
    out = np.ascontiguousarray((out + out.transpose(0, 2, 1)) / 2)
    out.flags.writeable = False
    return out


def _same_parameters(p: Any) -> None:
    if p.G.shape[1] != p.Q.shape[1]:
        raise ValueError(f"Q has shape {p.Q.shape}, but G has shape {p.G.shape}; both must have P columns")


@together(same_length("y", "G"), same_length("y", "Q"), _same_parameters)
@checked(y=array(None), G=array(None, None), Q=_symmetric_slices)
class QuadraticRegression(NamedTuple):
    """f(th) = |z|^2/2,  z_a = y_a + <G_a, th> + th' Q_a th/2 (a < D, th in R^P); no factor 1/D.

    J = G + Q th (its rows: `jacobians`), gradient J' z, Hessian J' J + sum_a z_a Q_a.  At z = 0 the non-zero spectrum
    of the Hessian is that of the kernel J J'.  D = 1, G = 0, Q = [[0, 1], [1, 0]], y = -1 is (u v - 1)^2/2.
    Its D samples are f_a = D z_a^2/2, of mean f.
    """

    y: np.ndarray
    G: np.ndarray
    Q: np.ndarray


def random_regression(
    rng: np.random.Generator, outputs: int, parameters: int, q: float, j: float = 1.0, z: float = 1.0
):
    """Gaussian quadratic regression at th = 0, drawn in the order A, G, y.

    Q_a = (A + A')/sqrt(2) * q/sqrt(P), A standard normal (off-diagonal variance V = q^2/P, diagonal 2V); G has entries
    of deviation j/sqrt(P), y of deviation z.
    """
    A = rng.standard_normal((outputs, parameters, parameters))
    G = rng.standard_normal((outputs, parameters)) * (j / np.sqrt(parameters))
    y = rng.standard_normal(outputs) * z
    return QuadraticRegression(y, G, (A + A.transpose(0, 2, 1)) / np.sqrt(2) * (q / np.sqrt(parameters)))


def mean_square_regression(y: Any, G: Any, Q: Any) -> QuadraticRegression:
    """f(th) = (1/2D) sum_a r_a^2, r_a = y_a + <G_a, th> + th' Q_a th/2; samples f_a = r_a^2/2.  Its z is r/sqrt(D)."""
    share = 1 / np.sqrt(len(y))
    return QuadraticRegression(np.multiply(share, y), np.multiply(share, G), np.multiply(share, Q))


def residuals(p: QuadraticRegression, X: Any) -> np.ndarray:
    """z at every point, [..., D]."""
    X = np.asarray(X, dtype=np.float64)
    return p.y + 0.5 * ((jacobians(p, X) + p.G) @ X[..., None])[..., 0]


def jacobians(p: QuadraticRegression, X: Any) -> np.ndarray:
    """J at every point, [..., D, P]."""
    return p.G + np.tensordot(np.asarray(X, dtype=np.float64), p.Q, axes=(-1, 2))


@constants.register(QuadraticRegression)
def _constants(p):
    return Constants(how="none known (quartic: gradient not Lipschitz; whether z = 0 is reached depends on the data)")


@dim.register(QuadraticRegression)
def _dim(p):
    return p.G.shape[1]


@scratch.register(QuadraticRegression)
def _scratch(p):
    return 2 * p.G.shape[1]


@loss.register(QuadraticRegression)
def _loss(p, x, work):
    bend, total = work[: x.shape[0]], 0.0
    for a in range(p.y.shape[0]):
        symmetric_product(p.Q[a], x, bend)
        z = p.y[a] + dot(p.G[a], x) + 0.5 * dot(x, bend)
        total += z * z
    return 0.5 * total


@grad.register(QuadraticRegression)
def _grad(p, x, out, work):
    bend = work[: x.shape[0]]
    fill(out, 0.0)
    for a in range(p.y.shape[0]):
        symmetric_product(p.Q[a], x, bend)
        z = p.y[a] + dot(p.G[a], x) + 0.5 * dot(x, bend)
        axpy(z, p.G[a], out)
        axpy(z, bend, out)


@hess.register(QuadraticRegression)
def _hess(p, x, out, work):
    d = x.shape[0]
    row = work[:d]
    for i in range(d):
        fill(out[i], 0.0)
    for a in range(p.y.shape[0]):
        symmetric_product(p.Q[a], x, row)
        z = p.y[a] + dot(p.G[a], x) + 0.5 * dot(x, row)
        axpy(1.0, p.G[a], row)
        for i in range(d):
            for j in range(d):
                out[i, j] += row[i] * row[j] + z * p.Q[a, i, j]


@hvp.register(QuadraticRegression)
def _hvp(p, x, v, out, work):
    d = x.shape[0]
    row, turned = work[:d], work[d : 2 * d]
    fill(out, 0.0)
    for a in range(p.y.shape[0]):
        symmetric_product(p.Q[a], x, row)
        symmetric_product(p.Q[a], v, turned)
        z = p.y[a] + dot(p.G[a], x) + 0.5 * dot(x, row)
        axpy(1.0, p.G[a], row)
        axpy(dot(row, v), row, out)
        axpy(z, turned, out)


@hessian_lipschitz.register(QuadraticRegression)
def _hessian_lipschitz(p, x, radius):
    """D^3 f[v, v, v] = 3 sum_a <J_a, v> v' Q_a v; the largest |J_a| on the ball is at most |J_a(x)| + |Q_a| radius."""
    bend = np.abs(np.linalg.eigvalsh(p.Q)).max(axis=1)
    return float(3 * bend @ (np.linalg.norm(jacobians(p, x), axis=1) + bend * radius))


@samples.register(QuadraticRegression)
def _samples(p):
    return p.y.shape[0]


@kernel
def _residual(p, a, x, row):
    """z_a, and row = J_a."""
    symmetric_product(p.Q[a], x, row)
    z = p.y[a] + dot(p.G[a], x) + 0.5 * dot(x, row)
    axpy(1.0, p.G[a], row)
    return z


@sample_loss.register(QuadraticRegression)
def _sample_loss(p, i, x, work):
    z = _residual(p, i, x, work[: x.shape[0]])
    return 0.5 * p.y.shape[0] * z * z


@sample_grad.register(QuadraticRegression)
def _sample_grad(p, i, x, out, work):
    row = work[: x.shape[0]]
    pull = p.y.shape[0] * _residual(p, i, x, row)
    fill(out, 0.0)
    axpy(pull, row, out)


@sample_hvp.register(QuadraticRegression)
def _sample_hvp(p, i, x, v, out, work):
    D, row = p.y.shape[0], work[: x.shape[0]]
    z = _residual(p, i, x, row)
    symmetric_product(p.Q[i], v, out)
    for j in range(x.shape[0]):
        out[j] = D * (z * out[j])
    axpy(D * dot(row, v), row, out)


@third.register(QuadraticRegression)
def _third(p, x, v, out, work):
    """v' H v = sum_a [<J_a, v>^2 + z_a v' Q_a v]."""
    d = x.shape[0]
    row, turned = work[:d], work[d : 2 * d]
    fill(out, 0.0)
    for a in range(p.y.shape[0]):
        _residual(p, a, x, row)
        symmetric_product(p.Q[a], v, turned)
        axpy(2.0 * dot(row, v), turned, out)
        axpy(dot(turned, v), row, out)
