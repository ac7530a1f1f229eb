"""Quadratics f(x) = 1/2 (x - c)' H (x - c), of any spectrum, diagonal or rotated."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import Constants, constants, dim, grad, hess, hessian_lipschitz, hvp, loss, scratch
from samtheory.validate import array, checked, same_length, symmetric, together
from samtheory.vectors import copy, dot, symmetric_product


@together(same_length("lam", "centre"))
@checked(lam=array(None), centre=array(None))
class Diagonal(NamedTuple):
    """f(x) = 1/2 sum_i lam_i (x_i - centre_i)^2; the eigenvectors are the axes."""

    lam: np.ndarray
    centre: np.ndarray


@together(same_length("matrix", "centre"))
@checked(matrix=symmetric, centre=array(None))
class Quadratic(NamedTuple):
    """f(x) = 1/2 (x - centre)' matrix (x - centre), matrix symmetric, also indefinite."""

    matrix: np.ndarray
    centre: np.ndarray


def quadratic(spectrum, centre=None, rotation: np.random.Generator | None = None) -> Diagonal | Quadratic:
    """A quadratic with these eigenvalues about `centre` (default 0), rotated at random if a generator is given."""
    lam = array(None)("spectrum", spectrum)
    centre = np.zeros(lam.size) if centre is None else array(lam.size)("centre", centre)
    if rotation is None:
        return Diagonal(lam, centre)
    if not isinstance(rotation, np.random.Generator):
        raise ValueError(f"rotation = {rotation!r} is not allowed; it must be None or a numpy.random.Generator")
    basis = orthogonal(rotation, lam.size)
    matrix = (basis * lam) @ basis.T
    return Quadratic((matrix + matrix.T) / 2, centre)


def orthogonal(rng: np.random.Generator, d: int) -> np.ndarray:
    """A Haar-random orthogonal matrix."""
    q, r = np.linalg.qr(rng.standard_normal((d, d)))
    return q * np.sign(np.diag(r))


def _from_spectrum(lam: np.ndarray, centre: np.ndarray) -> Constants:
    """L = max |lam|; mu and f_star exist where lam >= 0; the PL constant is the smallest non-zero eigenvalue."""
    low, big = float(lam.min()), float(np.abs(lam).max())
    if low < 0:
        return Constants(L=big, how="spectrum (indefinite: unbounded below)")
    # eigenvalues this small are zero to the accuracy of the eigenvalue routine
    nonzero = lam[lam > lam.size * np.finfo(float).eps * big]
    pl = float(nonzero.min()) if nonzero.size else None
    mu = low if nonzero.size == lam.size else None
    return Constants(L=big, mu=mu, pl=pl, f_star=0.0, minimiser=centre, how="spectrum")


@constants.register(Diagonal)
def _diagonal_constants(p):
    return _from_spectrum(p.lam, p.centre)


@constants.register(Quadratic)
def _quadratic_constants(p):
    return _from_spectrum(np.linalg.eigvalsh(p.matrix), p.centre)


@dim.register(Diagonal)
@dim.register(Quadratic)
def _dim(p):
    return p.centre.size


@scratch.register(Quadratic)
def _scratch(p):
    return 2 * p.centre.size


@hessian_lipschitz.register(Diagonal)
@hessian_lipschitz.register(Quadratic)
def _constant_hessian(p, x, radius):
    return 0.0


@loss.register(Diagonal)
def _diagonal_loss(p, x, work):
    total = 0.0
    for i in range(x.shape[0]):
        away = x[i] - p.centre[i]
        total += p.lam[i] * away * away
    return 0.5 * total


@grad.register(Diagonal)
def _diagonal_grad(p, x, out, work):
    for i in range(x.shape[0]):
        out[i] = p.lam[i] * (x[i] - p.centre[i])


@hess.register(Diagonal)
def _diagonal_hess(p, x, out, work):
    for i in range(x.shape[0]):
        for j in range(x.shape[0]):
            out[i, j] = p.lam[i] if i == j else 0.0


@hvp.register(Diagonal)
def _diagonal_hvp(p, x, v, out, work):
    for i in range(x.shape[0]):
        out[i] = p.lam[i] * v[i]


@loss.register(Quadratic)
def _quadratic_loss(p, x, work):
    d = x.shape[0]
    _away(p, x, work[:d])
    symmetric_product(p.matrix, work[:d], work[d : 2 * d])
    return 0.5 * dot(work[:d], work[d : 2 * d])


@grad.register(Quadratic)
def _quadratic_grad(p, x, out, work):
    _away(p, x, work[: x.shape[0]])
    symmetric_product(p.matrix, work[: x.shape[0]], out)


@hess.register(Quadratic)
def _quadratic_hess(p, x, out, work):
    for i in range(x.shape[0]):
        copy(p.matrix[i], out[i])


@hvp.register(Quadratic)
def _quadratic_hvp(p, x, v, out, work):
    symmetric_product(p.matrix, v, out)


@kernel
def _away(p, x, out):
    for i in range(x.shape[0]):
        out[i] = x[i] - p.centre[i]
