"""Edges of stability that depend on the gradient, and the thresholds at which saddles attract.

Convention: eta lam is a number; SAM's rho is a length, USAM's an inverse curvature, so that SAM at a point of gradient
norm |g| acts like USAM of radius rho/|g|.  USAM's own edge is `stability.usam_edge`, those of other directions and of
momentum are in `filters`.
"""

from __future__ import annotations

import numpy as np

from samtheory.theory.ranges import within


def sam_mode_factor(eta, rho, lam, grad_norm):
    """Factor of one SAM step on the mode of curvature lam at gradient norm |g| > 0: 1 - eta lam (1 + rho lam/|g|).

    Exact on quadratics, lam of any sign; |g| is that of the whole gradient.  Source: Long, Bartlett 2024 (text).
    """
    eta, rho = within("eta", eta, "(0, inf)"), within("rho", rho, "[0, inf)")
    lam, grad_norm = np.asarray(lam, dtype=np.float64), within("grad_norm", grad_norm, "(0, inf)")
    return 1 - eta * lam * (1 + rho * lam / grad_norm)


def sam_edge(eta, rho, grad_norm):
    """Largest curvature at which that factor is >= -1: (|g|/(2 rho)) (sqrt(1 + 8 rho/(eta |g|)) - 1).

    Computed as 4/(eta (1 + sqrt(1 + 8 rho/(eta |g|)))), which does not cancel; 2/eta at rho = 0, 0 at |g| = 0 < rho.
    Between 0 and 2/eta, increases with |g|, ~ sqrt(2 |g|/(eta rho)) for |g| -> 0.  On a convex quadratic with
    lam_max < sam_edge a step lowers f; on the 2-cycle of the top mode sam_edge = lam_max exactly.
    Range eta > 0, rho >= 0, |g| >= 0.  Source: Long, Bartlett 2024 (text; released code).
    """
    eta, rho = within("eta", eta, "(0, inf)"), within("rho", rho, "[0, inf)")
    grad_norm = within("grad_norm", grad_norm, "[0, inf)")
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(rho == 0, 0.0, 8 * rho / (eta * grad_norm))
    return 4 / (eta * (1 + np.sqrt(1 + ratio)))


def saddle_radius(lam):
    """USAM's flow dw/dt = -g(w + rho g(w)) is attracted by a saddle iff rho > 1/min{|lam_i| : lam_i < 0}.

    lam: eigenvalues on the last axis, none of them 0, at least one negative.  The *flattest* negative direction
    decides.  A step eta > 0 needs `saddle_step` besides.  Source: Kim, Park, Choi, Lee 2023, Theorem 1 (second-hand,
    for one negative eigenvalue), derived.
    """
    lam = _spectrum(lam)
    flattest = np.where(lam < 0, -lam, np.inf).min(axis=-1)
    if np.isinf(flattest).any():
        raise ValueError("lam has a spectrum without a negative eigenvalue: there is no saddle to be attracted by")
    return 1 / flattest


def saddle_step(lam, rho):
    """Where rho > `saddle_radius`: USAM is attracted iff eta < 2/max_i lam_i (1 + rho lam_i).  Source: derived."""
    lam = _spectrum(lam)
    rho = within("rho", rho, "[0, inf)")
    h = lam * (1 + rho[..., None] * lam)
    if (h <= 0).any():
        raise ValueError(f"rho = {np.asarray(rho).tolist()!r} does not exceed saddle_radius: no step attracts")
    return 2 / h.max(axis=-1)


def normalised_saddle_window(h):
    """(low, high) of m: SAM's 2-cycle in a direction of curvature lam_+ attracts one of curvature -m lam_+.

    (h/(2 - h), 2/(2 - h)), h = eta lam_+ in (0, 2), whatever rho > 0: only the basin shrinks with rho.  The factor in
    between is 1 + h m - m^2 (2 - h) (`cycles.cycle_rates`).  Source: derived.
    """
    h = within("h", h, "(0, 2)")
    return h / (2 - h), 2 / (2 - h)


def _spectrum(lam) -> np.ndarray:
    lam = np.atleast_1d(np.asarray(lam, dtype=np.float64))
    within("|lam|", np.abs(lam), "(0, inf)")
    return lam
