"""SAM's two-cycle across a manifold of minimisers, and the flow along it that the cycle drives.

Near a minimiser p with curvatures lam_1 > lam_2 >= ... > 0, unit eigenvectors v_i and D_ij.. = D^3 f[v_i, v_j, ..],
SAM's iterates alternate about p along v_1 (derived, to the orders given, for eta lam_1 < 2):

    distance  a = eta rho lam_1/(2 - eta lam_1), the perturbed point at a + rho = 2 rho/(2 - eta lam_1);
    shift     the centre of the cycle is off p along v_1, by (a + rho)^2 D_111/(2 lam_1) of O(rho^2): the distances of
              even and odd steps differ, by a share of about rho D_111/(eta lam_1^2); beyond a share of one the iterate
              no longer changes sides, and the alignment is lost: this is the threshold of rho/eta;
    tilt      the gradient at the iterates is off v_1, by (1/2) rho ((2 + h)/(2 - h)) D_11j/(lam_j + g) towards v_j,
              h = eta lam_1 and g = eta lam_1^2/(2 - h): with G_j = lam_j x_j + a^2 D_11j/2 the gradient along v_j, the
              pull -eta (lam_j x_j + lam_j rho G_j/(a lam_1)) holds the drift -eta (a + rho)^2 D_11j/2.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from samtheory.evaluate import hessian
from samtheory.flows.core import FlowError
from samtheory.flows.gradient import Projection, project
from samtheory.flows.manifold import Slope, manifold_flow, radius_factor, third_twice, top_eigenvalue
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate

POINTS = 9  # of a path


@dataclasses.dataclass(frozen=True)
class Descent:
    """The flow of a slope from Phi(start), for as long as its first speed takes to travel a given distance.

    times, path   [POINTS], [POINTS, d]
    lam           the largest eigenvalue anywhere on the path; lam_M the smallest non-zero one
    gap           the largest lam_2/lam_1 on it (0 for rank one)
    lean          the largest |D^3 f[v_1, v_1, v_1]|/lam_1^2 on it: rho lean/eta is the share of the shift
    """

    problem: Any
    start: np.ndarray
    limit: Projection
    times: np.ndarray
    path: np.ndarray
    lam: float
    lam_M: float
    gap: float
    lean: float


def descent(problem: Any, start: Any, move: float, slope: Slope = top_eigenvalue) -> Descent | None:
    """The descent from `start`; None where the gradient flow reaches no minimum or the slope's flow does not exist."""
    try:
        limit = project(problem, start)
        lam, V = np.linalg.eigh(hessian(problem, limit.point))
        normal, g = V[:, -limit.rank :], slope(problem, limit.point, lam, V)
        times = np.linspace(0, move / (np.linalg.norm(g - normal @ (normal.T @ g)) / 2), POINTS)
        path = manifold_flow(problem, limit.point, times, slope)
    except (FlowError, ZeroDivisionError):
        return None
    spectra = [(np.linalg.eigh(hessian(problem, x)), x) for x in path]
    lean = [abs(V[:, -1] @ third_twice(problem, x, V[:, -1])) / lam[-1] ** 2 for (lam, V), x in spectra]
    tops = np.array([lam[-1] for (lam, _), _ in spectra])
    gaps = [lam[-2] / lam[-1] if limit.rank > 1 else 0.0 for (lam, _), _ in spectra]
    least = min(float(lam[-limit.rank]) for (lam, _), _ in spectra)
    return Descent(
        problem, np.asarray(start), limit, times, path, float(tops.max()), least, float(max(gaps)), float(max(lean))
    )


def tilt(problem: Any, p: np.ndarray, rank: int, eta: float, rho: float) -> float:
    """Tangent of the angle between the gradient of the cycle at the minimiser p and v_1."""
    lam, V = np.linalg.eigh(hessian(problem, p))
    others, h = slice(-rank, -1), eta * lam[-1]
    D = V[:, others].T @ third_twice(problem, p, V[:, -1])
    g = eta * lam[-1] ** 2 / (2 - h)
    return float(0.5 * rho * (2 + h) / (2 - h) * np.linalg.norm(D / (lam[others] + g)))


def shift(problem: Any, p: np.ndarray, eta: float, rho: float) -> float:
    """How far the centre of the cycle is off the minimiser p, along v_1."""
    lam, V = np.linalg.eigh(hessian(problem, p))
    radius = radius_factor(eta, lam[-1]) * rho
    return float(radius**2 * abs(V[:, -1] @ third_twice(problem, p, V[:, -1])) / (2 * lam[-1]))


def last_two(problem: Any, eta: float, rho: float, start: Any, steps: int) -> np.ndarray:
    """The iterates x_steps and x_(steps + 1) of SAM, [2, d]; their mean is the centre of the cycle."""
    end = simulate(problem, SAM(eta, rho), start, steps, every=max(steps, 1), threads=1)
    return simulate(problem, SAM(eta, rho), end.x, 1, threads=1).states
