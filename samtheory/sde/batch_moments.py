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

from samtheory.evaluate import dense_hessian, sample_gradients
from samtheory.problems.core import constants, dim, hessian_lipschitz
from samtheory.problems.quadratic_sum import QuadraticSum
from samtheory.samplings import every_batch, realisations
from samtheory.sde.moments import Law
from samtheory.sde.pushes import FullUSAM, NoPush, USAMPush
from samtheory.validate import array, called, count, positive


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


# ------------------------------------------------------------------------------------ the gap of USAM, any sampling


def expected_gaps(oracle: Any, x0: Any, eta: float, rho: float, times: Any) -> np.ndarray:
    """E f(x_t) - f* of USAM at increasing `times`, exactly, for any sampling of a finite sum of quadratics.

    The second moment of (x - x*, 1) obeys one linear map, whose powers are taken by squaring; no difference is taken.
    """
    terms, start, gap = _second_moments(oracle, x0)
    power, state, out, now = [_grown(terms, eta, rho)], start, [], 0
    for t in times:
        steps, level = count(0)("t - previous t", int(t) - now), 0
        while steps:
            if level == len(power):
                power.append(power[-1] @ power[-1])
            if steps & 1:
                state = power[level] @ state
            steps, level = steps >> 1, level + 1
        now = int(t)
        out.append(gap @ state)
    return np.array(out)


def scheduled_gaps(oracle: Any, x0: Any, etas: Any, rhos: Any) -> np.ndarray:
    """E f(x_t) - f* of USAM with steps etas[t] and radii rhos[t] at t = 0 .. len(etas), exactly, as `expected_gaps`."""
    terms, state, gap = _second_moments(oracle, x0)
    stacked, out = np.concatenate(terms), [gap @ state]
    for eta, rho in zip(array(None)("etas", etas).tolist(), array(len(etas))("rhos", rhos).tolist()):
        parts = (stacked @ state).reshape(len(terms), -1)
        state = state + np.array([-eta, -eta * rho, eta**2, eta**2 * rho, (eta * rho) ** 2]) @ parts
        out.append(gap @ state)
    return np.array(out)


def _second_moments(oracle: Any, x0: Any) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """The five terms of E[M (x) M] - 1, M = 1 - eta (G + rho F); vec y y' at x0; the functional S -> tr(H S)/2."""
    problem = oracle.problem
    d, known = dim(problem), constants(problem)
    if hessian_lipschitz(problem, np.zeros(d), 1.0) != 0:
        raise TypeError(f"problem = {called(problem)} is no sum of quadratics: its moments obey no linear map")
    every = realisations(oracle)
    at = sample_gradients(problem, known.minimiser + np.vstack([np.eye(d), np.zeros(d)]))  # [d + 1, n, d], affine in x
    at[:d] -= at[d]
    gradient = np.zeros((len(every.weights), d + 1, d + 1))
    gradient[:, :d, :] = np.einsum("bi,jik->bkj", every.weights, at)
    ascent = gradient @ gradient
    one = np.eye(d + 1)[None]
    single = [_pairs(every.probability, u, one) + _pairs(every.probability, one, u) for u in (gradient, ascent)]
    mixed = _pairs(every.probability, gradient, ascent) + _pairs(every.probability, ascent, gradient)
    square = [_pairs(every.probability, u, u) for u in (gradient, ascent)]
    y = np.append(array(d)("x0", x0) - known.minimiser, 1.0)
    gap = np.zeros((d + 1, d + 1))
    gap[:d, :d] = dense_hessian(problem, known.minimiser) / 2
    return [*single, square[0], mixed, square[1]], np.outer(y, y).ravel(), gap.ravel()


def _grown(terms: list[np.ndarray], eta: float, rho: float) -> np.ndarray:
    factors = (-eta, -eta * rho, eta**2, eta**2 * rho, (eta * rho) ** 2)
    return np.eye(len(terms[0])) + sum(f * term for f, term in zip(factors, terms))


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
