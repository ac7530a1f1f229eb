"""Expectations of periodic functions without sampling: backward operators on trigonometric polynomials, one dimension.

If the step of an algorithm and the coefficients of an equation are 2 pi periodic (problems.washboard), then
u_k(x) = E[phi(x_k) | x_0 = x] and u(t, x) = E[phi(X_t) | X_0 = x] are periodic and obey

    u_{k+1}(x) = E u_k(x + move)                   `transfer`, `repeated`: a matrix, its power is k steps
    du/dt = b u' + (c/2) u''                       `generator`, `semigroup`: a matrix, its exponential is time t

on the values at n equispaced points, spectrally accurate in n for analytic data, for all starts x at once.  Weak
errors of nonlinear equations are then known to round-off, as exact moments are on quadratics.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samtheory.validate import count


def points(n: int) -> np.ndarray:
    """n equispaced points on the circle, n odd."""
    if count(3)("n", n) % 2 == 0:
        raise ValueError(f"n = {n} must be odd")
    return 2 * np.pi * np.arange(n) / n


def derivative(n: int) -> np.ndarray:
    """Matrix of d/dx on the values at `points(n)`."""
    apart = np.subtract.outer(np.arange(n), np.arange(n))
    np.fill_diagonal(apart, 1)
    matrix = (-1.0) ** apart / (2 * np.sin(np.pi * apart / n))
    np.fill_diagonal(matrix, 0.0)
    return matrix


def transfer(moves: Any, weights: Any) -> np.ndarray:
    """Matrix of u -> E u(x + move) - u(x): `moves` [n, outcomes] from each point, with probabilities [(n,) outcomes].

    The identity is left out because many small steps follow: every entry is relatively accurate in the moves.
    """
    moves = np.asarray(moves, dtype=float)
    n = moves.shape[0]
    apart = np.subtract.outer(np.arange(n), np.arange(n))[:, None, :]
    same = apart == 0
    # the polynomial that is 1 at point j and 0 at the others, at point i plus move
    below = n * np.sin(np.pi * apart / n + moves[..., None] / 2)
    share = np.where(same, 0.0, (-1.0) ** apart * np.sin(n * moves / 2)[..., None] / np.where(same, 1.0, below))
    matrix = np.einsum("ij,ijk->ik", np.broadcast_to(weights, moves.shape), share)
    return matrix - np.diag(matrix.sum(axis=1))  # constants stay what they are


def repeated(matrix: np.ndarray, steps: int) -> np.ndarray:
    """(I + matrix)^steps - I by squaring, without ever adding the identity."""
    total, square = np.zeros_like(matrix), matrix
    while steps:
        if steps & 1:
            total = total + square + total @ square
        square = 2 * square + square @ square
        steps >>= 1
    return total


def generator(drift: Any, covariance: Any) -> np.ndarray:
    """Matrix of u -> b u' + (c/2) u'' from the values of b and c at the points."""
    d = derivative(np.size(drift))
    return np.ravel(drift)[:, None] * d + np.ravel(covariance)[:, None] / 2 * (d @ d)


def gaussian_nodes(outcomes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of E h(z), z ~ N(0, 1), exact for polynomials of degree below 2 outcomes."""
    z, weights = np.polynomial.hermite_e.hermegauss(outcomes)
    return z, weights / weights.sum()


def split_gaussian_nodes(cut: Any, outcomes: int = 40, reach: float = 7.5) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights [..., 2 outcomes] of E h(z) for h smooth on either side of `cut` [...] (nodes keep off it).

    Gauss's formula on [-reach, cut] and [cut, reach]; the law is cut off at `reach` and renormalised.
    """
    t, w = np.polynomial.legendre.leggauss(outcomes)
    cut = np.clip(np.asarray(cut, dtype=float), -reach, reach)[..., None]
    low, high = (cut + reach) / 2, (reach - cut) / 2
    z = np.concatenate([-reach + low * (1 + t), cut + high * (1 + t)], axis=-1)
    weights = np.concatenate([low * w, high * w], axis=-1) * np.exp(-z * z / 2)
    return z, weights / weights.sum(axis=-1, keepdims=True)


def semigroup(model: Any, n: int, t: float, *, noise_of: Any = None) -> np.ndarray:
    """Matrix of phi -> E[phi(X_t) | X_0 = x] - phi(x) for a one-dimensional model with periodic coefficients.

    noise_of  another model whose diffusion replaces that of `model`
    """
    from scipy.linalg import expm

    from samtheory.sde.core import covariance_at, drift_at

    x = points(n)[:, None]
    other = model if noise_of is None else noise_of
    return expm(t * generator(drift_at(model, x), covariance_at(other, x))) - np.eye(n)


def moments(matrix: np.ndarray, phi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """E phi - phi(x) and Var phi, phi [n, functions], for a `matrix` that takes phi to the former."""
    change = matrix @ phi
    return change, matrix @ phi**2 - change * (2 * phi + change)
