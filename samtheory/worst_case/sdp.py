"""Performance estimation: the worst that a rule can do to any function of a class, as a semidefinite programme.

For a rule whose points are linear in x_0 and the gradients (GD, USAM, Unified SAM with lam = 0, and one step of SAM at
a fixed |g(x_0)|) the supremum over the class is the value of a semidefinite programme in the Gram matrix of the
points and gradients (Drori & Teboulle 2014; Taylor, Hendrickx & Glineur 2017).  Its dual solution is a proof of the
value, up to a residual that is computed here from the multipliers and reported.  PEPit sets the programme up, Clarabel
solves it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib.util
import math
import time
import warnings
from typing import Any, NamedTuple

import numpy as np

from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.rules.usam import USAM
from samtheory.validate import called, count, nonnegative, positive

CLASSES = ("smooth-strongly-convex", "smooth-convex", "smooth")
METRICS = ("gap", "distance", "gap-from-distance", "gradient", "least-gradient", "mean-gradient")

TOLERANCES = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}


@dataclasses.dataclass(frozen=True)
class WorstCase:
    """Worst value of a metric over a class of functions.

    value      dual value: no function of the class does worse, up to `residual`
    attained   primal value: a function (in some dimension) that does this badly, up to the solver's feasibility
    residual   how far the multipliers are from a proof: the largest of -(a multiplier that must be >= 0),
               -(smallest eigenvalue of the slack matrix), |coefficients that must cancel|
    error      |value - attained| + residual x (trace of the Gram matrix + sum of the |function values|): what the
               numbers may be off by; inf where there are none
    status     the solver's word ('optimal', 'optimal_inaccurate', 'infeasible', 'failed: ...')
    seconds    time of the solve
    """

    value: float
    attained: float
    residual: float
    error: float
    status: str
    seconds: float
    unit: float = 1.0

    @property
    def solved(self) -> bool:
        """Whether there is a solution whose certificate proves what it attains, to 1e-4 of the value or of `unit`."""
        return self.status.startswith("optimal") and self.error < 1e-4 * max(self.unit, abs(self.value))


class SolverError(ArithmeticError):
    """A semidefinite programme was not solved; the message has the solver's status."""


def available() -> bool:
    """Whether the extra `pep` is installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("PEPit", "cvxpy", "clarabel"))


def worst_case(
    rule: Any,
    functions: str,
    *,
    L: float,
    mu: float = 0.0,
    steps: int = 1,
    metric: str = "gap",
    start: float = 1.0,
    gradient_norm: float | None = None,
) -> WorstCase:
    """The worst value of `metric` after `steps` steps of `rule` over `functions`.

    functions   'smooth-strongly-convex' (mu, L), 'smooth-convex' (L), 'smooth' (L; not convex)
    metric      'gap'                f(x_N) - f*        where f(x_0) - f* <= start
                'distance'           |x_N - x*|^2       where |x_0 - x*|^2 <= start
                'gap-from-distance'  f(x_N) - f*        where |x_0 - x*|^2 <= start
                'gradient'           |g(x_N)|^2         where |g(x_0)|^2 <= start
                'least-gradient'     min_{k < N} |g(x_k)|^2    where f(x_0) - f(x_N) <= start
                'mean-gradient'      mean_{k < N} |g(x_k)|^2   where f(x_0) - f* <= start
    gradient_norm   |g(x_0)|, needed for SAM (one step), whose ascent is then linear in the gradient

    Raises ValueError or TypeError before any compute; ImportError where the extra `pep` is missing.
    """
    L, steps, start = positive("L", L), count(1, 12)("steps", steps), positive("start", start)
    mu = nonnegative("mu", mu)
    if functions not in CLASSES:
        raise ValueError(f"functions = {functions!r} is unknown; it must be one of {', '.join(CLASSES)}")
    if metric not in METRICS:
        raise ValueError(f"metric = {metric!r} is unknown; it must be one of {', '.join(METRICS)}")
    if mu > L:
        raise ValueError(f"mu = {mu} is larger than L = {L}; a class needs mu < L")
    if mu == L:
        raise ValueError(f"mu = {mu} = L leaves one parabola, no class to search; a class needs mu < L")
    if functions == "smooth-strongly-convex" and mu == 0:
        raise ValueError(
            f"mu = 0 does not suit functions = {functions!r}, which needs mu > 0; smooth-convex has mu = 0"
        )
    if functions != "smooth-strongly-convex" and mu > 0:
        raise ValueError(f"mu = {mu} does not suit functions = {functions!r}; only smooth-strongly-convex has a mu > 0")
    if functions == "smooth" and metric not in ("least-gradient", "mean-gradient"):
        raise ValueError(f"metric = {metric!r} is unbounded for smooth functions; ask for least- or mean-gradient")
    ascent = _ascent(rule, steps, gradient_norm)
    if not available():
        raise ImportError("worst_case needs the optional extra: pip install 'samtheory[pep]'")
    # f = L s^2 F(x/s) has curvatures of F at most 1; s is chosen so that F starts from 1, and the solver sees only F
    square = start / {"distance": 1.0, "gap-from-distance": 1.0, "gradient": L**2}.get(metric, L)
    unit = square * {"distance": 1.0, "gap": L, "gap-from-distance": L}.get(metric, L**2)
    norm, length = None, ascent * L  # USAM's rho is an inverse curvature, SAM's a length
    if gradient_norm is not None:
        norm, length = gradient_norm / (L * math.sqrt(square)), ascent / math.sqrt(square)
    found = _solve(length, float(rule.eta) * L, functions, mu / L, steps, metric, norm)
    numbers = {name: unit * getattr(found, name) for name in ("value", "attained", "residual", "error")}
    return dataclasses.replace(found, **numbers, unit=unit)


def sam_step_worst_gap(rule: SAM, *, L: float, mu: float, start: float, points: int = 16) -> tuple[float, float]:
    """(sup of f(x_1) - f* over one step of SAM from f(x_0) - f* <= start, the |g(x_0)| where it is attained).

    A sweep of |g(x_0)| over (0, sqrt(2 L start)], refined about its best point to a relative 1e-4 of the norm; the
    value is a lower bound of the supremum by the width of that grid.  Raises SolverError where a programme fails.
    """
    from scipy.optimize import minimize_scalar

    top = math.sqrt(2 * L * start) * (1 - 1e-6)  # at the very end the programme has no interior

    def gap(norm: float) -> float:
        found = worst_case(rule, "smooth-strongly-convex", L=L, mu=mu, start=start, gradient_norm=norm)
        if not found.error < 1e-3 * max(start, found.attained):  # a sweep needs no more
            raise SolverError(f"|g(x_0)| = {norm:g}, start = {start:g}: {found.status}, error {found.error:.2g}")
        return found.attained

    norms = top * np.linspace(0, 1, count(3)("points", points) + 1)[1:] ** 1.5
    values = [gap(norm) for norm in norms]
    best = int(np.argmax(values))
    low, high = norms[max(best - 1, 0)] if best else norms[0] / 1000, norms[min(best + 1, points - 1)]
    fine = minimize_scalar(lambda norm: -gap(norm), bounds=(low, high), method="bounded", options={"xatol": 1e-4 * top})
    return max((values[best], float(norms[best])), (-float(fine.fun), float(fine.x)))


def invariant_level(rule: SAM, *, L: float, mu: float, accuracy: float = 0.01) -> float:
    """The smallest R such that f(x_0) - f* <= R implies f(x_1) - f* <= R, to a relative `accuracy`.

    Bisection on R of `sam_step_worst_gap`; SAM's step scales as R -> s^2 R, rho -> s rho.
    """
    accuracy = positive("accuracy", accuracy)
    low = high = L * float(rule.rho) ** 2
    while sam_step_worst_gap(rule, L=L, mu=mu, start=high)[0] > high:
        low, high = high, 4 * high
    while sam_step_worst_gap(rule, L=L, mu=mu, start=low)[0] <= low:
        low, high = low / 4, low
    while high > low * (1 + accuracy):
        middle = math.sqrt(low * high)
        inside = sam_step_worst_gap(rule, L=L, mu=mu, start=middle)[0] <= middle
        low, high = (low, middle) if inside else (middle, high)
    return math.sqrt(low * high)


class Extremal(NamedTuple):
    """Points x [K, r] of a worst function, its gradients [K, r] and values [K] there, in as few dimensions as found.

    The minimiser, where there is one, is row 0, at 0 with value 0; then x_0, y_0, x_1, y_1, ..., x_N.
    """

    x: np.ndarray
    gradient: np.ndarray
    value: np.ndarray


def extremal(rule: Any, functions: str, *, mu: float = 0.0, steps: int = 1, metric: str = "gap") -> Extremal:
    """What a worst function looks like at the points of the run, L = 1 and start = 1 (see `worst_case`).

    Among the solutions one of low rank is sought (log-det heuristic of PEPit), so that it can be drawn; any function
    of the class that interpolates these data is a worst one.  Raises as `worst_case`, and SolverError.
    """
    if not worst_case(rule, functions, L=1.0, mu=mu, steps=steps, metric=metric).solved:
        raise SolverError(f"there is no worst {metric} of {rule!r} over {functions} functions")
    problem, f = _programme(_ascent(rule, steps, None), float(rule.eta), functions, mu, steps, metric, None)
    with warnings.catch_warnings(), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")
        problem.solve(wrapper="cvxpy", solver="CLARABEL", verbose=0, dimension_reduction_heuristic="logdet3")
    x, g, value = (np.array([part.eval() for part in column]) for column in zip(*f.list_of_points))
    away = x - x[0]
    sizes, basis = np.linalg.svd(np.concatenate([away, g]), full_matrices=False)[1:]
    rank = int((sizes > 1e-3 * sizes[0]).sum())
    return Extremal(away @ basis[:rank].T, g @ basis[:rank].T, value - value[0])


def _ascent(rule: Any, steps: int, gradient_norm: float | None) -> float:
    """What the gradient is multiplied by in the perturbation; for SAM its unit vector."""
    if not all(isinstance(v, int | float) for v in rule if not isinstance(v, str)):
        raise ValueError(f"rule = {rule!r} has a schedule; a worst case is of constant eta and rho")
    if isinstance(rule, SAM):
        if steps != 1 or gradient_norm is None:
            raise ValueError(
                f"steps = {steps}, gradient_norm = {gradient_norm}: SAM is linear for one step at a given |g(x_0)| only"
            )
        positive("gradient_norm", gradient_norm)
        return float(rule.rho)
    if gradient_norm is not None:
        raise ValueError(f"gradient_norm = {gradient_norm} is for SAM; {called(rule)} does not normalise")
    if isinstance(rule, GD):
        return 0.0
    if isinstance(rule, USAM):
        return float(rule.rho)
    if isinstance(rule, UnifiedSAM) and rule.lam == 0:
        return float(rule.rho)
    raise TypeError(
        f"rule = {called(rule)} is not linear in the gradients; GD, USAM, UnifiedSAM with lam = 0 and SAM are"
    )


@functools.lru_cache(maxsize=4096)
def _solve(ascent, eta, functions, mu, steps, metric, gradient_norm) -> WorstCase:
    """The worst case at L = 1 and start = 1."""
    return _run(_programme(ascent, eta, functions, mu, steps, metric, gradient_norm)[0])


def _programme(ascent, eta, functions, mu, steps, metric, gradient_norm) -> tuple[Any, Any]:
    """The programme at L = 1 and start = 1, and the unknown function in it."""
    from PEPit import PEP, Expression, Point
    from PEPit.functions import SmoothConvexFunction, SmoothFunction, SmoothStronglyConvexFunction

    problem = PEP()
    kind = {
        "smooth-strongly-convex": lambda: problem.declare_function(SmoothStronglyConvexFunction, mu=mu, L=1.0),
        "smooth-convex": lambda: problem.declare_function(SmoothConvexFunction, L=1.0),
        "smooth": lambda: problem.declare_function(SmoothFunction, L=1.0),
    }
    f = kind[functions]()
    bottom = None if functions == "smooth" else f.stationary_point()
    f_star = Expression() if bottom is None else f(bottom)
    x0 = x = problem.set_initial_point()
    seen, everywhere = [], []  # (gradient, value) at the iterates, and at the perturbed points too
    for _ in range(steps):
        if gradient_norm is None:
            g, value = f.oracle(x)
            y = x + ascent * g
        else:  # SAM: with the direction as the unknown the programme is well scaled however short the gradient is
            direction, value = Point(), Expression()
            problem.add_constraint(direction**2 == 1)
            g, y = gradient_norm * direction, x + ascent * direction
            f.add_point((x, g, value))
        descent, value_y = f.oracle(y)
        seen.append((g, value))
        everywhere += [(g, value), (descent, value_y)]
        x = x - eta * descent
    g, value = f.oracle(x)
    everywhere.append((g, value))
    if functions == "smooth" and metric == "mean-gradient":  # f* is an infimum: f* <= f_i - |g_i|^2/2 everywhere
        for one, height in everywhere:
            problem.add_constraint(f_star <= height - one**2 / 2)
    g0, f0 = seen[0]
    conditions = {
        "gap": lambda: f0 - f_star,
        "distance": lambda: (x0 - bottom) ** 2,
        "gap-from-distance": lambda: (x0 - bottom) ** 2,
        "gradient": lambda: g0**2,
        "least-gradient": lambda: f0 - value,
        "mean-gradient": lambda: f0 - f_star,
    }
    problem.set_initial_condition(conditions[metric]() <= 1)
    if metric in ("gap", "gap-from-distance"):
        problem.set_performance_metric(value - f_star)
    elif metric == "distance":
        problem.set_performance_metric((x - bottom) ** 2)
    elif metric == "gradient":
        problem.set_performance_metric(g**2)
    elif metric == "least-gradient":
        for one, _ in seen:
            problem.set_performance_metric(one**2)
    else:
        problem.set_performance_metric(sum((one**2 for one, _ in seen[1:]), g0**2) / steps)
    return problem, f


def _run(problem: Any) -> WorstCase:
    began = time.perf_counter()
    with warnings.catch_warnings(), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")  # the status says what the warning would
        try:
            dual = problem.solve(wrapper="cvxpy", solver="CLARABEL", verbose=0, **TOLERANCES)
        except Exception as error:  # cvxpy raises SolverError, PEPit asserts on solutions that are None
            return WorstCase(math.nan, math.nan, math.inf, math.inf, f"failed: {error}", time.perf_counter() - began)
    seconds, status = time.perf_counter() - began, problem.wrapper.prob.status
    if dual is None:
        return WorstCase(math.inf, math.inf, math.inf, math.inf, status, seconds)
    attained, residual = float(problem.objective.eval()), _residual(problem)
    size = float(np.trace(problem.G_value) + np.abs(problem.F_value).sum())
    return WorstCase(float(dual), attained, residual, abs(dual - attained) + residual * size, status, seconds)


def _residual(problem: Any) -> float:
    """How far the multipliers are from a proof of the dual value, from the multipliers alone."""
    from PEPit import Point

    slack = problem.residual
    combined = -np.dot(Point.list_of_leaf_points, np.dot(slack, Point.list_of_leaf_points))
    worst = max(0.0, -float(np.linalg.eigvalsh((slack + slack.T) / 2)[0]))
    for constraint in problem._list_of_prepared_constraints:  # PEPit names no public way to all of them
        combined += constraint.eval_dual() * constraint.expression
        if constraint.equality_or_inequality == "inequality":
            worst = max(worst, -float(constraint.eval_dual()))
    left: dict[Any, float] = {}
    for key, coefficient in (problem.objective - combined).decomposition_dict.items():
        both = frozenset(key) if isinstance(key, tuple) else key  # <p, q> and <q, p> are one term
        left[both] = left.get(both, 0.0) + coefficient
    return max([worst, *(abs(v) for k, v in left.items() if k != 1)])
