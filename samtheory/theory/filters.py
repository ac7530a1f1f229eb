"""Eigenvalue filters: which Hessian eigenvalues a gradient method can have where it converges.

An update x+ = G(x) that replaces the gradient by a direction d(x) multiplies, at a critical point, the eigenvector of
curvature lam by 1 - eta h(lam).  Almost every start that converges to a critical point converges to one where the
Jacobian of G has spectral radius <= 1 (Bolte, Le, Pauwels 2025, Theorem 2.1), and that is 0 <= h(lam) <= U:

    gd           grad f(x)                                    h = lam
    usam         grad f(x + rho grad f(x))                    h = lam (1 + rho lam)
    penalty      grad f(x) + rho H(x) grad f(x)               h = lam (1 + rho lam)
    two_seq      two ascent steps, one after the other        h = lam (1 + rho lam)^2
    two_restart  grad f(x + rho grad f(x + rho grad f(x)))    h = lam (1 + rho lam + rho^2 lam^2)
    hess         grad f(x + rho H(x) grad f(x))               h = lam (1 + rho lam^2)

    plain        U = 2/eta                          (beta is ignored)
    heavy_ball   U = 2 (1 + beta)/eta               0 <= beta < 1
    nesterov     U = 2 (1 + beta)/(eta (1 + 2 beta))

rho is an inverse curvature, for hess an inverse square curvature.  The limit point must be critical for f: where
d(x) = 0 but grad f(x) != 0 the filter says nothing, so state |grad f| beside its verdict.  Everything here takes
arrays and broadcasts.  Source: Bolte, Le, Pauwels 2025 (text for gd, heavy ball and usam; h of hess and two-step from
its reviews), the rest derived.
"""

from __future__ import annotations

import numpy as np

from samtheory.theory.ranges import within

DIRECTIONS = ("gd", "usam", "penalty", "two_seq", "two_restart", "hess")
MOMENTA = ("plain", "heavy_ball", "nesterov")
MARGIN = 1e-6  # relative: nearer to an edge than this, a verdict is "marginal"


def response(direction: str, lam, rho):
    """h(lam): one plain step multiplies the mode of curvature lam, of any sign, by 1 - eta h(lam).  rho >= 0."""
    lam, rho = np.asarray(lam, dtype=np.float64), within("rho", rho, "[0, inf)")
    if direction == "gd":
        return lam + 0 * rho
    if direction in ("usam", "penalty"):
        return lam * (1 + rho * lam)
    if direction == "two_seq":
        return lam * (1 + rho * lam) ** 2
    if direction == "two_restart":
        return lam * (1 + rho * lam * (1 + rho * lam))
    if direction == "hess":
        return lam * (1 + rho * lam**2)
    raise _unknown("direction", direction, DIRECTIONS)


def limit(eta, beta=0.0, momentum: str = "plain"):
    """U, the largest h that a critical limit can have: 2/eta, 2(1+beta)/eta or 2(1+beta)/(eta(1+2 beta))."""
    eta, beta = within("eta", eta, "(0, inf)"), within("beta", beta, "[0, 1)")
    if momentum == "plain":
        return 2 / eta + 0 * beta
    if momentum == "heavy_ball":
        return 2 * (1 + beta) / eta
    if momentum == "nesterov":
        return 2 * (1 + beta) / (eta * (1 + 2 * beta))
    raise _unknown("momentum", momentum, MOMENTA)


def admits(direction: str, lam, eta, rho, beta=0.0, momentum: str = "plain"):
    """Whether the filter lets lam through: 0 <= h(lam) <= U, ends included (there the spectral radius is 1)."""
    h = response(direction, lam, rho)
    return (h >= 0) & (h <= limit(eta, beta, momentum))


def verdict(direction: str, lam, eta, rho, beta=0.0, momentum: str = "plain"):
    """admitted, filtered, or marginal where lam is within 1e-6 (relative) of an end of the admitted set.

    The ends are the edge, 0 (there: within 1e-6 of the edge), and those of the negative band.
    """
    lam = np.asarray(lam, dtype=np.float64)
    top = edge(direction, eta, rho, beta, momentum)
    low, high = negative_band(direction, eta, rho, beta, momentum)
    marginal = np.abs(lam) <= MARGIN * top
    for end in (top, low, high):
        marginal = marginal | (np.abs(lam - end) <= MARGIN * np.abs(end))
    passed = np.where(admits(direction, lam, eta, rho, beta, momentum), "admitted", "filtered")
    return np.where(marginal, "marginal", passed)


def edge(direction: str, eta, rho, beta=0.0, momentum: str = "plain"):
    """The largest lam let through: the positive root of h(lam) = U.  gd: U.  usam: 2U/(1 + sqrt(1 + 4 rho U)).

    The cubics by Newton's method from above, where h is increasing and convex, so that it falls to the root
    monotonically.  edge(two_seq) < edge(two_restart) < edge(usam) < edge(gd) for rho > 0; edge(hess) < edge(usam)
    iff U > 1 + rho (their units differ).
    """
    upper, rho = np.broadcast_arrays(limit(eta, beta, momentum), within("rho", rho, "[0, inf)"))
    if direction == "gd":
        return upper + 0.0
    if direction in ("usam", "penalty"):
        return 2 * upper / (1 + np.sqrt(1 + 4 * rho * upper))
    if direction == "two_seq":
        slope, lead = (lambda lam: (1 + rho * lam) * (1 + 3 * rho * lam)), rho**2
    elif direction == "two_restart":
        slope, lead = (lambda lam: 1 + rho * lam * (2 + 3 * rho * lam)), rho**2
    elif direction == "hess":
        slope, lead = (lambda lam: 1 + 3 * rho * lam**2), rho
    else:
        raise _unknown("direction", direction, DIRECTIONS)
    with np.errstate(divide="ignore"):
        lam = np.minimum(upper, np.cbrt(upper / lead))  # h(lam) >= lam and >= lead lam^3: not below the root
    while True:
        new = lam - (response(direction, lam, rho) - upper) / slope(lam)
        if not (new < lam).any():
            return lam
        lam = np.minimum(lam, new)


def negative_band(direction: str, eta, rho, beta=0.0, momentum: str = "plain"):
    """(low, high) of the negative curvatures let through, NaN where there are none.

    usam, penalty: [-1/rho - edge, -1/rho], as wide as the positive part; two_seq: the one point -1/rho; else none.
    """
    top = edge(direction, eta, rho, beta, momentum)
    with np.errstate(divide="ignore"):
        high = -1 / within("rho", rho, "[0, inf)")
    high = np.where(np.isfinite(high) & (direction in ("usam", "penalty", "two_seq")), high, np.nan) + 0 * top
    return (high - top if direction != "two_seq" else high), high


def spectral_radius(direction: str, lam, eta, rho, beta=0.0, momentum: str = "plain"):
    """Spectral radius of one step on the mode of curvature lam, in the state (x, x_prev).

    plain |1 - eta h|; heavy ball mu^2 - (1 + beta - eta h) mu + beta = 0; Nesterov, t = 1 - eta h,
    mu^2 - (1 + beta) t mu + beta t = 0.  Complex roots have modulus sqrt(det), real ones (|trace| + sqrt(disc))/2.
    """
    limit(eta, beta, momentum)  # checks
    eta, beta = np.asarray(eta, dtype=np.float64), np.asarray(beta, dtype=np.float64)
    push = eta * response(direction, lam, rho)
    if momentum == "plain":
        return np.abs(1 - push) + 0 * beta
    if momentum == "heavy_ball":
        root = np.sqrt(beta)
        trace, det = 1 + beta - push, beta + 0 * push
        disc = ((1 - root) ** 2 - push) * ((1 + root) ** 2 - push)
    else:
        trace, det = (1 + beta) * (1 - push), beta * (1 - push)
        disc = (1 - push) * ((1 + beta) ** 2 * (1 - push) - 4 * beta)
    real = (np.abs(trace) + np.sqrt(np.maximum(disc, 0))) / 2
    return np.where(disc < 0, np.sqrt(np.maximum(det, 0)), real)


def _unknown(name: str, value, known) -> ValueError:
    return ValueError(f"{name} = {value!r} is unknown; there are {', '.join(known)}")
