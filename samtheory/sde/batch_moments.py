"""Exact first and second moments on finite sums of quadratics: multiplicative noise, every push that is linear.

With y = (x, 1), the direction of batch b is u_b(x) = U_b y, U_b = G_b + rho F_b: G_b y its gradient, F_b y = H_b p_b
its curvature times the push (p_b = g_b for USAM, g for n-USAM, 0 for SGD).  For the mean m and covariance C of y,

    discrete   m+ = M m,  C+ = E[M_b C M_b'] + Cov_b(M_b m),   M_b = I - eta U_b
    diffusion  m' = -U m, C' = -(U C + C U') + eta shrink N[m m' + C],   N[S] = E[U_b S U_b'] - U S U'

so m m' and C obey one linear system, solved by a matrix power or a matrix exponential, and no covariance is ever a
difference of large numbers.  Derived; the equation is the finite-sum USAM equation of Monzio Compagnoni et al. 2023
(memory), m-USAM and n-USAM are those of Luo et al. 2025 (second-hand).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.problems.quadratic_sum import QuadraticSum
from samtheory.samplings import every_batch
from samtheory.sde.moments import Law
from samtheory.sde.pushes import FullUSAM, NoPush, USAMPush
from samtheory.validate import count, positive


class Batches(NamedTuple):
    """Affine maps of all batches: weights [M], gradients G and curvature-times-push F, both [M, d + 1, d + 1]."""

    weights: np.ndarray
    gradient: np.ndarray
    ascent: np.ndarray

    def direction(self, rho: float) -> np.ndarray:
        """U_b = G_b + rho F_b."""
        return self.gradient + rho * self.ascent

    def mean(self, maps: np.ndarray) -> np.ndarray:
        """Expectation over the batches."""
        return np.einsum("b,bij->ij", self.weights, maps)


def batches(problem: QuadraticSum, kind: Any, size: int = 1, replace: bool = True) -> Batches:
    """All batches of `size` samples with push `kind`: NoPush(), USAMPush() or FullUSAM()."""
    index, weights = every_batch(len(problem.centre), size, replace)
    d = problem.centre.shape[1]
    curvature = problem.curvature[index].mean(axis=1)
    pull = np.einsum("nij,nj->ni", problem.curvature, problem.centre)[index].mean(axis=1)
    gradient = np.zeros((len(index), d + 1, d + 1))
    gradient[:, :d, :d], gradient[:, :d, d] = curvature, -pull
    pushes = {
        NoPush: lambda: np.zeros_like(gradient),
        USAMPush: lambda: gradient,
        FullUSAM: lambda: np.einsum("b,bij->ij", weights, gradient)[None],
    }
    if type(kind) not in pushes:
        raise ValueError(f"kind = {type(kind).__name__} is not linear; it must be one of NoPush, USAMPush, FullUSAM")
    ascent = np.zeros_like(gradient)
    ascent[:, :d, :] = curvature @ pushes[type(kind)]()[:, :d, :]
    return Batches(weights, gradient, ascent)


def batch_discrete_law(maps: Batches, rho: float, eta: float, x0, steps: int) -> Law:
    """Law of x_k (its first two moments) of x+ = x - eta u_b(x)."""
    eta, k = positive("eta", eta), count(0)("steps", steps)
    u = maps.direction(rho)
    mean = np.eye(u.shape[1]) - eta * maps.mean(u)
    alone, noise = np.kron(mean, mean), eta * _covariance(maps, u, u)
    grown = np.linalg.matrix_power(_block(alone, alone + eta * noise, noise), k)
    return _split(eta * grown, np.linalg.matrix_power(mean, k), x0)


def batch_diffusion_law(
    maps: Batches, rho: float, eta: float, x0, t: float, *, diffusion: str = "full", shrink: float = 1.0
) -> Law:
    """Law of X_t of dX = -E u_b dt + sqrt(eta shrink) Cov^{1/2} dW.

    diffusion  "full"       Cov of u_b
               "truncated"  Cov g_b + rho (Cov(g_b, H_b p_b) + its transpose)
               "plain"      Cov g_b
               "none"       0
    """
    from scipy.linalg import expm

    rows = {
        "full": lambda: _covariance(maps, maps.direction(rho), maps.direction(rho)),
        "truncated": lambda: (
            _covariance(maps, maps.gradient, maps.gradient)
            + rho * _covariance(maps, maps.gradient, maps.ascent)
            + rho * _covariance(maps, maps.ascent, maps.gradient)
        ),
        "plain": lambda: _covariance(maps, maps.gradient, maps.gradient),
        "none": lambda: 0.0,
    }
    if diffusion not in rows:
        raise ValueError(f"diffusion = {diffusion!r} is not one of {', '.join(rows)}")
    drift = -maps.mean(maps.direction(rho))
    one = np.eye(len(drift))
    alone = np.kron(drift, one) + np.kron(one, drift)
    noise = shrink * rows[diffusion]() + np.zeros_like(alone)
    return _split(eta * expm(t * _block(alone, alone + eta * noise, noise)), expm(t * drift), x0)


def batch_stationary_mean(maps: Batches, rho: float) -> np.ndarray:
    """The x with E u_b(x) = 0: stationary mean of the algorithm and of its equation."""
    mean = maps.mean(maps.direction(rho))[:-1]
    return np.linalg.solve(mean[:, :-1], -mean[:, -1])


def _pairs(weights: np.ndarray, one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """The map S -> E[one_b S two_b'] on row-major vectors."""
    size = one.shape[1]
    return np.einsum("b,bij,bkl->ikjl", weights, one, two).reshape(size * size, size * size)


def _covariance(maps: Batches, one: np.ndarray, two: np.ndarray) -> np.ndarray:
    """The map S -> E[one_b S two_b'] - E[one_b] S E[two_b]', computed from the centred maps."""
    return _pairs(maps.weights, one - maps.mean(one), two - maps.mean(two))


def _block(alone: np.ndarray, both: np.ndarray, feed: np.ndarray) -> np.ndarray:
    """Generator of the pair (m m', C/eta): the covariance is fed by the square of the mean."""
    return np.block([[alone, np.zeros_like(alone)], [feed, both]])


def _split(grown: np.ndarray, mean_map: np.ndarray, x0) -> Law:
    size = len(mean_map)
    y = np.append(np.asarray(x0, dtype=float), 1.0)
    if y.size != size:
        raise ValueError(f"x0 has {y.size - 1} entries; the problem has dimension {size - 1}")
    cov = (grown[size * size :, : size * size] @ np.outer(y, y).ravel()).reshape(size, size)[:-1, :-1]
    return Law((mean_map @ y)[:-1], (cov + cov.T) / 2)
