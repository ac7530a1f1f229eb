"""Quadratic regression: what a step of USAM or SAM does to residuals z and Jacobian J, exactly and on average.

Convention: f = |z|^2/2, z(th) = y + G th + Q(th, th)/2 in R^D, J = G + Q(th, .) of shape [D, P], u = J' z = grad f.
Averages are over Q_a = (A + A')/sqrt(2) sqrt(V), A standard normal, P x P (off-diagonal variance V, diagonal 2V),
independent of z and J.  Drifts are per unit of time of the gradient flow (one step is time eta).
"""

from __future__ import annotations

import itertools

import numpy as np

from samtheory.theory.ranges import within


def zj_step(z, J, Q, eta, rho, normalised: bool = False):
    """(z+, J+) of one USAM (SAM if `normalised`) step: the step closes in z and J, Q [D, P, P] being constant.

    e = rho u (SAM: rho u/|u|), g = (J + Q e)' (z + J e + Q(e, e)/2), d = -eta g:
    z+ = z + J d + Q(d, d)/2, J+ = J + Q d.  Source: Agarwala, Dauphin 2023 (memory), derived.
    """
    z, J, Q = (np.asarray(value, dtype=np.float64) for value in (z, J, Q))
    eta, rho = within("eta", eta, "(0, inf)"), within("rho", rho, "[0, inf)")
    u = J.T @ z
    length = np.linalg.norm(u)
    e = rho * u if not normalised else (rho * u / length if length > 0 else 0 * u)
    move = -eta * (J + Q @ e).T @ (z + (J + 0.5 * (Q @ e)) @ e)
    return z + (J + 0.5 * (Q @ move)) @ move, J + Q @ move


def uv_step(z, lam, eta, rho):
    """(z+, lam+) of a USAM step on (u v - 1)^2/2, z = u v - 1, lam = u^2 + v^2.  Any real arguments.

    Source: Agarwala, Dauphin 2023 (the model: text), derived.
    """
    z, lam, eta, rho = (np.asarray(value, dtype=np.float64) for value in (z, lam, eta, rho))
    w = z + 1
    ascended = w + rho * z * lam + rho**2 * z**2 * w  # u v at the ascent point
    slope = ascended - 1
    e = lam + 2 * rho * z * w
    c = 2 * w + rho * z * lam
    q = lam + 4 * rho * z * w + rho**2 * z**2 * lam
    return (
        w - eta * slope * e + eta**2 * slope**2 * ascended - 1,
        lam - 2 * eta * slope * c + eta**2 * slope**2 * q,
    )


def jacobian_drift(z, J, rho, variance):
    """E[dJ/dt] = -rho V [(P+1) z u' + rho (P+2) (J u) u'], exact in rho.  Source: derived."""
    z, J = np.asarray(z, dtype=np.float64), np.asarray(J, dtype=np.float64)
    rho, variance = within("rho", rho, "[0, inf)"), within("variance", variance, "[0, inf)")
    P, u = J.shape[1], J.T @ z
    return -rho * variance * ((P + 1) * np.outer(z, u) + rho * (P + 2) * np.outer(J @ u, u))


def singular_value_drift(z, J, rho, variance):
    """E[d sigma_k/dt] = -rho V (w_k.z)^2 sigma_k [(P+1) + rho (P+2) sigma_k^2], sigma_k decreasing and simple.

    J = sum sigma_k w_k v_k'.  The eigenvalues of J J' shrink in proportion to the residual in their mode, the largest
    the fastest; at rho = 0 they do not move at this order.  Source: Agarwala, Dauphin 2023 (leading order
    2 rho P V (w_k.z)^2 lam_k: memory), derived.
    """
    z, J = np.asarray(z, dtype=np.float64), np.asarray(J, dtype=np.float64)
    rho, variance = within("rho", rho, "[0, inf)"), within("variance", variance, "[0, inf)")
    w, sigma, _ = np.linalg.svd(J, full_matrices=False)
    P = J.shape[1]
    return -rho * variance * (w.T @ z) ** 2 * sigma * ((P + 1) + rho * (P + 2) * sigma**2)


def batch_jacobian_drift(z, J, rho, variance, batch: int):
    """The same with the loss sum_{a in S} z_a^2/2 of a random subset S of `batch` outputs, same S in both gradients.

    -rho V [(P+1) E[z_S z_S'] J + rho (P+2) E[(M K z_S) z_S'] J], K = J J', M the projection on S; by enumeration.
    The noise regularises modes with w_k.z = 0 too.  Source: Agarwala, Dauphin 2023 (existence: memory), derived.
    """
    z, J = np.asarray(z, dtype=np.float64), np.asarray(J, dtype=np.float64)
    within("batch", batch, "[1, inf)")
    chosen = [list(some) for some in itertools.combinations(range(z.size), int(batch))]
    if not chosen:
        raise ValueError(f"batch = {batch!r} is more than the {z.size} outputs")
    total = np.zeros_like(J)
    for some in chosen:
        total[some] += jacobian_drift(z[some], J[some], rho, variance)
    return total / len(chosen)


def trace_growth(z, J, eta, variance):
    """E[tr K+] - tr K = eta^2 V (P+1) D |u|^2 of a gradient descent step, K = J J': progressive sharpening.

    Source: derived.
    """
    z, J = np.asarray(z, dtype=np.float64), np.asarray(J, dtype=np.float64)
    eta, variance = within("eta", eta, "(0, inf)"), within("variance", variance, "[0, inf)")
    D, P = J.shape
    return eta**2 * variance * (P + 1) * D * np.sum((J.T @ z) ** 2)
