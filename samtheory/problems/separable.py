"""Objectives whose coordinates do not interact: in the given axes (`SinePL`) or in rotated ones (`LogCoshRidge`)."""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import kernel
from samtheory.problems.core import Constants, constants, dim, grad, hess, hvp, loss
from samtheory.problems.links import LogCosh, link_curvature, link_slope, link_value
from samtheory.validate import array, checked, count, nonnegative, positive, same_length, together
from samtheory.vectors import axpy, dot


@checked(c=nonnegative, d=count(1))
class SinePL(NamedTuple):
    """f(x) = sum_{j<d} x_j^2 + c sin^2 x_j: 2 + 2c smooth, non-convex for c > 1, PL for c < 4.6033 (no other
    critical point).  Karimi, Nutini & Schmidt (2016) give it with c = 3."""

    c: float
    d: int = 1


@constants.register(SinePL)
def _sine_constants(p):
    enclosure = pl_enclosure(p.c)
    return Constants(
        L=2 + 2 * p.c,
        mu=2 - 2 * p.c if p.c < 1 else None,
        pl=None if enclosure is None else enclosure[0],
        f_star=0.0,
        minimiser=np.zeros(p.d),
        how="formula; pl: lower end of a certified enclosure",
    )


_WIDTH = 1e-9  # relative width of the enclosure
_ROUND = 2.0**-48  # bounds the round-off of a sum of a few terms, relative to the sum of their sizes


@functools.lru_cache(maxsize=1024)
def pl_enclosure(c: float) -> tuple[float, float] | None:
    """[low, high] around the PL constant inf r of x^2 + c sin^2 x, r = f'^2/(2f), low >= (1 - 1e-9) high.

    None if f has other critical points (c > 4.60334), or c is so near there that double precision cannot tell;
    for c > 4.603 the enclosure is certified too, but may be wider.

    Branch and bound over x > 0 (r is even).  The ends need none:
        x <= 1/2  f' >= 2(1+c)x - 4c x^3/3 and f <= (1+c)x^2 give r >= 2(1 + c - c/3) >= 2, the limit at infinity;
        x >= X    r >= (2x - c)^2/(2(x^2 + c)), which increases; X is where it passes r(pi/2) = 2/(1 + 4c/pi^2).
    The pieces between are dyadic, hence exact, and halved until r on them is known to exceed (1 - 1e-9) high.
    """
    if 2 - 2 * c >= 2 * (1 - _WIDTH):
        return 2 - 2 * c, 2.0  # strong convexity says enough
    if 4.5 + c * math.sin(4.5) <= 0:  # f'(9/4) <= 0
        return None
    end = 1
    while 2 * end <= c or (2 * end - c) ** 2 / (2 * (end * end + c)) < 2 / (1 + 4 * c / math.pi**2) * (1 + _ROUND):
        end += 1
    high, h = math.inf, 1 / 16
    x = np.arange(0.5 + h, end, 2 * h)
    while h > 2.0**-40:
        low, at_x = _bounds(c, x, h)
        high = min(high, float(at_x.min()))
        x, low = x[low < high * (1 - _WIDTH)], low[low < high * (1 - _WIDTH)]
        if not x.size:
            return high * (1 - _WIDTH), high
        h /= 2
        x = np.concatenate([x - h, x + h])
    return (float(low.min()), high) if low.min() > 0 else None


def _bounds(c: float, x: np.ndarray, h: float) -> tuple[np.ndarray, np.ndarray]:
    """Rigorous bounds: of r on [x - h, x + h] from below (0 if unknown) and of r(x) from above; h <= x/2.

    r' = (f'/f)(f'' - r), |f''| <= 2 + 2c and |f'''| <= 4c bound |r'| there, first crudely (by K), then with
    f'' - r known to (4c + K)h: an error of h^2 near the minimum, where f'' = r.
    """
    smooth = 2 + 2 * c
    f, slope, bend = x * x + c * np.sin(x) ** 2, np.abs(2 * x + c * np.sin(2 * x)), 2 + 2 * c * np.cos(2 * x)
    error, slope_error = _ROUND * (x * x + c), _ROUND * (2 * x + c)
    at_x = (slope + slope_error) ** 2 / (2 * (f - error)) * (1 + _ROUND)
    steepest = slope + slope_error + smooth * h
    least = np.maximum(f - error - steepest * h, x * x / 4)  # f >= (x - h)^2 as well
    crude = steepest / least * (smooth + steepest**2 / (2 * least))
    fine = steepest / least * (np.abs(bend - at_x) + (4 * c + crude) * h + _ROUND * (smooth + at_x) * (3 + c / x))
    least_at_x = np.maximum(slope - slope_error, 0) ** 2 / (2 * (f + error)) * (1 - _ROUND)
    return np.maximum(least_at_x - np.minimum(crude, fine) * h * (1 + _WIDTH), 0), at_x


@dim.register(SinePL)
def _sine_dim(p):
    return p.d


@loss.register(SinePL)
def _sine_loss(p, x, work):
    total = 0.0
    for j in range(x.shape[0]):
        s = math.sin(x[j])
        total += x[j] * x[j] + p.c * s * s
    return total


@grad.register(SinePL)
def _sine_grad(p, x, out, work):
    for j in range(x.shape[0]):
        out[j] = 2.0 * x[j] + p.c * math.sin(2.0 * x[j])


@hess.register(SinePL)
def _sine_hess(p, x, out, work):
    for i in range(x.shape[0]):
        for j in range(x.shape[0]):
            out[i, j] = 0.0
        out[i, i] = 2.0 + 2.0 * p.c * math.cos(2.0 * x[i])


@hvp.register(SinePL)
def _sine_hvp(p, x, v, out, work):
    for j in range(x.shape[0]):
        out[j] = (2.0 + 2.0 * p.c * math.cos(2.0 * x[j])) * v[j]


# ------------------------------------------------------------------------------------ rotated


def _orthogonal(name: str, value: Any) -> np.ndarray:
    out = array(None, None)(name, value)
    if out.shape[0] != out.shape[1]:
        raise ValueError(f"{name} has shape {out.shape}; it must be square")
    gap = float(np.abs(out @ out.T - np.eye(len(out))).max())
    if gap > 1e-12:
        raise ValueError(f"{name} is not orthogonal: {name} {name}' differs from the identity by {gap:.3g}")
    return out


def _ordered(p: Any) -> None:
    if p.b < p.a:
        raise ValueError(f"b = {p.b!r} is less than a = {p.a!r}; the curvature runs from a to b")


@together(same_length("basis", "shift"), _ordered)
@checked(basis=_orthogonal, shift=array(None), a=positive, b=positive)
class LogCoshRidge(NamedTuple):
    """f(w) = a/2 |w|^2 + (b - a) sum_i log cosh(<q_i, w> - s_i), q_i the rows of the orthogonal `basis`, s = shift.

    a-strongly convex and b-smooth, neither constant improvable: the Hessian is b I where <q_i, w> = s_i and tends
    to a I at infinity, where |grad f|^2 / (2 (f - f_star)) tends to a as well.
    """

    basis: np.ndarray
    shift: np.ndarray
    a: float
    b: float


@constants.register(LogCoshRidge)
def _ridge_constants(p):
    """With u = basis w the coordinates part: a u_i + (b - a) tanh(u_i - s_i) = 0.

    Between 0 and s_i the left side is convex in |u_i|, so that Newton from s_i falls to the root monotonically.
    """
    size = np.abs(p.shift)
    u = size
    while True:
        away = np.tanh(u - size)
        new = u - (p.a * u + (p.b - p.a) * away) / (p.a + (p.b - p.a) * (1 - away) * (1 + away))
        if not (new < u).any():
            break
        u = np.minimum(u, new)
    minimiser = p.basis.T @ np.copysign(u, p.shift)
    f_star = math.fsum(0.5 * p.a * t * t + (p.b - p.a) * link_value(LogCosh(), t - s) for t, s in zip(u, size))
    return Constants(L=p.b, mu=p.a, pl=p.a, f_star=f_star, minimiser=minimiser, how="formula, Newton to round-off")


@dim.register(LogCoshRidge)
def _ridge_dim(p):
    return p.shift.shape[0]


@kernel
def _place(p, i, w):
    """<q_i, w> - s_i."""
    return dot(p.basis[i], w) - p.shift[i]


@loss.register(LogCoshRidge)
def _ridge_loss(p, x, work):
    total = 0.0
    for i in range(x.shape[0]):
        total += link_value(LogCosh(), _place(p, i, x))
    return 0.5 * p.a * dot(x, x) + (p.b - p.a) * total


@grad.register(LogCoshRidge)
def _ridge_grad(p, x, out, work):
    for j in range(x.shape[0]):
        out[j] = p.a * x[j]
    for i in range(x.shape[0]):
        axpy((p.b - p.a) * link_slope(LogCosh(), _place(p, i, x)), p.basis[i], out)


@hess.register(LogCoshRidge)
def _ridge_hess(p, x, out, work):
    d = x.shape[0]
    for j in range(d):
        for k in range(d):
            out[j, k] = p.a if j == k else 0.0
    for i in range(d):
        bend = (p.b - p.a) * link_curvature(LogCosh(), _place(p, i, x))
        for j in range(d):
            for k in range(d):
                out[j, k] += bend * (p.basis[i, j] * p.basis[i, k])


@hvp.register(LogCoshRidge)
def _ridge_hvp(p, x, v, out, work):
    for j in range(x.shape[0]):
        out[j] = p.a * v[j]
    for i in range(x.shape[0]):
        axpy((p.b - p.a) * link_curvature(LogCosh(), _place(p, i, x)) * dot(p.basis[i], v), p.basis[i], out)
