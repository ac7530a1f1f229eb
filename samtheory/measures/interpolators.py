"""Interpolators X beta = y singled out by a convex function: hyperbolic entropy, l1 norm, l2 norm.

Each comes with its residuals of optimality (Karush-Kuhn-Tucker), so that nobody has to trust a solver.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from samtheory.theory.potentials import entropy_gradient
from samtheory.validate import array, positive

_STEPS = 500  # of Newton: about log(1/alpha^2) are needed, each brings the exponent nearer by one


@dataclasses.dataclass(frozen=True)
class Interpolator:
    """beta and the multiplier nu of X beta = y.

    infeasibility  max |X beta - y|/max |y|
    stationarity   how far X' nu is from the subdifferential at beta (max norm, relative to max |X' nu|)
    """

    beta: np.ndarray
    nu: np.ndarray
    infeasibility: float
    stationarity: float


def minimise_entropy(X: Any, y: Any, alpha: Any) -> Interpolator:
    """argmin {phi_alpha(beta): X beta = y}, X [n, d] of full row rank, alpha a scalar or [d] (`theory.potentials`).

    Newton's method on the dual, min over nu of sum alpha^2 cosh(2 X' nu) - y nu, which is smooth and strictly convex:
    beta = 2 alpha^2 sinh(2 X' nu).  The steps are halved until the dual falls; y grows to its full size in stages, each
    started from the last one (homotopy), which keeps the exponents small for small alpha.
    Raises ArithmeticError where Newton's method does not reach round-off.
    """
    X, y = array(None, None)("X", X), array(None)("y", y)
    alpha = np.broadcast_to(np.asarray(alpha, dtype=float), X.shape[1:])
    positive("alpha", alpha.min())
    a = alpha**2
    top = np.abs(y).max()
    if top == 0:
        return Interpolator(np.zeros(X.shape[1]), np.zeros(len(y)), 0.0, 0.0)
    first = min(1.0, float(a.min() * np.linalg.norm(X, 2) / np.linalg.norm(y)))
    nu = np.zeros(len(y))
    for share in np.geomspace(first, 1.0, 2 + int(-np.log(first))) if first < 1 else [1.0]:
        nu = _newton(X, share * y, a, nu)
    beta = 2 * a * np.sinh(2 * X.T @ nu)
    slope = X.T @ nu
    off = np.abs(entropy_gradient(beta, alpha) - slope).max() / np.abs(slope).max()
    return Interpolator(beta, nu, float(np.abs(X @ beta - y).max() / top), float(off))


def _newton(X, y, a, nu):
    """Steps until the gradient X beta - y no longer falls: round-off."""

    def dual(nu):
        s = 2 * X.T @ nu
        with np.errstate(over="ignore", invalid="ignore"):
            return float((a * np.cosh(s)).sum() - y @ nu), X @ (2 * a * np.sinh(s)) - y, s

    value, gradient, s = dual(nu)
    for _ in range(_STEPS):
        size = np.abs(gradient).max()
        direction = np.linalg.solve((X * (4 * a * np.cosh(s))) @ X.T, gradient)
        decrease, share = gradient @ direction, 1.0
        while True:
            tried = dual(nu - share * direction)
            if tried[0] <= value - 0.25 * share * decrease or np.abs(tried[1]).max() < size / 2:
                break
            share /= 2
            if share < 1e-3:  # the dual no longer falls: its round-off, or that of the gradient
                if size > 1e-9 * np.abs(y).max():
                    raise ArithmeticError(f"Newton's method stopped at |X beta - y| = {size:g}; is X of full row rank?")
                return nu
        nu, (value, gradient, s) = nu - share * direction, tried
        if np.abs(gradient).max() >= size and size <= 1e-12 * np.abs(y).max():
            return nu
    raise ArithmeticError(f"Newton's method did not converge in {_STEPS} steps; |X beta - y| = {size:g}")


def basis_pursuit(X: Any, y: Any) -> Interpolator:
    """argmin {|beta|_1: X beta = y} as a linear programme (HiGHS): beta = p - q, p, q >= 0.

    stationarity: X' nu must be sign(beta_j) on the support and within [-1, 1] off it.  ArithmeticError if infeasible.
    """
    from scipy.optimize import linprog

    X, y = array(None, None)("X", X), array(None)("y", y)
    d = X.shape[1]
    run = linprog(np.ones(2 * d), A_eq=np.hstack([X, -X]), b_eq=y, bounds=(0, None), method="highs")
    if run.status != 0:
        raise ArithmeticError(f"the linear programme has no solution: {run.message}")
    beta, nu = run.x[:d] - run.x[d:], np.asarray(run.eqlin.marginals)
    slope = X.T @ nu
    off = np.where(beta != 0, np.abs(slope - np.sign(beta)), np.maximum(np.abs(slope) - 1, 0))
    top = max(np.abs(y).max(), np.finfo(float).tiny)
    return Interpolator(beta, nu, float(np.abs(X @ beta - y).max() / top), float(off.max()))


def least_norm(X: Any, y: Any) -> Interpolator:
    """argmin {|beta|_2: X beta = y} = X'(X X')^{-1} y, by singular values; beta = X' nu."""
    X, y = array(None, None)("X", X), array(None)("y", y)
    beta = np.linalg.lstsq(X, y, rcond=None)[0]
    nu = np.linalg.lstsq(X.T, beta, rcond=None)[0]
    scale = max(np.abs(beta).max(), np.finfo(float).tiny)
    top = max(np.abs(y).max(), np.finfo(float).tiny)
    off = np.abs(X.T @ nu - beta).max() / scale
    return Interpolator(beta, nu, float(np.abs(X @ beta - y).max() / top), float(off))
