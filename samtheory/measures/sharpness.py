"""Sharpness of a loss f at a point x, each number with what is known of its error.

    ascent_direction(problem, x, rho)    f(x + rho g/|g|) - f(x),  g = grad f(x)  (`ascent_loss_gradient` of the first)
    worst_direction(problem, x, rho)     max over |v| <= 1 of f(x + rho v) - f(x)
    average_direction(problem, x, rho)   mean over |u| = 1 (uniform on the sphere) of f(x + rho u) - f(x)
    top_eigenvalue(problem, x)           largest eigenvalue of the Hessian
    trace(problem, x)                    its trace
    least_nonzero_eigenvalue(problem, x) its smallest non-zero eigenvalue, where a rank is stated
    per_sample(measure, problem, x, ...) mean over the samples i of `measure` of f_i: what batches of one see

x has shape [d].  Each returns a `Sharpness`: a value that lies in [low, high], and how that is known.  The errors do
not include the round-off with which f itself is evaluated: 1e-16 |f|/rho^2 of a sharpness divided by rho^2.
(Foret et al. 2021; Wen, Ma & Li 2023, Definition 4.1.)
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from samtheory.evaluate import dense_hessian, gradients, hessian_vector, losses
from samtheory.problems.core import dim, hess, hessian_lipschitz, hvp, sample_hvp
from samtheory.problems.sample import Sample, each_sample
from samtheory.sde.order import FALSE_ALARM, mean_interval
from samtheory.validate import array, count, nonnegative, positive

_QUADRATURE = 6  # up to this dimension averages over the sphere are product rules, above it they are drawn
_NODES = 6, 4  # nodes an angle, of the rule and of the one it is compared with
_PROBES = 2560  # draws of a trace, or pairs +-u of an average
EPS = float(np.finfo(float).eps)


@dataclasses.dataclass(frozen=True)
class Sharpness:
    """value, with low <= true value <= high as far as `how` says (high = inf: no upper bound is known)."""

    value: float
    low: float
    high: float
    how: str

    @property
    def error(self) -> float:
        """Half-width about `value`."""
        return max(self.value - self.low, self.high - self.value)


# ------------------------------------------------------------------------------------ at a distance rho


def ascent_direction(problem: Any, x: Any, rho: float) -> Sharpness:
    """f(x + rho g/|g|) - f(x), rho >= 0; where g = grad f(x) is exactly zero there is no direction and it is 0."""
    x, rho = array(dim(problem))("x", x), nonnegative("rho", rho)
    g = gradients(problem, x)
    length = np.linalg.norm(g)
    if length == 0:
        return Sharpness(0.0, 0.0, 0.0, "the gradient is exactly zero: no perturbation")
    value = float(losses(problem, x + rho / length * g) - losses(problem, x))
    return Sharpness(value, value, value, "exact")


def ascent_loss_gradient(problem: Any, X: Any, rho: float) -> np.ndarray:
    """Gradient of f(x + rho g/|g|) at every point of X, [..., d]; NaN where g = grad f(x) is zero.

    G + (rho/|g|) Hess f(x) (G - <h, G> h) with h = g/|g| and G = grad f(x + rho h).
    """
    g = gradients(problem, X)
    length = np.linalg.norm(g, axis=-1, keepdims=True)
    h = np.divide(g, length, out=np.full_like(g, np.nan), where=length > 0)
    G = gradients(problem, X + rho * h)
    across = G - h * np.sum(h * G, axis=-1, keepdims=True)
    return G + rho * hessian_vector(problem, X, across) / np.where(length > 0, length, np.nan)


def worst_direction(
    problem: Any,
    x: Any,
    rho: float,
    *,
    lipschitz: float | None = None,
    starts: int = 8,
    iterations: int = 200,
    seed: int = 0,
) -> Sharpness:
    """max over |v| <= 1 of f(x + rho v) - f(x), rho > 0.

    lipschitz   Lipschitz constant C of the Hessian on the ball (default: what the problem registers as
                `hessian_lipschitz`, else none)

    low is attained: the best of projected gradient ascents from +-g, +- the top eigenvector, the maximiser of the
    second-order model and `starts` random points.  high = model + C rho^3/6, the model's maximum max_|s|<=rho
    g's + s'Hs/2 bounded from above by its Lagrange dual; where C = 0 (quadratics) that maximum is the answer, exactly.
    """
    d = dim(problem)
    x, rho = array(d)("x", x), positive("rho", rho)
    starts, iterations = count(0)("starts", starts), count(0)("iterations", iterations)
    C = hessian_lipschitz(problem, x, rho) if lipschitz is None else nonnegative("lipschitz", lipschitz)
    g = gradients(problem, x)
    length = np.linalg.norm(g)
    V = [sign * v for v in np.random.default_rng(seed).standard_normal((starts, d)) for sign in (1, -1)][:starts]
    V += [sign * g for sign in (1, -1) if length > 0]
    ceiling, floor = math.inf, -math.inf
    if _has_hessian(problem):
        spectrum, vectors = np.linalg.eigh(dense_hessian(problem, x))
        s, floor, ceiling = ball_maximum(vectors.T @ g, spectrum, rho)
        if C == 0:
            return Sharpness(ceiling, min(floor, ceiling), ceiling, "secular equation of a quadratic, primal and dual")
        V += [vectors @ s, vectors[:, -1], -vectors[:, -1]]
        floor, ceiling = floor - C * rho**3 / 6, ceiling + C * rho**3 / 6
    if not V:
        raise ValueError(f"starts = {starts!r} is not allowed; without a gradient and a Hessian there must be one")
    found = _climb(problem, x, rho, np.array([v / np.linalg.norm(v) for v in V if v.any()]), iterations)
    value = max(float(found - losses(problem, x)), floor)
    how = f"attained; the best of {len(V)} projected ascents"
    if math.isfinite(ceiling):
        how += f"; above: second-order model + C rho^3/6, C = {C:.3g}"
    return Sharpness(value, value, max(value, ceiling), how)


def ball_maximum(g: Any, lam: Any, rho: float) -> tuple[np.ndarray, float, float]:
    """(s, m, M) with m = g's + sum lam s^2/2 at a |s| <= rho, m <= max over the ball <= M; m = M to round-off.

    At the maximum (mu - lam_i) s_i = g_i with mu >= max(lam, 0), |s| = rho if mu > 0.  M is the Lagrange dual
    mu rho^2/2 + sum g_i^2/(mu - lam_i)/2, a bound for every such mu.
    """
    g, lam = array(None)("g", g), array(np.size(g))("lam", lam)
    top = max(float(lam.max()), 0.0)

    def point(mu):
        return np.divide(g, mu - lam, out=np.zeros_like(g), where=g != 0)

    length = float(np.linalg.norm(g))
    low, high = EPS * max(float(np.abs(lam).max()), length / rho), length / rho  # of mu - top
    if top == 0.0 and lam.max() < 0 and np.linalg.norm(point(0.0)) <= rho:
        mu = 0.0
    else:
        mu = top + low
        if high > low and np.linalg.norm(point(mu)) > rho:
            for _ in range(200):  # halving the logarithm of mu - top
                middle = math.sqrt(low * high)
                low, high = (middle, high) if np.linalg.norm(point(top + middle)) > rho else (low, middle)
            mu = top + high
    s = point(mu)
    dual = mu * rho**2 / 2 + g @ s / 2
    if mu > 0:
        left = rho**2 - s @ s  # what is missing goes along the top eigenvector, on the side of g
        k = int(lam.argmax())
        side = 1.0 if s[k] >= 0 else -1.0
        s[k] = side * math.sqrt(max(s[k] ** 2 + left, 0.0))
        s *= min(1.0, rho / np.linalg.norm(s))
    return s, float(g @ s + lam @ s**2 / 2), float(dual)


def _climb(problem: Any, x: np.ndarray, rho: float, V: np.ndarray, iterations: int) -> float:
    """The largest f(x + rho v) on the way of v <- v + t G/|G|, G the gradient there, pulled back onto the ball.

    Every start keeps a step t of its own: large (v <- G/|G|, a power iteration) while f rises, a quarter where not.
    """
    best = np.nan_to_num(losses(problem, x + rho * V), nan=-np.inf)
    t = np.full(len(V), 1e3)
    for _ in range(iterations):
        G = gradients(problem, x + rho * V)
        length = np.linalg.norm(G, axis=1)
        W = V + np.divide(t, length, out=np.zeros_like(t), where=length > 0)[:, None] * G
        W /= np.maximum(np.linalg.norm(W, axis=1), 1)[:, None]
        new = np.nan_to_num(losses(problem, x + rho * W), nan=-np.inf)
        rises = new > best
        V = np.where(rises[:, None], W, V)
        best = np.maximum(new, best)
        t = np.where(rises, np.minimum(2 * t, 1e6), t / 4)
        if (t < 1e-8).all():
            break
    return float(best.max())


def average_direction(
    problem: Any, x: Any, rho: float, *, draws: int | None = None, seed: int = 0, false_alarm: float = FALSE_ALARM
) -> Sharpness:
    """Mean of f(x + rho u) - f(x) over the unit sphere, rho > 0.

    Quadratics: rho^2 trace/(2 d).  d <= 6 (unless `draws` is given): product Gauss rules, exact for polynomials of
    degree <= 11; the error is the difference to a rule of degree 7 and d ulp.  Otherwise `draws` pairs +-u, less
    the second-order model (where there is a Hessian), whose mean is known; Student's interval of their mean.
    """
    d = dim(problem)
    x, rho = array(d)("x", x), positive("rho", rho)
    here = losses(problem, x)
    known = _has_hessian(problem)
    if draws is None and known and hessian_lipschitz(problem, x, rho) == 0:
        total = trace(problem, x)
        return Sharpness(*(rho**2 / (2 * d) * v for v in (total.value, total.low, total.high)), "trace of a quadratic")
    if draws is None and d <= _QUADRATURE:
        fine, coarse = (_over_the_sphere(problem, x, rho, here, *sphere_rule(d, n)) for n in _NODES)
        error = abs(fine - coarse) + 4 * d * EPS * abs(fine)
        return Sharpness(fine, fine - error, fine + error, "product rule of degree 11, error: the rule of degree 7")
    draws = count(1280)("draws", _PROBES if draws is None else draws)
    u = np.random.default_rng(seed).standard_normal((draws, d))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    values = (losses(problem, x + rho * u) + losses(problem, x - rho * u)) / 2 - here
    mean, how = 0.0, ""
    if known:
        values -= rho**2 / 2 * np.sum(u * hessian_vector(problem, np.broadcast_to(x, u.shape), u), axis=1)
        mean, how = rho**2 / (2 * d) * trace(problem, x).value, " less the second-order model"
    interval = mean_interval(values, false_alarm)
    value, half = mean + float(interval.estimate), float(interval.half_width)
    return Sharpness(value, value - half, value + half, f"{draws} pairs{how}; false alarm {false_alarm:g}")


def _over_the_sphere(problem, x, rho, here, points, weights) -> float:
    return float(weights @ (losses(problem, x + rho * points) - here))


@functools.cache
def sphere_rule(d: int, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Points [k, d] and weights [k] of sum 1 on the unit sphere, exact for polynomials of degree <= 2 nodes - 1.

    u = (t, sqrt(1 - t^2) w) with w on the sphere of one dimension less: t has the density (1 - t^2)^((d - 3)/2), whose
    Gauss nodes are Gegenbauer's; on the circle 2 nodes equal angles.
    """
    d, nodes = count(1)("d", d), count(1)("nodes", nodes)
    if d == 1:
        return np.array([[1.0], [-1.0]]), np.array([0.5, 0.5])
    if d == 2:
        angle = np.pi * (np.arange(2 * nodes) + 0.5) / nodes
        return np.stack([np.cos(angle), np.sin(angle)], axis=1), np.full(2 * nodes, 0.5 / nodes)
    from scipy.special import roots_gegenbauer

    t, w = roots_gegenbauer(nodes, (d - 2) / 2)
    inner, share = sphere_rule(d - 1, nodes)
    first = np.repeat(t, len(inner))[:, None]
    points = np.hstack([first, np.sqrt(1 - first**2) * np.tile(inner, (nodes, 1))])
    return points, np.outer(w / w.sum(), share).ravel()


# ------------------------------------------------------------------------------------ of the Hessian


def top_eigenvalue(problem: Any, x: Any, *, iterative: bool = False, seed: int = 0) -> Sharpness:
    """The largest eigenvalue of the Hessian, by a dense solver or (`iterative`) by Lanczos on `hvp`.

    Lanczos: low is a Rayleigh quotient; high, with the residual added, is a bound unless the start missed the top.
    """
    x = array(dim(problem))("x", x)
    if not iterative:
        spectrum = np.linalg.eigvalsh(dense_hessian(problem, x))
        return _dense(float(spectrum[-1]), spectrum, "dense eigenvalues")
    from scipy.sparse.linalg import LinearOperator, eigsh

    d = x.size
    operator = LinearOperator((d, d), matvec=lambda v: hessian_vector(problem, x, np.ravel(v)), dtype=float)
    _, v = eigsh(operator, k=1, which="LA", v0=np.random.default_rng(seed).standard_normal(d))
    v = v[:, 0] / np.linalg.norm(v)
    theta = float(v @ operator.matvec(v))
    residual = float(np.linalg.norm(operator.matvec(v) - theta * v)) + 8 * EPS * abs(theta)
    return Sharpness(theta, theta - 8 * EPS * abs(theta), theta + residual, "Lanczos: Rayleigh quotient, residual")


def trace(
    problem: Any, x: Any, *, probes: int | None = None, seed: int = 0, false_alarm: float = FALSE_ALARM
) -> Sharpness:
    """The trace of the Hessian: its diagonal, or (`probes`, >= 1280) Hutchinson's mean of z'Hz over signs z."""
    x = array(dim(problem))("x", x)
    if probes is None:
        diagonal = np.diagonal(dense_hessian(problem, x))
        value, error = float(diagonal.sum()), x.size * EPS * float(np.abs(diagonal).sum())
        return Sharpness(value, value - error, value + error, "the diagonal")
    z = np.random.default_rng(seed).choice([-1.0, 1.0], (count(1280)("probes", probes), x.size))
    values = np.sum(z * hessian_vector(problem, np.broadcast_to(x, z.shape), z), axis=1)
    interval = mean_interval(values, false_alarm)
    value, half = float(interval.estimate), float(interval.half_width) + x.size * EPS * float(np.abs(values).max())
    return Sharpness(value, value - half, value + half, f"Hutchinson, {probes} probes; false alarm {false_alarm:g}")


def least_nonzero_eigenvalue(problem: Any, x: Any, *, rank: int | None = None, threshold: float = 1e-8) -> Sharpness:
    """The `rank`-th largest eigenvalue in modulus; without a rank, the last above `threshold` of the largest.

    A manifold of minimisers known to 1e-k has tangential eigenvalues of that size: keep the threshold above them.
    Raises ValueError where the Hessian is zero, or has fewer eigenvalues than the rank.
    """
    x, threshold = array(dim(problem))("x", x), positive("threshold", threshold)
    spectrum = np.linalg.eigvalsh(dense_hessian(problem, x))
    size = np.abs(spectrum)
    order = np.argsort(-size, kind="stable")
    if rank is None:
        rank = int((size > threshold * size.max()).sum())
        if rank == 0:
            raise ValueError("the Hessian is zero at x: there is no non-zero eigenvalue")
        how = f"rank {rank}: those above {threshold:g} of the largest"
    else:
        rank, how = count(1, x.size)("rank", rank), f"rank {rank}, as given"
    beyond = f"; the next is {size[order[rank]]:.2g}" if rank < x.size else ""
    return _dense(float(spectrum[order[rank - 1]]), spectrum, how + beyond)


def _dense(value: float, spectrum: np.ndarray, how: str) -> Sharpness:
    error = spectrum.size * EPS * float(np.abs(spectrum).max())  # backward error of the dense solver
    return Sharpness(value, value - error, value + error, how)


# ------------------------------------------------------------------------------------ samples


def per_sample(measure: Callable[..., Sharpness], problem: Any, x: Any, *args: Any, **options: Any) -> Sharpness:
    """(1/n) sum_i measure(f_i, x, ...): its error is the mean error, its false alarm n times that of one sample."""
    each = [measure(one, x, *args, **options) for one in each_sample(problem)]
    value, low, high = (float(np.mean([getattr(e, name) for e in each])) for name in ("value", "low", "high"))
    return Sharpness(value, low, high, f"mean over {len(each)} samples of: {each[0].how}")


def _has_hessian(problem: Any) -> bool:
    if isinstance(problem, Sample):
        return sample_hvp.supports(type(problem.problem))
    return hess.supports(type(problem)) or hvp.supports(type(problem))
