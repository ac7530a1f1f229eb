"""Ridgeless kernel regression, in features and in coefficients: f = 1/2 |Phi w - y|^2 with no 1/n, K = Phi Phi'.

In features it is a least-squares problem (`ridgeless`).  In coefficients, w = Phi' alpha, gradient steps on f read
alpha <- alpha - eta (K alpha - y) and those of USAM alpha <- alpha - eta (I + rho K)(K alpha - y).  They are the very
same rules on the *energy* 1/2 alpha' K alpha - y' alpha (`Energy`), whose Euclidean gradient K alpha - y is the
gradient of f in the geometry of the kernel; not on 1/2 |K alpha - y|^2, whose Hessian is K^2.
Source: Behdin, Mazumder 2023 (the setting), derived.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss, scratch
from samtheory.problems.finite_sum import LeastSquares
from samtheory.problems.quadratic import orthogonal
from samtheory.validate import array, checked, count, positive, same_length, symmetric, together
from samtheory.vectors import copy, dot, symmetric_product


def ridgeless(features, y) -> LeastSquares:
    """1/2 |Phi w - y|^2, features Phi [n, p], targets y [n]; its samples are f_i = (n/2) (<phi_i, w> - y_i)^2.

    `LeastSquares` has the mean over the n rows, so rows and targets go in multiplied by sqrt(n).
    """
    features = array(None, None)("features", features)
    root = np.sqrt(features.shape[0])
    return LeastSquares(root * features, root * array(features.shape[0])("y", y))


class Features(NamedTuple):
    """matrix = sum_i sqrt(lam_i) u_i v_i' [n, p]; lam [min(n, p)]; U [n, n], V [p, p] by columns."""

    matrix: np.ndarray
    lam: np.ndarray
    U: np.ndarray
    V: np.ndarray

    def padded(self, size: int) -> np.ndarray:
        """lam and zeros, `size` in all: the eigenvalues of Phi Phi' (n of them) or of Phi'Phi (p)."""
        return np.append(self.lam, np.zeros(size - self.lam.size))


def random_features(rng: np.random.Generator, n: int, p: int, top: float, low: float) -> Features:
    """Features of full rank whose lam are top, low * top and, if there are more, uniform between these."""
    top, low, rank = positive("top", top), positive("low", low), min(count(1)("n", n), count(1)("p", p))
    lam = top * np.array([1, low, *rng.uniform(low, 1, max(0, rank - 2))])[:rank]
    U, V = orthogonal(rng, n), orthogonal(rng, p)
    return Features((U[:, :rank] * np.sqrt(lam)) @ V[:, :rank].T, lam, U, V)


def gaussian_kernel(x, width) -> np.ndarray:
    """K_ij = exp(-|x_i - x_j|^2/(2 width^2)), [n, n], for points x [n] or [n, d]."""
    x = np.asarray(x, dtype=np.float64)
    points = array(None, None)("x", x[:, None] if x.ndim == 1 else x)
    away = points[:, None, :] - points[None, :, :]
    return np.exp(-(away**2).sum(axis=2) / (2 * positive("width", width) ** 2))


@together(same_length("matrix", "pull"))
@checked(matrix=symmetric, pull=array(None))
class Energy(NamedTuple):
    """f(x) = 1/2 x' matrix x - pull' x, matrix symmetric, also singular or indefinite; grad f = matrix x - pull."""

    matrix: np.ndarray
    pull: np.ndarray


@constants.register(Energy)
def _constants(p):
    """Bounded below iff no eigenvalue is negative and `pull` has no part in the kernel of the matrix."""
    lam, basis = np.linalg.eigh(p.matrix)
    big = float(np.abs(lam).max())
    tiny = lam.size * np.finfo(float).eps * big  # eigenvalues this small are zero to the accuracy of the routine
    if lam[0] < -tiny:
        return Constants(L=big, how="spectrum (indefinite: unbounded below)")
    if lam[0] <= tiny:
        return Constants(L=big, how="spectrum (singular)")
    x = basis @ (basis.T @ p.pull / lam)
    return Constants(L=big, mu=float(lam[0]), pl=float(lam[0]), f_star=float(-0.5 * p.pull @ x), minimiser=x,
                     how="spectrum")  # fmt: skip


@dim.register(Energy)
def _dim(p):
    return p.pull.size


@scratch.register(Energy)
def _scratch(p):
    return p.pull.size


@loss.register(Energy)
def _loss(p, x, work):
    symmetric_product(p.matrix, x, work[: x.shape[0]])
    return 0.5 * dot(x, work[: x.shape[0]]) - dot(p.pull, x)


@grad.register(Energy)
def _grad(p, x, out, work):
    symmetric_product(p.matrix, x, out)
    for i in range(x.shape[0]):
        out[i] -= p.pull[i]


@hess.register(Energy)
def _hess(p, x, out, work):
    for i in range(x.shape[0]):
        copy(p.matrix[i], out[i])


@hvp.register(Energy)
def _hvp(p, x, v, out, work):
    symmetric_product(p.matrix, v, out)
