"""Scalar losses l(u) of one prediction u, with l' and l''; even about their minimum and convex, but for `TanhSquare`.

    link_value(link, u)      l(u)
    link_slope(link, u)      l'(u)
    link_curvature(link, u)  l''(u)
    link_minimiser(link)     where l is smallest

`LogCosh` and `PseudoHuber` are 1-Lipschitz with l''(0) = 1 (Dai, Ahn & Sra 2023, section 4).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from samtheory.kernel import generic
from samtheory.validate import checked, finite


@generic
def link_value(link, u) -> float:
    """l(u)."""


@generic
def link_slope(link, u) -> float:
    """l'(u)."""


@generic
def link_curvature(link, u) -> float:
    """l''(u)."""


@generic
def link_minimiser(link) -> float:
    """The u at which l is smallest."""


def is_link(name: str, value: Any) -> Any:
    """A check of `samtheory.validate`: one of the losses below."""
    if not isinstance(value, tuple) or not link_value.supports(type(value)):  # type: ignore[attr-defined]
        raise ValueError(f"{name} = {value!r} is no link; samtheory.problems.links has LogCosh(), PseudoHuber(), ...")
    return value


def _inside(name: str, value: Any) -> float:
    number = finite(name, value)
    if abs(number) >= 1:
        raise ValueError(f"{name} = {value!r} is outside (-1, 1), which tanh reaches")
    return number


class LogCosh(NamedTuple):
    """l(u) = log cosh u,  l' = tanh u,  l'' = 1/cosh^2 u."""


class PseudoHuber(NamedTuple):
    """l(u) = sqrt(1 + u^2),  l' = u / sqrt(1 + u^2),  l'' = (1 + u^2)^(-3/2)."""


@checked(target=finite)
class HalfSquare(NamedTuple):
    """l(u) = (u - target)^2 / 2."""

    target: float


@checked(target=_inside)
class TanhSquare(NamedTuple):
    """l(u) = (tanh u - target)^2 / 2: not convex; it decreases up to artanh(target) and increases beyond."""

    target: float


@link_minimiser.register(LogCosh)
@link_minimiser.register(PseudoHuber)
def _at_zero(link):
    return 0.0


@link_minimiser.register(HalfSquare)
def _at_target(link):
    return link.target


@link_value.register(LogCosh)
def _log_cosh(link, u):
    """log(1 + 2 sinh^2(u/2)) keeps its digits near 0, |u| + log((1 + e^(-2|u|))/2) cannot overflow."""
    size = abs(u)
    if size <= 1.0:
        half = math.sinh(0.5 * u)
        return math.log1p(2.0 * half * half)
    return size + math.log(0.5 + 0.5 * math.exp(-2.0 * size))


@link_slope.register(LogCosh)
def _log_cosh_slope(link, u):
    return math.tanh(u)


@link_curvature.register(LogCosh)
def _log_cosh_curvature(link, u):
    """4 e / (1 + e)^2 with e = e^(-2|u|)."""
    e = math.exp(-2.0 * abs(u))
    return 4.0 * e / ((1.0 + e) * (1.0 + e))


@link_value.register(PseudoHuber)
def _pseudo_huber(link, u):
    return math.sqrt(1.0 + u * u)


@link_slope.register(PseudoHuber)
def _pseudo_huber_slope(link, u):
    return u / math.sqrt(1.0 + u * u)


@link_curvature.register(PseudoHuber)
def _pseudo_huber_curvature(link, u):
    square = 1.0 + u * u
    return 1.0 / (square * math.sqrt(square))


@link_value.register(HalfSquare)
def _half_square(link, u):
    return 0.5 * (u - link.target) * (u - link.target)


@link_slope.register(HalfSquare)
def _half_square_slope(link, u):
    return u - link.target


@link_curvature.register(HalfSquare)
def _half_square_curvature(link, u):
    return 1.0


@link_minimiser.register(TanhSquare)
def _at_artanh(link):
    return math.atanh(link.target)


@link_value.register(TanhSquare)
def _tanh_square(link, u):
    miss = math.tanh(u) - link.target
    return 0.5 * miss * miss


@link_slope.register(TanhSquare)
def _tanh_square_slope(link, u):
    out = math.tanh(u)
    return (out - link.target) * (1.0 - out * out)


@link_curvature.register(TanhSquare)
def _tanh_square_curvature(link, u):
    out = math.tanh(u)
    bend = 1.0 - out * out
    return bend * (bend - 2.0 * out * (out - link.target))
