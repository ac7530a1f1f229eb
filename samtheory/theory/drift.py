"""The slow drift of SAM along a valley: while it bounces across, it descends the top curvature of the floor.

Convention: lam = top Hessian eigenvalue at the minimiser, v its unit eigenvector, h = eta lam, grad lam its gradient
in parameter space, D^3 f[v, v, .] there. SAM normalised, on the cycle w* +- A v, A = eta rho lam/(2 - h).
"""

from __future__ import annotations

import numpy as np

from samtheory.theory.ranges import within


def drift_step(eta, rho, lam):
    """Step of the descent on the top curvature, per iteration: 2 eta rho^2/(2 - eta lam)^2.

    w* moves by -drift_step * grad lam along the manifold of minima, up to O(rho^3); equals
    (eta rho^2/2) (1 + h/(2 - h))^2. Range 0 <= eta lam < 2, rho >= 0. Source: Bartlett, Long, Bousquet 2023 (memory),
    derived.
    """
    eta, rho = _step(eta, rho)
    h = within("eta * lam", eta * np.asarray(lam), "[0, 2)")
    return 2 * eta * rho**2 / (2 - h) ** 2


def small_step_drift(eta, rho):
    """The limit of `drift_step` for eta lam -> 0: eta rho^2/2, the step of the limiting flow of Wen, Ma, Li 2023.

    At eta lam = 1 it is 4 times too small. Source: Wen, Ma, Li 2023, Theorem 4.5 (text).
    """
    eta, rho = _step(eta, rho)
    return eta * rho**2 / 2


def one_step_drift(eta, rho, hess, v, grad_lam):
    """Second-order part of one SAM step from w* + s A v, s = +-1: w+ = w* - s A v + one_step_drift + O(rho^3).

    -(2 eta rho^2/(2 - h)^2) [I + (eta (2 - h)/4) H P] grad_lam, P = I - v v', lam = v' H v, h = eta lam. The second
    term is 0 along a manifold of minima (H tau = 0) and small for h -> 0. H (..., d, d) symmetric with v (..., d) a
    unit eigenvector of it, lam simple; any other eigenvalues. Range 0 < h < 2. Source: derived (the first term:
    Bartlett, Long, Bousquet 2023, memory).
    """
    eta, rho = _step(eta, rho)
    hess, v, grad_lam = (np.asarray(value, dtype=np.float64) for value in (hess, v, grad_lam))
    within("|v|^2", np.sum(v * v, axis=-1), "(0.999999, 1.000001)")
    lam = np.einsum("...i,...ij,...j->...", v, hess, v)
    within("eta * lam", eta * lam, "(0, 2)")
    off_top = grad_lam - np.sum(v * grad_lam, axis=-1, keepdims=True) * v
    weight = np.asarray(eta * (2 - eta * lam) / 4)[..., None]
    bracket = grad_lam + weight * np.einsum("...ij,...j->...i", hess, off_top)
    return -drift_step(eta, rho, lam)[..., None] * bracket


def steps_down_the_valley(y_a, y_b, eta, rho):
    """Iterations SAM needs from y_a down to y_b on L(x, y) = l(x y), l''(0) = 1, once on its cycle: F(y_a) - F(y_b).

    F(y) = (4 ln y - 2 eta y^2 + eta^2 y^4/4)/(4 eta rho^2) integrates dy/dt = -4 eta rho^2 y/(2 - eta y^2)^2, that is
    -drift_step * d lam/dy with lam = y^2. Leading order in rho; late phase: ln y falls by eta rho^2 a step.
    Range y > 0, eta y^2 < 2, rho > 0; negative for y_b > y_a. Source: derived.
    """
    eta, rho = _step(eta, rho)
    within("rho", rho, "(0, inf)")
    y_a, y_b = within("y_a", y_a, "(0, inf)"), within("y_b", y_b, "(0, inf)")
    a, b = (within(f"eta * {name}^2", eta * y * y, "(0, 2)") for name, y in (("y_a", y_a), ("y_b", y_b)))
    return (4 * np.log(y_a / y_b) - 2 * (a - b) + (a * a - b * b) / 4) / (4 * eta * rho**2)


def _step(eta, rho):
    return within("eta", eta, "(0, inf)"), within("rho", rho, "[0, inf)")
