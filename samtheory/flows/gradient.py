"""The gradient flow dx/dt = -grad f(x), the limit it takes a point to, and Newton's way back to a set of minimisers.

Where the minimisers form a manifold on which the Hessian has constant rank, the limit Phi(x) is a point of it that
depends smoothly on x; Phi(x) = x - H^+ grad f + O(|x - Phi(x)|^2), H^+ the pseudo-inverse of the Hessian at x.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from samtheory.evaluate import gradients, hessian
from samtheory.flows.core import ATOL, RTOL, FlowError, solve
from samtheory.problems.core import dim
from samtheory.validate import array, between, positive

FLAT = 1e-6  # curvatures below this share of the largest count as tangential
_NEAR = 1e-8  # distance from the minimisers, over 1 + |x|, from where one Newton step is exact to round-off
_DOUBLINGS = 60  # of the time integrated, from one over the largest curvature


class Projection(NamedTuple):
    """The limit of the gradient flow, a bound of its error, and the rank of the Hessian there."""

    point: np.ndarray
    error: float
    rank: int


def gradient_flow(problem: Any, x0: Any, times: Any, *, rtol: float = RTOL, atol: float = ATOL) -> np.ndarray:
    """x at `times` (increasing, the first is that of x0), shape [len(times), d]; the Hessian is the Jacobian."""
    return solve(
        lambda t, x: -gradients(problem, x), x0, times, rtol=rtol, atol=atol, jac=lambda t, x: -hessian(problem, x)
    )


def newton_step(problem: Any, x: np.ndarray, rank: int | None = None, flat: float = FLAT) -> np.ndarray:
    """-H^+ grad f(x), H^+ from the `rank` largest eigenvalues (default: those above `flat` times the largest)."""
    lam, V = np.linalg.eigh(hessian(problem, x))
    normal = slice(-rank, None) if rank is not None else lam > flat * lam[-1]
    return -(V[:, normal] / lam[normal]) @ (V[:, normal].T @ gradients(problem, x))


def retract(problem: Any, x: Any, rank: int | None = None, flat: float = FLAT) -> np.ndarray:
    """A minimiser near x, by Newton steps in the normal space; quadratically convergent, not the nearest point."""
    x = array(dim(problem))("x", x)
    for _ in range(30):
        step = newton_step(problem, x, rank, flat)
        x = x + step
        if np.linalg.norm(step) <= 1e-14 * (1 + np.linalg.norm(x)):
            return x
        if not np.isfinite(x).all():
            break
    raise FlowError(f"Newton steps do not settle on a minimiser; the last one has length {np.linalg.norm(step):g}")


def project(problem: Any, x: Any, *, rtol: float = 1e-12, atol: float = 1e-14, flat: float = FLAT) -> Projection:
    """Phi(x), the limit of the gradient flow from x: integrated to within 1e-8 of the minimisers, then Newton.

    The error is that of the same with tolerances a hundred times larger (which is larger), plus 1e-14 (1 + |x|).
    Raises FlowError where the flow goes to no minimum of constant rank within 2^60 over the largest curvature.
    """
    x = array(dim(problem))("x", x)
    rtol, atol = positive("rtol", rtol), positive("atol", atol)
    flat = between(0.0, 1.0)("flat", flat)
    point, rank = _limit(problem, x, rtol, atol, flat)
    coarse, _ = _limit(problem, x, 100 * rtol, 100 * atol, flat)
    return Projection(point, float(np.linalg.norm(point - coarse) + 1e-14 * (1 + np.linalg.norm(x))), rank)


def _limit(problem: Any, x: np.ndarray, rtol: float, atol: float, flat: float) -> tuple[np.ndarray, int]:
    span = 1 / max(np.abs(np.linalg.eigvalsh(hessian(problem, x))).max(), np.finfo(float).tiny)
    for _ in range(_DOUBLINGS):
        lam = np.linalg.eigvalsh(hessian(problem, x))
        if lam[-1] > 0 and lam[0] > -flat * lam[-1]:
            step = newton_step(problem, x, None, flat)
            if np.linalg.norm(step) <= _NEAR * (1 + np.linalg.norm(x)):
                rank = int((lam > flat * lam[-1]).sum())
                return retract(problem, x, rank, flat), rank
        x = gradient_flow(problem, x, [0.0, span], rtol=rtol, atol=atol)[-1]
        span *= 2
    raise FlowError(f"the gradient flow reached no minimum; it is at {x.tolist()} with curvatures {lam.tolist()}")
