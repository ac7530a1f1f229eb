"""The published and derived bounds that apply to a rule on a class of functions, beside the exact worst case."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.rules.usam import USAM
from samtheory.theory import bounds, unified, usam_exact


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a worst case was asked for; `start` bounds the quantity that the metric starts from."""

    eta: float
    rho: float
    mu: float
    L: float
    steps: int
    start: float


@dataclasses.dataclass(frozen=True)
class Theorem:
    """One bound: the claim that checks it, where it applies, and its value; `bound` raises ValueError out of range."""

    claim: str
    rules: tuple[type, ...]
    functions: tuple[str, ...]
    metric: str
    needs: Callable[[Setting], list[tuple[str, bool]]]
    bound: Callable[[Setting], float]


STRONG, CONVEX, SMOOTH = "smooth-strongly-convex", "smooth-convex", "smooth"
UNNORMALISED = (USAM, UnifiedSAM, GD)


def _short(s: Setting) -> list[tuple[str, bool]]:
    return [("eta L <= 1", s.eta * s.L <= 1)]


def _short_and_near(s: Setting) -> list[tuple[str, bool]]:
    return [*_short(s), ("rho L < 1", s.rho * s.L < 1)]


def _power(decrease: float, s: Setting) -> float:
    """Under PL a decrease of c |g|^2 a step contracts the gap by 1 - 2 mu c."""
    return (1 - 2 * s.mu * decrease) ** s.steps * s.start


def _unified(mix: float) -> Callable[[Setting], list[tuple[str, bool]]]:
    """rho < rho*, eta <= eta*(rho) of Unified SAM's full batch: A = 0, B = 1."""

    def needs(s: Setting) -> list[tuple[str, bool]]:
        radius = float(unified.pl_radius(s.mu, s.L, 0.0, 1.0, mix))
        near = s.rho < radius
        step = float(unified.pl_step(s.mu, s.L, 0.0, 1.0, s.rho, mix)) if near else 0.0
        return [
            (f"rho < {radius:.6g}", near),
            (f"eta <= {step:.6g}", 0 < s.eta <= step * (1 + 1e-12)),
        ]

    return needs


def _unified_bound(mix: float) -> Callable[[Setting], float]:
    return lambda s: unified.pl_bound(s.steps, s.mu, s.L, 0.0, 1.0, 0.0, s.eta, s.rho, mix, s.start)


def _root_steps(s: Setting) -> list[tuple[str, bool]]:
    pair = unified.usam_nonconvex_pair(s.steps, s.L)
    return [
        (f"{name} = {wanted:.6g}", math.isclose(given, wanted, rel_tol=1e-9))
        for name, given, wanted in zip(("eta", "rho"), (s.eta, s.rho), pair)
    ]


THEOREMS = (
    Theorem(
        "samtheory/usam-worst-case-convex", UNNORMALISED, (STRONG,), "gap", lambda s: [],
        lambda s: usam_exact.usam_strongly_convex_gap(s.mu, s.L, s.eta, s.rho, s.steps, s.start),
    ),
    Theorem(
        "samtheory/usam-worst-case-convex", UNNORMALISED, (CONVEX,), "gap-from-distance",
        lambda s: [("rho L <= 1.5", s.rho * s.L <= 1.5)],
        lambda s: usam_exact.usam_convex_gap(s.L, s.eta, s.rho, s.steps, s.start**0.5),
    ),
    Theorem(
        "samtheory/usam-nonconvex-exact", UNNORMALISED, (STRONG,), "gap", _short_and_near,
        lambda s: _power(usam_exact.usam_descent(s.L, s.eta, s.rho), s),
    ),
    Theorem(
        "samtheory/usam-nonconvex-exact", UNNORMALISED, (SMOOTH,), "least-gradient", _short_and_near,
        lambda s: usam_exact.usam_least_gradient(s.L, s.eta, s.rho, s.steps, s.start),
    ),
    Theorem(
        "khanh2024/usam-relative-error", UNNORMALISED, (STRONG,), "gap", _short_and_near,
        lambda s: _power(usam_exact.usam_relative_descent(s.L, s.eta, s.rho), s),
    ),
    Theorem("oikonomou2025/pl-constant", UNNORMALISED, (STRONG,), "gap", _unified(0.0), _unified_bound(0.0)),
    Theorem("oikonomou2025/pl-constant", (SAM,), (STRONG,), "gap", _unified(1.0), _unified_bound(1.0)),
    Theorem(
        "andriushchenko2022/nonconvex-rate", UNNORMALISED, (SMOOTH,), "mean-gradient", _root_steps,
        lambda s: unified.usam_nonconvex_bound(s.steps, s.L, 0.0, 1, s.start),
    ),
    Theorem(
        "dai2023/sc-bound", (SAM,), (STRONG,), "gap", _short,
        lambda s: bounds.sam_bound(s.steps, s.mu, s.L, s.eta, s.rho, s.start),
    ),
    Theorem(
        "samtheory/sam-sharper-neighbourhood", (SAM,), (STRONG,), "gap", _short,
        lambda s: bounds.sam_pl_bound(s.steps, s.mu, s.L, s.eta, s.rho, s.start),
    ),
)  # fmt: skip


def applicable(rule: Any, functions: str, metric: str, setting: Setting) -> list[tuple[str, float | None, str]]:
    """(claim, bound, '') of the theorems on this rule, class and metric; (claim, None, what fails) of the rest."""
    rows: list[tuple[str, float | None, str]] = []
    for one in THEOREMS:
        if isinstance(rule, one.rules) and functions in one.functions and metric == one.metric:
            failing = [text for text, met in one.needs(setting) if not met]
            with np.errstate(over="ignore"):  # a diverging step has an infinite bound
                bound = None if failing else float(one.bound(setting))
            rows.append((one.claim, bound, ", ".join(failing)))
    return rows
