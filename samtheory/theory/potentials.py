"""The hyperbolic-entropy potential of diagonal linear networks, its conjugate, and the implicit bias it stands for.

    phi_alpha(b) = 1/2 sum_j [ b_j asinh(b_j/(2 a_j^2)) - sqrt(b_j^2 + 4 a_j^4) + 2 a_j^2 ],    a = alpha > 0, shape [d]
    grad phi     = 1/2 asinh(b/(2 a^2)),   Hessian  diag(1/(2 sqrt(b^2 + 4 a^4))),   grad phi* (s) = 2 a^2 sinh(2 s).

phi(0) = 0; alpha -> 0: phi ~ |b|_1 log(1/alpha), alpha -> inf: |b|^2/(8 alpha^2).  Gradient flow of
beta = w_+^2 - w_-^2 from w_+- = alpha has grad phi(beta) in the range of X', so its interpolating limit minimises phi
(Woodworth et al. 2020).
"""

from __future__ import annotations

import numpy as np


def hyperbolic_entropy(beta, alpha):
    """phi_alpha(beta), the sum over the last axis."""
    beta, a = np.asarray(beta, dtype=float), 2 * np.asarray(alpha, dtype=float) ** 2
    # sqrt(b^2 + a^2) - a, without cancellation for small b
    bend = beta**2 / (np.hypot(beta, a) + a)
    return 0.5 * (beta * np.arcsinh(beta / a) - bend).sum(axis=-1)


def entropy_gradient(beta, alpha):
    """grad phi_alpha(beta) = 1/2 asinh(beta/(2 alpha^2))."""
    return 0.5 * np.arcsinh(np.asarray(beta) / (2 * np.asarray(alpha) ** 2))


def mobility(beta, alpha):
    """The inverse of the Hessian of phi_alpha, its diagonal 2 sqrt(beta^2 + 4 alpha^4)."""
    return 2 * np.hypot(beta, 2 * np.asarray(alpha) ** 2)


def limit_response(X, beta, alpha, delta):
    """d beta/d rho at rho = 0 of argmin {phi_{alpha exp(-rho delta)}(b): X b = y}, of which beta is the value at 0.

    -2 P (beta * delta),  P = I - M X'(X M X')^{-1} X,  M = diag(mobility): d grad phi/d rho at fixed beta is
    delta beta/sqrt(beta^2 + 4 alpha^4), and the change of beta is -M times it, projected on the kernel of X.
    X must have full row rank.  Shapes [n, d], [d], [d] or scalar, [d].
    """
    pushed = np.asarray(beta) * np.asarray(delta)
    M = mobility(beta, alpha)
    return -2 * (pushed - M * (X.T @ np.linalg.solve((X * M) @ X.T, X @ pushed)))


def scalar_delta(x, b, alpha):
    """The integral of (r x)^2 along gradient flow on (1/4)(x beta - x b)^2, one coordinate, one sample: x^2 phi(b)."""
    return x**2 * hyperbolic_entropy(np.atleast_1d(b), alpha)
