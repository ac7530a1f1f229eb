"""Exact worst cases of USAM, x+ = x - eta g(x + rho g(x)): quadratics, convex classes, one step on smooth functions.

Convention: mu <= curvature <= L; h(lam) = lam (1 + rho lam), so that on a quadratic the eigen-coordinate of lam is
multiplied by 1 - eta h(lam) a step.
"""

from __future__ import annotations

import numpy as np

from samtheory.theory.ranges import within


def push_curvature(lam, rho):
    """h(lam) = lam (1 + rho lam), of any sign of lam; decreasing below lam = -1/(2 rho)."""
    lam, rho = np.asarray(lam, dtype=float), within("rho", rho, "[0, inf)")
    return lam * (1 + rho * lam)


def usam_quadratic_factor(mu, L, eta, rho):
    """max(|1 - eta h(mu)|, |1 - eta h(L)|): worst factor a step over quadratics with spectrum in [mu, L].

    Exact (h increases on [0, inf)). Source: derived.
    """
    mu, L = _class(mu, L)
    eta = within("eta", eta, "(0, inf)")
    ends = (abs(1 - eta * push_curvature(mu, rho)), abs(1 - eta * push_curvature(L, rho)))
    return np.maximum(*ends)


def usam_optimal_step(mu, L, rho):
    """eta = 2/(h(mu) + h(L)), which minimises `usam_quadratic_factor`. Source: derived."""
    mu, L = _class(mu, L)
    return 2 / (push_curvature(mu, rho) + push_curvature(L, rho))


def usam_optimal_factor(mu, L, rho):
    """(h(L) - h(mu))/(h(L) + h(mu)), the factor at the optimal step; it increases with rho. Source: derived."""
    mu, L = _class(mu, L)
    low, high = push_curvature(mu, rho), push_curvature(L, rho)
    return (high - low) / (high + low)


def usam_optimal_radius(mu, L, eta):
    """rho = (2/eta - mu - L)/(mu^2 + L^2), which minimises the factor at a fixed eta < 2/(mu + L). Source: derived."""
    mu, L = _class(mu, L)
    spare = within("2/eta - mu - L", 2 / within("eta", eta, "(0, inf)") - mu - L, "[0, inf)")
    return spare / (mu**2 + L**2)


def usam_strongly_convex_gap(mu, L, eta, rho, steps, gap0=1.0):
    """Worst f(x_N) - f* over mu-strongly convex L-smooth functions: `usam_quadratic_factor`^(2N) (f(x_0) - f*).

    Quadratics are extremal. Source: semidefinite programmes on random parameters; no closed proof.
    """
    return usam_quadratic_factor(mu, L, eta, rho) ** (2 * _steps(steps)) * within("gap0", gap0, "[0, inf)")


def usam_convex_gap(L, eta, rho, steps, distance=1.0):
    """Worst f(x_N) - f* over convex L-smooth functions, |x_0 - x*| <= distance:

    (L distance^2/2) max(1/(1 + 2 N eta L), (1 - eta h(L))^(2N)).  While the first term is the larger, rho does not
    matter: the extremal function is a half-line of constant slope. Source: semidefinite programmes; no closed proof.
    """
    L, eta = within("L", L, "(0, inf)"), within("eta", eta, "(0, inf)")
    N = _steps(steps)
    slow, wild = 1 / (1 + 2 * N * eta * L), (1 - eta * push_curvature(L, rho)) ** (2 * N)
    return L * within("distance", distance, "[0, inf)") ** 2 / 2 * np.maximum(slow, wild)


def usam_descent(L, eta, rho):
    """c with f(x+) <= f(x) - c |g|^2 for every L-smooth f: c = eta (1 - L rho)(1 - L eta (1 - L rho)/2).

    True and attained for L rho < 1, eta <= 1/L; evaluated for other values too (a control needs that). Source: derived.
    """
    L, eta, rho = within("L", L, "(0, inf)"), within("eta", eta, "(0, inf)"), within("rho", rho, "[0, inf)")
    return eta * (1 - L * rho) * (1 - L * eta * (1 - L * rho) / 2)


def usam_relative_descent(L, eta, rho):
    """The same from |g(y) - g| <= L rho |g| alone: (eta/2)(1 - L^2 rho^2), for L rho < 1, eta <= 1/L.

    Never above `usam_descent`, equal at eta = 1/L. Source: derived (inexact gradients: Khanh et al. 2024).
    """
    L, eta, rho = within("L", L, "(0, inf)"), within("eta", eta, "(0, inf)"), within("rho", rho, "[0, inf)")
    return eta / 2 * (1 - L**2 * rho**2)


def usam_least_gradient(L, eta, rho, steps, drop=1.0):
    """min_{k < N} |g(x_k)|^2 <= drop/(N c), drop = f(x_0) - f(x_N), c of `usam_descent`. Exact for N = 1.

    Source: derived.
    """
    return within("drop", drop, "[0, inf)") / (_steps(steps) * usam_descent(L, eta, rho))


def _class(mu, L):
    mu, L = within("mu", mu, "[0, inf)"), within("L", L, "(0, inf)")
    within("mu / L", mu / L, "[0, 1]")
    return mu, L


def _steps(steps):
    return within("steps", steps, "[0, inf)")
