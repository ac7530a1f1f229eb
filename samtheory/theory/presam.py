"""Bounds on the mean squared gradient of SAM with any perturbation of bounded length, with steps that decay.

Convention: every f_t is L-smooth, g_t = grad f_t is unbiased with variance at most sigma^2 (of the whole vector), and
x+ = x - eta g_t(x + eps) with |eps| <= reach rho: no alignment of eps with a gradient is used anywhere.
gap0 = f(x_0) - f*.
"""

from __future__ import annotations

import numpy as np

from samtheory.theory.ranges import within


def presam_gradient_bound(T, gap0, L, eta0, rho0, sigma, reach=1.0):
    """(1/T) sum_{t<T} E|g(x_t)|^2 <= this, for eta = eta0/sqrt T, rho = rho0/sqrt T and 3 L eta < 2:

    gap0/(c eta0 sqrt T) + [L reach^2 rho0^2/(2 eta0) + L eta0 sigma^2]/(c sqrt T) + L^3 eta0 reach^2 rho0^2/(c T^1.5),
    c = 1 - 3 L eta/2; `reach` bounds |P_t^{-1}|. Source: Zhang, Li, Giannakis 2025, Theorem 1 (conditions: memory;
    constants: derived).
    """
    T, gap0, L, eta0, rho0, sigma = _arguments(T, gap0, L, eta0, rho0, sigma)
    reach, root = within("reach", reach, "[0, inf)"), np.sqrt(T)
    c = 1 - within("3 L eta / 2", 1.5 * L * eta0 / root, "(0, 1)")
    push = (reach * rho0) ** 2
    return (gap0 / eta0 + L * push / (2 * eta0) + L * eta0 * sigma**2 + L**3 * eta0 * push / T) / (c * root)


def presam_perturbed_bound(T, gap0, L, eta0, rho0, sigma, reach=1.0):
    """(1/T) sum E|g(x_t + eps_t)|^2 <= 2 `presam_gradient_bound` + 2 L^2 reach^2 rho0^2/T. Source: derived."""
    shifted = (np.asarray(L) * reach * rho0) ** 2 / np.asarray(T, dtype=float)
    return 2 * presam_gradient_bound(T, gap0, L, eta0, rho0, sigma, reach) + 2 * shifted


def decaying_weighted_bound(T, gap0, L, eta0, rho0, sigma):
    """sum_{t=1..T} eta_t (1/2 - L eta_t) E|g(x_t)|^2 <= this, for eta_t = eta0/sqrt t, rho_t = rho0/sqrt t:

    gap0 + (eta0 L^2 rho0^2/2) sum t^-1.5 + L eta0^2 sigma^2 sum 1/t + L^3 eta0^2 rho0^2 sum t^-2.  Range
    4 L eta0 <= 1. Source: derived.
    """
    T, gap0, L, eta0, rho0, sigma = _arguments(T, gap0, L, eta0, rho0, sigma)
    within("4 L eta0", 4 * L * eta0, "(0, 1.000000000001]")
    t = np.arange(1, int(T) + 1)
    noise = L * eta0**2 * sigma**2 * (1 / t).sum()
    return gap0 + eta0 * (L * rho0) ** 2 / 2 * (t**-1.5).sum() + noise + L**3 * (eta0 * rho0) ** 2 * (1.0 / t**2).sum()


def decaying_gradient_bound(T, gap0, L, eta0, rho0, sigma, constant=4.0):
    """(1/T) sum_{t=1..T} E|g(x_t)|^2 <= (4/(eta0 sqrt T)) `decaying_weighted_bound`, of order log T/sqrt T.

    The logarithm comes from the noise alone. Source: order Mi et al. 2022 (abstract), constants derived.
    """
    return decaying_weighted_bound(T, gap0, L, eta0, rho0, sigma) * constant / (eta0 * np.sqrt(T))


def _arguments(T, gap0, L, eta0, rho0, sigma):
    T, L, eta0 = within("T", T, "[1, inf)"), within("L", L, "(0, inf)"), within("eta0", eta0, "(0, inf)")
    gap0, rho0, sigma = (within(n, v, "[0, inf)") for n, v in {"gap0": gap0, "rho0": rho0, "sigma": sigma}.items())
    return T, gap0, L, eta0, rho0, sigma
