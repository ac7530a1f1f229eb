"""The 2-cycles of SAM on a quadratic: their amplitude, their stability, the potential that descends to them.

Convention: f(w) = 1/2 sum_i lam_i w_i^2 in eigen-coordinates, SAM normalised, full batch, constant rho, no guard:
w+ = w - eta g(w + rho g(w)/|g(w)|), no motion where g(w) = 0. With Lam = diag(lam) this is the odd map
w+ = (I - eta Lam - eta rho Lam^2/|Lam w|) w. Units: eta and 1/lam share one unit, eta lam is a number; rho is a
length in parameter space. An argument `lam` of several curvatures has them on its last axis.
"""

from __future__ import annotations

import numpy as np

from samtheory.theory.ranges import within


def cycle_amplitude(eta, rho, lam):
    """Distance of the iterates from the minimum on the 2-cycle of curvature lam: A = eta rho lam/(2 - eta lam).

    Range 0 < eta lam < 2, rho >= 0. The cycle of the largest curvature attracts almost every start.
    Source: Bartlett, Long, Bousquet 2023 (amplitude: memory; the range beyond eta lam < 1/2: derived);
    Wen, Ma, Li 2023, Theorem 4.8 (text, for eta lam_1 < 1).
    """
    eta, rho, h = _step(eta, rho, lam)
    return rho * h / (2 - h)


def perturbed_amplitude(eta, rho, lam):
    """Distance of the perturbed points from the minimum on that cycle: A + rho = 2 rho/(2 - eta lam).

    Range 0 < eta lam < 2, rho >= 0. Source: derived.
    """
    eta, rho, h = _step(eta, rho, lam)
    return 2 * rho / (2 - h)


def unified_cycle_amplitude(eta, rho, lam, mix):
    """Amplitude of the 2-cycle of Unified SAM in one dimension, f = lam x^2/2.

    eta lam rho mix/(2 - a), a = eta lam (1 + rho lam (1 - mix)), for the ascent x + rho (1 - mix + mix/|g|) g:
    mix = 0 is USAM (amplitude 0: the minimum itself), mix = 1 is SAM. Attracts every x != 0 except, if a < 1, the
    countable set that is mapped exactly onto 0. rho multiplies a gradient and a unit vector at once: its unit is the
    user's. Range 0 < a < 2, 0 <= mix <= 1, rho >= 0. Source: derived.
    """
    eta, rho, h = _step(eta, rho, lam, "(0, inf)")
    mix = within("mix", mix, "[0, 1]")
    a = within("eta * lam * (1 + rho * lam * (1 - mix))", h * (1 + rho * np.asarray(lam) * (1 - mix)), "(0, 2)")
    return h * rho * mix / (2 - a)


def cycle_rates(eta, lam):
    """Factors by which one step multiplies a small deviation from the cycle of the top curvature lam[..., 0].

    First the radial one 1 - h, h = eta lam_1, then the transverse ones 1 - eta lam_i - (lam_i/lam_1)^2 (2 - h): the
    eigenvalues of the Jacobian of the SAM map on the cycle, independent of rho. Signs as in that Jacobian, so in the
    frame that does not follow the flip of the cycle itself. lam_1 must be the largest; the others may have any sign.
    Range 0 < eta lam_1 < 2. All moduli are < 1 iff 0 < lam_i < lam_1 for i > 1. Source: derived.
    """
    lam = np.atleast_1d(np.asarray(lam, dtype=np.float64))
    if np.any(lam[..., :1] < lam):
        raise ValueError(f"lam = {lam.tolist()!r} does not start with its largest entry")
    return mode_cycle_factors(eta, lam, 0)


def cycle_rate(eta, lam):
    """Rate of convergence to the cycle of the top curvature: the largest modulus of `cycle_rates`.

    R = max(|1 - h|, max_{i>1} |1 - eta lam_i - (lam_i/lam_1)^2 (2 - h)|) < 1 for 0 < h < 2 and 0 < lam_i < lam_1.
    Source: derived.
    """
    return np.abs(cycle_rates(eta, lam)).max(axis=-1)


def mode_cycle_factors(eta, lam, j):
    """Factors of all modes on the cycle of mode j (counted from 0), |w_j| = eta rho lam_j/(2 - eta lam_j).

    Entry i != j: 1 - eta lam_i - (lam_i/lam_j)^2 (2 - eta lam_j); entry j (radial): 1 - eta lam_j. Entry i is < -1
    where lam_i > lam_j, so only the cycle of the top mode is stable; > 1 is possible for lam_i < 0 (a saddle).
    Range 0 < eta lam_j < 2, the other lam_i real. Source: derived.
    """
    lam = np.atleast_1d(np.asarray(lam, dtype=np.float64))
    eta = within("eta", eta, "(0, inf)")[..., None]
    top = lam[..., j, None]
    h = within("eta * lam[j]", eta * top, "(0, 2)")
    factors = 1 - eta * lam - (lam / top) ** 2 * (2 - h)
    factors[..., j] = (1 - h)[..., 0]
    return factors


def potential_curvature(eta, rho, lam):
    """Diagonal of C in the potential J: C_ii = (2 - eta lam_i)/(eta rho lam_i^2).

    The cycle of mode i is the critical point |u| = 1/C_ii on axis i, where J = -1/(2 C_ii); J is bounded below iff
    all C_ii > 0, that is eta lam_i < 2. Range eta, rho > 0, lam_i != 0. Source: Bartlett, Long, Bousquet 2023
    (memory), derived.
    """
    eta, rho, lam = _modes(eta, rho, lam)
    return (2 - eta * lam) / (eta * rho * lam**2)


def potential(u, eta, rho, lam):
    """J(u) = 1/2 u' C u - |u|, the function that u_t = (-1)^t Lam w_t descends; C of `potential_curvature`.

    u_{t+1} = u_t - eta rho Lam^2 grad J(u_t) exactly. u has the unit of a gradient; its last axis is that of lam.
    Source: Bartlett, Long, Bousquet 2023 (memory), derived.
    """
    u = np.asarray(u, dtype=np.float64)
    return 0.5 * np.sum(potential_curvature(eta, rho, lam) * u * u, axis=-1) - np.linalg.norm(u, axis=-1)


def potential_gradient(u, eta, rho, lam):
    """grad J(u) = C u - u/|u|; 0 at the kink u = 0, as SAM does not move there.

    Source: Bartlett, Long, Bousquet 2023 (memory), derived.
    """
    u = np.asarray(u, dtype=np.float64)
    norm = np.linalg.norm(u, axis=-1, keepdims=True)
    unit = np.divide(u, norm, out=np.zeros_like(u), where=norm > 0)
    return potential_curvature(eta, rho, lam) * u - unit


def potential_descent(u, eta, rho, lam):
    """What one step lowers J by at least: (eta^2 rho/2) grad J' Lam^3 grad J <= J(u_t) - J(u_{t+1}).

    Any eta > 0, lam_i > 0 (then it is >= 0; the inequality itself holds for any sign). Equality iff u_{t+1} is a
    non-negative multiple of u_t. Source: derived (concavity of -|u|, and 2 I - eta rho Lam^2 C = eta Lam).
    """
    g = potential_gradient(u, eta, rho, lam)
    eta, rho, lam = _modes(eta, rho, lam)
    return (0.5 * eta**2 * rho * np.sum(lam**3 * g * g, axis=-1, keepdims=True))[..., 0]


def invariant_bound(eta, rho, lam):
    """Radius of the invariant sets |P_j g| <= eta rho lam_j^2, P_j on the modes j..D of decreasing curvature.

    Once true it stays true, for each j with eta lam_j <= 1 (this is all the proof uses: it needs no bound on the
    larger curvatures). Unit of a gradient. Range eta > 0, rho >= 0, lam_j > 0. Source: Wen, Ma, Li 2023, Appendix F
    (memory, for eta lam_1 <= 1); derived.
    """
    eta, rho, h = _step(eta, rho, lam, "(0, inf)")
    return rho * h * lam


def top_component_growth_threshold(eta, rho, lam):
    """The modulus of the gradient's component of curvature lam grows in a step iff |g| < eta rho lam^2/(2 - eta lam).

    Needs that component non-zero. Range 0 < eta lam < 2, rho >= 0. On the cycle of that mode |g| is the threshold.
    Source: Wen, Ma, Li 2023, Appendix F (memory); derived.
    """
    eta, rho, h = _step(eta, rho, lam)
    return rho * h * lam / (2 - h)


def following_error(amplitudes, keep, first):
    """Bounds of ||x_k| - A_k|, k = 0, 1, ..., where e_{k+1} = -keep_k e_k + A_k - A_{k+1}, |e_0| = first.

    keep_k = 1 - t_k lam >= 0.  With the weights W = prod keep the sum of the changes alternates, and Abel's summation
    bounds it by half of (last + first + total variation of the weighted changes). Source: derived.
    """
    A, keep = np.asarray(amplitudes, dtype=float), within("keep", keep, "[0, 1]").tolist()
    start, edge, varied, before = float(first), 0.0, 0.0, 0.0
    out = [start]
    for k, change in enumerate((A[:-1] - A[1:]).tolist()):
        start, edge = keep[k] * start, keep[k] * edge if k else abs(change)
        varied = keep[k] * varied + (abs(change - keep[k] * before) if k else 0.0)
        before = change
        out.append(start + 0.5 * (abs(change) + edge + varied))
    return np.array(out)


def _step(eta, rho, lam, interval="(0, 2)"):
    """eta, rho and h = eta lam, checked."""
    eta = within("eta", eta, "(0, inf)")
    rho = within("rho", rho, "[0, inf)")
    return eta, rho, within("eta * lam", eta * np.asarray(lam), interval)


def _modes(eta, rho, lam):
    """eta and rho with a last axis for the modes, and a spectrum without zeros."""
    eta = within("eta", eta, "(0, inf)")[..., None]
    rho = within("rho", rho, "(0, inf)")[..., None]
    lam = np.atleast_1d(np.asarray(lam, dtype=np.float64))
    within("|lam|", np.abs(lam), "(0, inf)")
    return eta, rho, lam
