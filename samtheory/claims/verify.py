"""Verdict of a claim: examples, sampled instances, a worst-case search, and every control."""

from __future__ import annotations

import dataclasses
import math
import time
import zlib
from typing import Any

import numpy as np

from samtheory.claims.claim import Control, Outcome, command_of, evaluate, instantiate, sample, values_of
from samtheory.claims.evidence import ERROR, HOLDS, INCONCLUSIVE, OUTSIDE, REFUTED, Evidence
from samtheory.claims.falsify import Search, search


@dataclasses.dataclass(frozen=True)
class Effort:
    """How many instances are looked at: sampled, searched, and per control (for a claim of cost 1)."""

    sampled: int
    searched: int
    control: int


EFFORTS = {"quick": Effort(40, 60, 8), "standard": Effort(200, 400, 25), "thorough": Effort(2000, 4000, 100)}


@dataclasses.dataclass(frozen=True)
class ControlResult:
    """A control's verdict; `power` is the fraction of its instances that gave the expected verdict."""

    verdict: str
    expected: str
    power: float
    instances: int
    message: str = ""


@dataclasses.dataclass(frozen=True)
class Result:
    """Verdict of a claim with everything needed to trust or repeat it (see `as_json`).

    worst_margin  minus the largest excess (see `Evidence.excess`) over all instances; negative: refuted
    tightness     largest observed/bound (identities: deviation/tolerance); `parts` has them by quantity, apart for the
                  instances that were `sampled` and for those that were `searched`, with `resolution`, the smallest
                  relative change of the prediction that these instances would refute
    """

    id: str
    verdict: str
    expected: str
    as_declared: bool
    instances: int
    searched: int
    outside: int
    worst_margin: float | None
    tightness: float | None
    parts: dict[str, dict[str, Any]]
    worst: dict[str, Any] | None
    evidence: dict[str, Any] | None
    command: str
    controls: dict[str, ControlResult]
    seed: int
    seconds: float
    error: str | None
    caveat: str | None
    repaired: str | None
    confidence: str

    def as_json(self) -> dict[str, Any]:
        """Plain data; `controls` maps a name to its verdict, details are under `control_details`."""
        plain = dataclasses.asdict(self)
        plain["control_details"] = plain["controls"]
        plain["controls"] = {name: one.verdict for name, one in self.controls.items()}
        return jsonable(plain)


def jsonable(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become strings."""
    if isinstance(value, dict):
        return {k: jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.item() if isinstance(value, np.generic) else value


def verify(cls: Any, effort: str = "quick", seed: int = 0) -> Result:
    """Examples, sampled instances, worst-case search and controls of one claim."""
    info, began = cls.info, time.perf_counter()
    sizes = EFFORTS[effort]
    key = zlib.crc32(info.id.encode())
    rng = np.random.default_rng([seed, key])
    outcomes = [evaluate(instantiate(cls, values)) for values in info.examples]
    outcomes += [evaluate(sample(cls, rng)) for _ in range(_scaled(sizes.sampled, info.cost))]
    names = list(dict.fromkeys(e.name for o in outcomes if _scored(o) for e in o.evidence)) or [None]
    found = [
        _searched(cls, outcomes, name, _scaled(sizes.searched, info.cost * len(names)), seed + key) for name in names
    ]
    considered = outcomes + [o for one in found for o in (one.worst, one.failed) if o is not None]

    verdict, message = _verdict(considered)
    outside = sum(o.status == OUTSIDE for o in outcomes)
    if verdict != ERROR and outside > len(outcomes) / 2:
        verdict = ERROR
        message = f"{outside} of {len(outcomes)} sampled instances break an assumption: the space is declared wrongly"
    worst = max(filter(_scored, considered), key=lambda o: o.worst.excess, default=None)
    parts = {name: _part(_named(name, outcomes), _named(name, considered[len(outcomes) :])) for name in names}
    controls = {name: check_control(cls, name, effort, seed) for name in info.controls}
    return Result(
        id=info.id,
        verdict=verdict,
        expected=info.expected,
        as_declared=verdict == info.expected and all(c.verdict == c.expected for c in controls.values()),
        instances=len(outcomes) + sum(one.evaluations for one in found),
        searched=sum(one.evaluations for one in found),
        outside=outside + sum(one.outside for one in found),
        worst_margin=-worst.worst.excess if worst else None,
        tightness=max((p["tightness"] for p in parts.values() if p["tightness"] is not None), default=None),
        parts=parts,
        worst=values_of(worst.instance) if worst else None,
        evidence=_evidence(worst),
        command=command_of(worst.instance) if worst else "",
        controls=controls,
        seed=seed,
        seconds=time.perf_counter() - began,
        error=message or None,
        caveat=info.caveat,
        repaired=info.repaired,
        confidence=info.confidence,
    )


def _scaled(number: int, cost: float) -> int:
    return max(3, round(number / cost))


def _scored(outcome: Outcome) -> bool:
    return outcome.status in (HOLDS, REFUTED, INCONCLUSIVE)


def _verdict(outcomes: list[Outcome]) -> tuple[str, str]:
    """Refuted by one instance; holds only if every usable instance holds."""
    statuses = {o.status for o in outcomes}
    if ERROR in statuses:
        return ERROR, next(o.message for o in outcomes if o.status == ERROR)
    for status in (REFUTED, INCONCLUSIVE, HOLDS):
        if status in statuses:
            return status, ""
    return ERROR, next((o.message for o in outcomes), "no instance was looked at")


def check_control(cls: Any, name: str, effort: str = "quick", seed: int = 0) -> ControlResult:
    """Run one control on sampled instances of its space, through the same code as the claim itself."""
    one: Control = cls.info.controls[name]
    rng = np.random.default_rng([seed, zlib.crc32(cls.info.id.encode()), zlib.crc32(name.encode())])
    outcomes = [
        evaluate(sample(cls, rng, one.where), one) for _ in range(_scaled(EFFORTS[effort].control, cls.info.cost))
    ]
    usable = [o for o in outcomes if o.status != OUTSIDE]
    verdict, message = _verdict(usable or outcomes)
    power = sum(o.status == one.expect for o in usable) / max(1, len(usable))
    return ControlResult(verdict, one.expect, power, len(usable), message)


def _searched(cls: Any, outcomes: list[Outcome], name: str | None, budget: int, seed: int) -> Search:
    """A search for the worst instance by this evidence, from the three worst that were sampled."""

    def excess(outcome: Outcome) -> float:
        return max((e.excess for e in outcome.evidence if name in (None, e.name)), default=-math.inf)

    worst = sorted(filter(_scored, outcomes), key=excess, reverse=True)[:3]
    return search(cls, budget, seed % 2**31, [values_of(o.instance) for o in worst], name)


def _named(name: str | None, outcomes: list[Outcome]) -> list[Evidence]:
    return [e for o in outcomes if _scored(o) for e in o.evidence if e.name == name]


def _tightest(evidence: list[Evidence]) -> float | None:
    return max((e.tightness for e in evidence if math.isfinite(e.tightness)), default=None)


def _part(sampled: list[Evidence], searched: list[Evidence]) -> dict[str, Any]:
    """Of one quantity: relation, margin, tightness, and the smallest relative change of its prediction refuted here."""
    evidence = sampled + searched
    smallest = [
        (e.tolerance - e.violation if e.relation != "==" else e.tolerance + e.violation) / abs(e.predicted)
        for e in evidence
        if e.predicted and math.isfinite(e.predicted) and math.isfinite(e.observed)
    ]
    return {
        "relation": evidence[0].relation if evidence else None,
        "margin": min((-e.excess for e in evidence), default=None),
        "tightness": _tightest(evidence),
        "sampled": _tightest(sampled),
        "searched": _tightest(searched),
        "resolution": min((s for s in smallest if s >= 0), default=None),
    }


def _evidence(worst: Outcome | None) -> dict[str, Any] | None:
    if worst is None or worst.worst is None:
        return None
    one = worst.worst
    names = ("name", "observed", "relation", "predicted", "tolerance", "why", "error", "tightness", "at")
    return {name: getattr(one, name) for name in names}
