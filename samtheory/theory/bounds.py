"""Bounds on the gap f(w_t) - f* of SAM and USAM, and on the length of USAM's path.

Convention: f is beta-smooth; alpha is the constant of strong convexity or of |g|^2 >= 2 alpha (f - f*) (PL), never
above beta; gap0 = f(w_0) - f*; h = eta beta. SAM's rho is a length, USAM's an inverse curvature. Each floor is the
fixed point of the one-step recursion behind its bound, so it bounds the limit superior of the gap.
"""

from __future__ import annotations

import numpy as np

from samtheory.theory.ranges import within


def sam_bound(t, alpha, beta, eta, rho, gap0):
    """SAM, strongly convex: gap_t <= (1 - alpha eta (2 - h))^t gap0 + eta beta^3 rho^2/(2 alpha (2 - h)).

    True for h <= 1, any rho >= 0; attained in the limit by 1-d quadratics at h = 1. FALSE for 1 < h < 2, where a 1-d
    quadratic ends at h/(2 - h) times the floor; evaluated there for that purpose. Source: Dai, Ahn, Sra 2023,
    Theorem 1 (memory, there for h < 2), derived for h <= 1.
    """
    floor = sam_floor(alpha, beta, eta, rho)
    return _power(1 - alpha * eta * (2 - eta * beta), t) * _gap(gap0) + floor


def sam_floor(alpha, beta, eta, rho):
    """The constant term of `sam_bound`: eta beta^3 rho^2/(2 alpha (2 - h)), for 0 < h < 2. Source: derived."""
    alpha, beta, eta, rho = _smooth(alpha, beta, eta, rho, "(0, 2)")
    return eta * beta**3 * rho**2 / (2 * alpha * (2 - eta * beta))


def sam_bound_large_step(t, alpha, beta, eta, rho, gap0):
    """SAM, PL: gap_t <= (1 - alpha eta (2 - h)/2)^t gap0 + the floor of `sam_floor_large_step`, for 0 < h < 2.

    Meant for 1 <= h < 2, where `sam_bound` fails. The proof uses no convexity, so alpha may be a PL constant, and
    holds for h < 1 too. The floor is h^2/(2 h^2 - 4 h + 4) from tight on 1-d quadratics: tight as h -> 2.
    Source: derived.
    """
    floor = sam_floor_large_step(alpha, beta, eta, rho)
    return _power(1 - alpha * eta * (2 - eta * beta) / 2, t) * _gap(gap0) + floor


def sam_floor_large_step(alpha, beta, eta, rho):
    """The constant term of `sam_bound_large_step`, for 0 < h < 2.

    [beta^3 eta^2 rho^2/2 + eta (h - 1)^2 beta^2 rho^2/(2 - h)]/[alpha eta (2 - h)/2]. Source: derived.
    """
    alpha, beta, eta, rho = _smooth(alpha, beta, eta, rho, "(0, 2)")
    h = eta * beta
    return beta**2 * rho**2 * (h + 2 * (h - 1) ** 2 / (2 - h)) / (alpha * (2 - h))


def sam_pl_bound(t, alpha, beta, eta, rho, gap0):
    """SAM, PL: gap_t <= (1 - alpha eta)^t gap0 + beta^2 rho^2/(2 alpha).

    True for h <= 1, any rho >= 0; evaluated for alpha eta <= 1. Source: derived.
    """
    alpha, beta, eta, rho = _smooth(alpha, beta, eta, rho, "(0, inf)")
    rate = within("alpha * eta", alpha * eta, "(0, 1]")
    return _power(1 - rate, t) * _gap(gap0) + beta**2 * rho**2 / (2 * alpha)


def usam_pl_bound(t, alpha, beta, eta, rho, gap0):
    """USAM, PL: gap_t <= (1 - alpha eta (1 - rho^2 beta^2))^t gap0.

    True for h <= 1 and rho beta < 1; evaluated for alpha eta <= 1. No floor: USAM converges.
    Source: derived (constants of Dai, Ahn, Sra 2023 not read).
    """
    alpha, beta, eta, rho = _smooth(alpha, beta, eta, rho, "(0, inf)")
    rate = within("alpha * eta", alpha * eta, "(0, 1]")
    reach = within("rho * beta", rho * beta, "[0, 1)")
    return _power(1 - rate * (1 - reach**2), t) * _gap(gap0)


def usam_path_length(alpha, beta, rho, gap0):
    """USAM, PL: sum_t |w_{t+1} - w_t| <= 2 sqrt(2 beta gap0)/(alpha (1 - rho beta)), whatever eta <= 1/beta.

    By the geometric series of `usam_pl_bound`. Range rho beta < 1. Source: derived (constants of Dai, Ahn, Sra 2023
    not read).
    """
    return np.sqrt(beta / np.asarray(alpha)) * usam_path_length_sharp(alpha, beta, rho, gap0)


def usam_path_length_sharp(alpha, beta, rho, gap0):
    """The same with sqrt(f - f*) as Lyapunov function: 2 sqrt(2 gap0/alpha)/(1 - rho beta).

    Smaller than `usam_path_length` by sqrt(alpha/beta). Range rho beta < 1, eta <= 1/beta. Source: derived.
    """
    alpha, beta, _, rho = _smooth(alpha, beta, 1.0, rho, "(0, inf)")
    reach = within("rho * beta", rho * beta, "[0, 1)")
    return 2 * np.sqrt(2 * _gap(gap0) / alpha) / (1 - reach)


def _smooth(alpha, beta, eta, rho, interval):
    """alpha <= beta, eta > 0, rho >= 0 and eta beta in `interval`, checked."""
    alpha, beta = within("alpha", alpha, "(0, inf)"), within("beta", beta, "(0, inf)")
    within("alpha / beta", alpha / beta, "(0, 1]")
    eta, rho = within("eta", eta, "(0, inf)"), within("rho", rho, "[0, inf)")
    within("eta * beta", eta * beta, interval)
    return alpha, beta, eta, rho


def _gap(gap0):
    return within("gap0", gap0, "[0, inf)")


def _power(factor, t):
    return factor ** within("t", t, "[0, inf)")
