"""Exact Gaussian laws on quadratics f(x) = x'H x/2 with additive noise: discrete algorithms and their equations.

Everything is linear: with a symmetric rate A and a noise covariance D (both a `Linear`),

    discrete   x+ = (I - eta A) x - eta xi,  Cov xi = D        `discrete_law`, `discrete_stationary`
    diffusion  dX = -A X dt + sqrt(eta) D^{1/2} dW             `diffusion_law`, `diffusion_stationary`

SGD is A = H, D = Sigma.  USAM is A = H (I + rho H), D = (I + rho H) Sigma (I + rho H), of any sign and for any
Sigma: USAM on a quadratic *is* SGD on x'H(I + rho H)x/2.  Works in the eigenbasis of A; entries with
a_i + a_j = 0 take their limits.  Sources: Monzio Compagnoni et al. 2023 for the USAM equation (memory); the
discrete laws, the stationary covariances and everything on existence are derived.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from samtheory.validate import checked, count, finite, positive, same_length, symmetric, together


@together(same_length("rate", "noise"))
@checked(rate=symmetric, noise=symmetric)
class Linear(NamedTuple):
    """Rate A and noise covariance D of a linear stochastic gradient method (D is not required to be PSD: algebra)."""

    rate: np.ndarray
    noise: np.ndarray


class Law(NamedTuple):
    """Mean [d] and covariance [d, d]."""

    mean: np.ndarray
    cov: np.ndarray


# ------------------------------------------------------------------------------------ models


def usam(H, Sigma, rho: float, *, diffusion: str = "full") -> Linear:
    """USAM with additive noise of covariance Sigma on x'H x/2; rho = 0 is SGD.

    diffusion  "full"       (I + rho H) Sigma (I + rho H): the algorithm itself
               "truncated"  Sigma + rho (Sigma H + H Sigma): cut at first order in rho, may be indefinite
               "plain"      Sigma: full-batch ascent (n-USAM), or the right drift with the noise of SGD
               "none"       0
    """
    H, Sigma = symmetric("H", H), symmetric("Sigma", Sigma)
    if H.shape != Sigma.shape:
        raise ValueError(f"Sigma has shape {Sigma.shape}; it must be that of H, {H.shape}")
    push = np.eye(len(H)) + finite("rho", rho) * H
    noise = {
        "full": lambda: push @ Sigma @ push,
        "truncated": lambda: Sigma + rho * (Sigma @ H + H @ Sigma),
        "plain": lambda: Sigma,
        "none": lambda: 0 * Sigma,
    }
    if diffusion not in noise:
        raise ValueError(f"diffusion = {diffusion!r} is not one of {', '.join(noise)}")
    return Linear(_even(H @ push), _even(noise[diffusion]()))


def sgd(H, Sigma) -> Linear:
    """SGD with additive noise of covariance Sigma on x'H x/2; as an equation, the first-order modified equation."""
    return usam(H, Sigma, 0.0)


def modified(linear: Linear, eta: float, *, noise: bool = False) -> Linear:
    """Second-order modified equation: drift -grad(f + eta/4 |grad f|^2), that is A + (eta/2) A^2.

    noise=True adds (eta/2)(A D + D A) to the noise covariance, which makes the covariance third-order accurate.
    Source: Li, Tai, E 2017 (memory) for noise=False; derived for noise=True.
    """
    A, D = linear
    more = eta / 2 * (A @ D + D @ A) if noise else 0 * D
    return Linear(_even(A + eta / 2 * A @ A), _even(D + more))


def hessian_aware(linear: Linear, eta: float, *, exists: bool = True) -> Linear:
    """The equation with exactly the discrete law at the times k eta: drift log(I - eta A)/eta.

    In the eigenbasis of A: alpha_i = -log(1 - eta a_i)/eta and the noise covariance (per eta) is
    D_ij (alpha_i + alpha_j)/(a_i + a_j - eta a_i a_j), D_ij where that is 0/0.
    Raises ValueError for eta max a >= 1, and, unless exists=False, where that covariance is not positive
    semidefinite: no such equation exists then (nearly rank-one noise with unequal a_i).
    Source: Li, Shen, Zhang, He 2024 (the idea: text; formulas and the existence condition: derived).
    """
    a, V, D = _basis(linear)
    if eta * a.max() >= 1:
        raise ValueError(f"eta * max(a) = {eta * a.max():g}; log(I - eta A) needs it below 1")
    alpha = -np.log1p(-eta * a) / eta
    total, combined = alpha[:, None] + alpha, a[:, None] + a - eta * np.outer(a, a)
    # combined = (1 - e^{-eta total})/eta without cancellation, so that the quotient tends to 1
    exact = -np.expm1(-eta * total) / eta
    scale = np.divide(total, exact, out=np.ones_like(total), where=combined != 0)
    noise = _even(V @ (D * scale) @ V.T)
    low = np.linalg.eigvalsh(noise)
    if exists and low[0] < -8 * a.size * np.finfo(float).eps * np.abs(low).max():
        raise ValueError(f"no such equation exists: its noise covariance has the eigenvalue {low[0]:g}")
    return Linear(_even((V * alpha) @ V.T), noise)


def linear_of(model) -> Linear:
    """Rate and noise read off the coefficients of a model with linear drift, zero at 0, and additive noise."""
    from samtheory.sde.core import covariance_at, drift_at

    one = np.eye(model.factor.shape[0])
    return Linear(_even(-drift_at(model, one)), _even(covariance_at(model, 0 * one[0]) / model.eta))


# ------------------------------------------------------------------------------------ laws


def discrete_law(linear: Linear, eta: float, x0, steps: int) -> Law:
    """Law of x_k: mean r_i^k x0_i, Cov_ij = eta D_ij (1 - (r_i r_j)^k)/(a_i + a_j - eta a_i a_j), r = 1 - eta a."""
    eta, k = positive("eta", eta), count(0)("steps", steps)
    a, V, D = _basis(linear)
    combined = a[:, None] + a - eta * np.outer(a, a)
    cov = eta * D * _geometric(combined, eta, k)
    return Law(V @ (_power(a, eta, k) * (V.T @ _start(x0, a))), _even(V @ cov @ V.T))


def diffusion_law(linear: Linear, eta: float, x0, t: float) -> Law:
    """Law of X_t: mean e^{-a_i t} x0_i, Cov_ij = eta D_ij (1 - e^{-(a_i + a_j) t})/(a_i + a_j)."""
    a, V, D = _basis(linear)
    total = a[:, None] + a
    grown = np.divide(-np.expm1(-total * t), total, out=np.full_like(total, float(t)), where=total != 0)
    return Law(V @ (np.exp(-a * t) * (V.T @ _start(x0, a))), _even(V @ (eta * D * grown) @ V.T))


def discrete_stationary(linear: Linear, eta: float) -> np.ndarray:
    """P = (I - eta A) P (I - eta A) + eta^2 D: entries eta D_ij/(a_i + a_j - eta a_i a_j).  Needs 0 < eta a_i < 2."""
    a, V, D = _basis(linear)
    if a.min() <= 0 or eta * a.max() >= 2:
        raise ValueError(f"no stationary law: eta a is in [{eta * a.min():g}, {eta * a.max():g}], not in (0, 2)")
    return _even(V @ (eta * D / (a[:, None] + a - eta * np.outer(a, a))) @ V.T)


def diffusion_stationary(linear: Linear, eta: float) -> np.ndarray:
    """A P + P A = eta D: entries eta D_ij/(a_i + a_j).  Needs a_i > 0."""
    a, V, D = _basis(linear)
    if a.min() <= 0:
        raise ValueError(f"no stationary law: the smallest rate is {a.min():g}")
    return _even(V @ (eta * D / (a[:, None] + a)) @ V.T)


def expected_loss(H, law: Law) -> float:
    """E x'H x/2 = (mean'H mean + tr H Cov)/2."""
    H = symmetric("H", H)
    return float(law.mean @ H @ law.mean + np.sum(H * law.cov)) / 2


def escape_time(H, Sigma, rho: float, eta: float, x0, level: float) -> float:
    """Time at which E f(X_t) of the USAM equation falls to `level` (< f(x0)); inf if it never does.

    With at most one positive curvature E f rises at most once before it falls, so this time is unique.
    Source: comparison with SGD recalled from Monzio Compagnoni et al. 2023; numbers derived.
    """
    from scipy.optimize import brentq

    H, model = symmetric("H", H), usam(H, Sigma, rho)

    def above(t):
        return expected_loss(H, diffusion_law(model, eta, x0, t)) - level

    if above(0.0) <= 0:
        raise ValueError(f"level = {level!r} is not below f(x0) = {above(0.0) + level!r}")
    slowest = np.abs(np.linalg.eigvalsh(model.rate))
    slowest = slowest[slowest > 0].min(initial=1.0)
    low, high = 0.0, 1 / slowest
    while above(high) > 0:
        if high * slowest > 350:  # every exponential has decayed, or grown beyond e^350
            return np.inf
        low, high = high, 2 * high
    return float(brentq(above, low, high, xtol=1e-14, rtol=8.9e-16))


def wasserstein(one: Law, two: Law) -> float:
    """W_2 of two Gaussian laws: W_2^2 = |m - m'|^2 + tr(P + P' - 2 (P^{1/2} P' P^{1/2})^{1/2})."""
    root = _root(one.cov)
    cross = np.trace(_root(_even(root @ two.cov @ root)))
    square = np.sum((one.mean - two.mean) ** 2) + np.trace(one.cov) + np.trace(two.cov) - 2 * cross
    return float(np.sqrt(max(0.0, square)))


# ------------------------------------------------------------------------------------ DNSAM in one dimension


def dnsam_density(x, lam: float, rho: float, eta: float, sigma: float) -> np.ndarray:
    """Stationary density of dX = -lam (X + rho sgn X) dt + sqrt(eta) sigma (1 + rho/|X|) dW, lam > 0, on the line.

    p ~ x^2 (|x| + rho)^{-2 - 2 k rho^2} exp(-k (x^2 - 2 rho |x|)), k = lam/(eta sigma^2): zero at the minimiser,
    modes at |x| = (rho/k)^{1/3} exactly.  Source: repulsion recalled from Monzio Compagnoni et al. 2023; derived.
    """
    from scipy.integrate import quad

    lam, rho, k = positive("lam", lam), positive("rho", rho), positive("lam", lam) / (eta * sigma**2)
    mode = (rho / k) ** (1 / 3)

    def log_weight(r):
        with np.errstate(divide="ignore"):
            return 2 * np.log(r) - (2 + 2 * k * rho**2) * np.log(r + rho) - k * r * (r - 2 * rho)

    top = log_weight(mode)
    far = mode + rho + 12 / np.sqrt(k)
    pieces = np.linspace(0, 1, 9)
    cuts = np.unique(np.concatenate([mode * pieces, mode + (far - mode) * pieces**2]))
    masses = [quad(lambda r: np.exp(log_weight(r) - top), low, high, epsrel=1e-13)[0] for low, high in pairwise(cuts)]
    return np.exp(log_weight(np.abs(np.asarray(x, dtype=float))) - top) / (2 * sum(masses))


# ------------------------------------------------------------------------------------ pieces


def _even(m: np.ndarray) -> np.ndarray:
    return (m + m.T) / 2


def _root(m: np.ndarray) -> np.ndarray:
    value, vector = np.linalg.eigh(m)
    return (vector * np.sqrt(np.maximum(value, 0))) @ vector.T


def _basis(linear: Linear) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors of A, and D in that basis."""
    a, V = np.linalg.eigh(linear.rate)
    return a, V, V.T @ linear.noise @ V


def _start(x0, a: np.ndarray) -> np.ndarray:
    x0 = np.asarray(x0, dtype=float)
    if x0.shape != a.shape:
        raise ValueError(f"x0 has shape {x0.shape}; it must be {a.shape}")
    return x0


def _power(a: np.ndarray, eta: float, k: int) -> np.ndarray:
    """(1 - eta a)^k, through the logarithm where it has one: 1 - eta a is rounded when eta is small."""
    r = 1 - eta * a
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(np.abs(eta * a) < 0.5, np.exp(k * np.log1p(-eta * a)), r**k)


def _geometric(combined: np.ndarray, eta: float, k: int) -> np.ndarray:
    """eta sum_{l<k} (1 - eta c)^l = (1 - (1 - eta c)^k)/c, and eta k where c = 0."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        lost = np.where(
            np.abs(eta * combined) < 0.5, -np.expm1(k * np.log1p(-eta * combined)), 1 - (1 - eta * combined) ** k
        )
        return np.where(combined == 0, eta * k, lost / np.where(combined == 0, 1, combined))
