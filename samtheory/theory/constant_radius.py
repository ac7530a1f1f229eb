"""SAM with a constant radius, deterministic and stochastic: bounds on the gap and on the mean squared gradient.

Convention: f is beta-smooth; mu is the constant of strong convexity or of |g|^2 >= 2 mu (f - f*) (PL), at most beta;
gap0 = f(x_0) - f*; h = eta beta; E|grad l - grad f|^2 <= sigma^2 everywhere.  `shared`: the two gradients of a step
use the same sample (m-SAM), else independent ones (n-SAM).
"""

from __future__ import annotations

import numpy as np

from samtheory.theory.ranges import within


def squared_floor_bound(t, mu, beta, eta, rho, gap0):
    """SAM, strongly convex: gap_t <= max{(1 - 1.5 mu eta)^t gap0, beta^6 eta^2 rho^2/mu^3}, for h <= 1/2.

    Source: order Si & Yun 2023, constants derived.
    """
    mu, beta, eta, rho = _smooth(mu, beta, eta, rho, "(0, 0.500000000001]")
    floor = beta**6 * eta**2 * rho**2 / mu**3
    return np.maximum((1 - 1.5 * mu * eta) ** np.asarray(t) * within("gap0", gap0, "[0, inf)"), floor)


def squared_floor_sharp(t, mu, beta, eta, rho, gap0):
    """The same, sharper: max{(1 - 2 mu eta (1 - h/2))^t gap0, G^2/(2 mu) + beta^3 eta^2 rho^2/2}, for h < 1.

    G = beta^3 eta rho/(2 mu (1 - h)): above |g| = G every step descends. Source: derived.
    """
    mu, beta, eta, rho = _smooth(mu, beta, eta, rho, "(0, 1)")
    h = eta * beta
    G = beta**3 * eta * rho / (2 * mu * (1 - h))
    floor = G**2 / (2 * mu) + beta**3 * eta**2 * rho**2 / 2
    return np.maximum((1 - 2 * mu * eta * (1 - h / 2)) ** np.asarray(t) * within("gap0", gap0, "[0, inf)"), floor)


def horizon_lower_bound(T, mu, beta, rho):
    """beta^3 rho^2/(8 mu^2 T^2): for every constant eta <= 1/beta some function of the class keeps this gap to step T.

    Source: order Si & Yun 2023, construction and constant derived.
    """
    T, mu, beta = within("T", T, "[2, inf)"), within("mu", mu, "(0, inf)"), within("beta", beta, "(0, inf)")
    within("mu / beta", mu / beta, "(0, 1.000000000001]")
    return beta**3 * within("rho", rho, "[0, inf)") ** 2 / (8 * mu**2 * T**2)


def convex_gradient_bound(T, beta, eta, rho, gap0):
    """SAM, convex: (1/T) sum |g(x_t)|^2 <= 2 gap0/(eta T) + beta^3 eta rho^2, for h <= 1. Source: derived."""
    return nonconvex_gradient_bound(T, beta, eta, 0.0, gap0) + beta**3 * eta * within("rho", rho, "[0, inf)") ** 2


def convex_tuned_step(T, beta, rho, gap0):
    """eta = min(1/beta, sqrt(2 gap0/(T beta^3 rho^2))), which all but minimises `convex_gradient_bound`."""
    T, beta, gap0 = within("T", T, "[1, inf)"), within("beta", beta, "(0, inf)"), within("gap0", gap0, "[0, inf)")
    return np.minimum(1 / beta, np.sqrt(2 * gap0 / (T * beta**3)) / within("rho", rho, "(0, inf)"))


def convex_tuned_bound(T, beta, rho, gap0):
    """2 beta gap0/T + 2 sqrt(2 gap0 beta^3 rho^2/T), with `convex_tuned_step`: it goes to 0. Source: derived."""
    T, beta, gap0 = within("T", T, "[1, inf)"), within("beta", beta, "(0, inf)"), within("gap0", gap0, "[0, inf)")
    return 2 * beta * gap0 / T + 2 * np.sqrt(2 * gap0 * beta**3 / T) * within("rho", rho, "[0, inf)")


def nonconvex_gradient_bound(T, beta, eta, rho, gap0, sigma=0.0, shared=False):
    """(1/T) sum E|g(x_t)|^2 <= 2 gap0/(eta T) + beta^2 rho^2 + noise, for h <= 1.

    noise = beta eta sigma^2, for shared samples 2 beta eta (sigma^2 + beta^2 rho^2); none if sigma = 0 and the gradient
    is exact. Source: order Si & Yun 2023, constants derived.
    """
    T, beta = within("T", T, "[1, inf)"), within("beta", beta, "(0, inf)")
    eta, rho = within("eta", eta, "(0, inf)"), within("rho", rho, "[0, inf)")
    noise = _noise(beta, eta, rho, sigma, shared)
    return 2 * within("gap0", gap0, "[0, inf)") / (eta * T) + beta**2 * rho**2 + noise


def stochastic_gap_bound(t, mu, beta, eta, rho, gap0, sigma, shared):
    """PL: E gap_t <= (1 - eta mu)^t gap0 + [beta^2 rho^2 + noise]/(2 mu), noise as above, for h <= 1. Source: derived.

    An equality for one-dimensional quadratics at eta = 1/beta with independent samples, for t >= 1.
    """
    mu, beta, eta, rho = _smooth(mu, beta, eta, rho, "(0, inf)")
    rate = 1 - within("eta mu", eta * mu, "(0, 1.000000000001]")
    floor = (beta**2 * rho**2 + _noise(beta, eta, rho, sigma, shared)) / (2 * mu)
    return np.maximum(rate, 0) ** np.asarray(t) * within("gap0", gap0, "[0, inf)") + floor


def _noise(beta, eta, rho, sigma, shared):
    sigma = within("sigma", sigma, "[0, inf)")
    return 2 * beta * eta * (sigma**2 + beta**2 * rho**2) if shared else beta * eta * sigma**2


def two_point_limit(mu, rho, a, p):
    """Where SAM stops on l = mu x^2/2 + xi x as eta -> 0, xi = a w.p. p > 1/2 and -a p/(1-p) else:

    x = -min(a/mu, (2p - 1) rho): the ascent points to + with probability p. Source: derived.
    """
    mu, rho, a = within("mu", mu, "(0, inf)"), within("rho", rho, "[0, inf)"), within("a", a, "(0, inf)")
    return -np.minimum(a / mu, (2 * within("p", p, "(0.5, 1)") - 1) * rho)


def two_point_spread(mu, eta, rho, a, p, shared):
    """An upper bound of the stationary E(x - x_inf)^2, x_inf = `two_point_limit`: eta E N^2/(mu (2 - eta mu)).

    x+ - x_inf = (1 - eta mu)(x - x_inf) - eta N with N = mu x_inf + mu rho s + xi~, s the sign of the ascent, and
    (x - x_inf) E[N|x] >= 0 as E s rises with x; E N^2 is bounded over the possible laws of s. Source: derived.
    """
    limit, other = two_point_limit(mu, rho, a, p), -a * p / (1 - p)
    within("eta mu", eta * mu, "(0, 1]")
    squares = []
    for s_up, s_down in ((1, 1), (1, -1), (-1, -1)):  # the ascent is monotone in xi
        push = mu * limit + mu * rho * np.array([s_up, s_down])
        chance = np.array([p, 1 - p])
        noise = np.array([a, other])
        if shared:
            squares.append(chance @ (push + noise) ** 2)
        else:
            squares.append(chance @ push**2 + chance @ noise**2)
    return eta * max(squares) / (mu * (2 - eta * mu))


def _smooth(mu, beta, eta, rho, interval):
    mu, beta = within("mu", mu, "(0, inf)"), within("beta", beta, "(0, inf)")
    within("mu / beta", mu / beta, "(0, 1.000000000001]")
    eta, rho = within("eta", eta, "(0, inf)"), within("rho", rho, "[0, inf)")
    within("eta beta", eta * beta, interval)
    return mu, beta, eta, rho
