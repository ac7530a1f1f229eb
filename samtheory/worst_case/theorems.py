"""The published and derived bounds that apply to a rule on a class of functions, beside the exact worst case."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.rules.usam import USAM
from samtheory.theory import bounds, usam_exact


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


THEOREMS = (
    Theorem(
        "samtheory/usam-worst-case-convex", UNNORMALISED, (STRONG,), "gap", lambda s: [],
        lambda s: usam_exact.usam_strongly_convex_gap(s.mu, s.L, s.eta, s.rho, s.steps, s.start),
    ),
    Theorem(
        "samtheory/usam-worst-case-convex", UNNORMALISED, (CONVEX,), "gap-from-distance", lambda s: [],
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
            rows.append((one.claim, None if failing else float(one.bound(setting)), ", ".join(failing)))
    return rows
