"""Flows on a manifold of minimisers along which a function S of the Hessian's spectrum decreases.

    dX/dt = -(1/2) P_X grad S(X),   P_X the orthogonal projection on the kernel of the Hessian at X

With S the largest eigenvalue it is the limit of SAM, with S the trace that of SAM on one sample a step, in the slow
time eta rho^2 t (Wen, Ma & Li 2023).  The step size enters at the next order: the perturbed points are at distance
2 rho/(2 - eta lam) from the minimisers instead of rho, which multiplies the speed by `radius_factor`^2 (derived).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from samtheory.evaluate import hessian, third_derivative
from samtheory.flows.core import ATOL, RTOL, FlowError, solve
from samtheory.flows.gradient import FLAT, newton_step, retract
from samtheory.problems.core import dim, third
from samtheory.validate import array

Slope = Callable[[Any, np.ndarray, np.ndarray, np.ndarray], np.ndarray]

TIE = 1e-7  # a top eigenvalue this close to the next, relatively, has no gradient
_DIFFERENCE = np.array([-1, 9, -45, 45, -9, 1]) / 60  # sixth-order first derivative at -3, ..., 3


def third_twice(problem: Any, x: np.ndarray, v: np.ndarray, h: float = 1e-2) -> np.ndarray:
    """Gradient in x of v' Hessian(x) v: the problem's own `third`, else sixth-order differences of the Hessian.

    The differences err by h^6/140 times a ninth derivative of the objective, and by round-off |Hessian| eps/h.
    """
    if third.supports(type(problem)):  # type: ignore[attr-defined]
        return third_derivative(problem, x, v)
    points = x + h * np.array([-3, -2, -1, 1, 2, 3])[:, None, None] * np.eye(x.size)
    return _DIFFERENCE @ (hessian(problem, points) @ v @ v) / h


def top_eigenvalue(problem: Any, x: np.ndarray, lam: np.ndarray, V: np.ndarray) -> np.ndarray:
    """grad lam_1 = D^3 f[v_1, v_1]; FlowError at a tie, where there is no gradient."""
    if lam.size > 1 and lam[-1] - lam[-2] <= TIE * lam[-1]:
        raise FlowError(f"the two largest eigenvalues are tied at {x.tolist()}: {lam[-1]:.9g}, {lam[-2]:.9g}")
    return third_twice(problem, x, V[:, -1])


def trace(problem: Any, x: np.ndarray, lam: np.ndarray, V: np.ndarray) -> np.ndarray:
    """grad of the trace of the Hessian, sum_i D^3 f[e_i, e_i]."""
    if third.supports(type(problem)):  # type: ignore[attr-defined]
        return third_derivative(problem, np.tile(x, (x.size, 1)), np.eye(x.size)).sum(axis=0)
    return np.sum([third_twice(problem, x, e) for e in np.eye(x.size)], axis=0)


def radius_factor(eta: float, lam: Any) -> Any:
    """2/(2 - eta lam): how much further than rho from the minimisers SAM's perturbed points are."""
    return 2 / (2 - eta * lam)


def refined_top(eta: float, power: float = 2) -> Slope:
    """`top_eigenvalue` times radius_factor(eta, lam_1)^power; the power of the limit of SAM is 2."""

    def slope(problem, x, lam, V):
        return radius_factor(eta, lam[-1]) ** power * top_eigenvalue(problem, x, lam, V)

    return slope


def manifold_flow(
    problem: Any,
    start: Any,
    times: Any,
    slope: Slope,
    *,
    speed: float = 0.5,
    rtol: float = RTOL,
    atol: float = ATOL,
    flat: float = FLAT,
) -> np.ndarray:
    """X at `times` (increasing, the first is that of `start`), [len(times), d], of dX/dt = -speed P_X slope.

    slope(problem, x, lam, V) has the gradient of S in R^d, lam and V the ascending eigenpairs of the Hessian at x.
    `start` is first retracted to a minimiser, whose number of curvatures above `flat` times the largest is the rank;
    the slope is taken one Newton step from the integrator's point, and the results are retracted.  Raises FlowError
    where a slope does not exist (a tie of the top eigenvalue), or as `solve` does.
    """
    x0 = retract(problem, array(dim(problem))("start", start), None, flat)
    lam = np.linalg.eigvalsh(hessian(problem, x0))
    rank = int((lam > flat * lam[-1]).sum())

    def rhs(t, y):
        x = y + newton_step(problem, y, rank, flat)
        lam, V = np.linalg.eigh(hessian(problem, x))
        g = slope(problem, x, lam, V)
        normal = V[:, -rank:]
        return -speed * (g - normal @ (normal.T @ g))

    path = solve(rhs, x0, times, rtol=rtol, atol=atol)
    return np.array([retract(problem, x, rank, flat) for x in path])
