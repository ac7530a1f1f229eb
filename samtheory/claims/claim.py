"""A claim: one theorem as a frozen dataclass whose fields are the instance space.

@claim(title=..., where="Theorem 1", kind="bound", confidence="memory + derived", statement="...")
class Bound:
    h: float = real(0.1, 1)                       # the instance space
    def assumptions(self): ...                    # -> list of requires(...), computed on the instance
    def measure(self): ...                        # runs the dynamics
    def predict(self): ...                        # what the theorem says
    def judge(self, measured, predicted): ...     # -> list of at_most(...), at_least(...), equals(...)
    controls = {"floor x 0.95": control(predict=..., where=...)}
    examples = ({"h": 1.0},)                      # instances that are always looked at (optional)
"""

from __future__ import annotations

import dataclasses
import inspect
import pathlib
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from samtheory.claims.evidence import ERROR, HOLDS, INCONCLUSIVE, OUTSIDE, REFUTED, Assumption, Evidence
from samtheory.claims.space import Dimension, Space, from_cube, narrowed
from samtheory.validate import positive

KINDS = ("identity", "bound", "limit", "rate", "order", "comparison", "counterexample", "distribution")


@dataclasses.dataclass(frozen=True)
class Control:
    """A deliberately wrong variant of a claim, run through the same code; must come out as `expect`.

    predict   replaces the prediction: `lambda claim: wrong value`
    measure   replaces the measurement
    where     narrows or leaves the instance space: field -> value or dimension
    violates  text of the assumption that every instance of this control breaks (the others must hold)
    refutes   name of the evidence that must decide; the claim's other evidence is then left out
    """

    predict: Callable[[Any], Any] | None = None
    measure: Callable[[Any], Any] | None = None
    where: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    violates: str | None = None
    refutes: str | None = None
    expect: str = REFUTED


control = Control


@dataclasses.dataclass(frozen=True)
class Info:
    """What a claim says of itself."""

    id: str
    paper: str
    title: str
    where: str
    kind: str
    confidence: str
    statement: str
    expected: str
    repaired: str | None
    caveat: str | None
    cost: float
    space: Space
    controls: Mapping[str, Control]
    examples: tuple[Mapping[str, Any], ...]
    path: pathlib.Path
    notes: str


def claim(
    *,
    title: str,
    where: str,
    kind: str,
    confidence: str,
    statement: str,
    expected: str = HOLDS,
    repaired: str | None = None,
    caveat: str | None = None,
    cost: float = 1.0,
) -> Callable[[type], type]:
    """Declare a claim.

    confidence  text, memory, derived, second-hand, stand-in, or a combination
    expected    REFUTED for a statement known to be false as published; `repaired` is then the id of the true one
    caveat      what a reader of a report must know (a repaired constant, a stronger assumption)
    cost        relative cost of one instance; an effort looks at 1/cost as many
    """
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r} is not one of {', '.join(KINDS)}")
    if expected not in (HOLDS, REFUTED):
        raise ValueError(f"expected = {expected!r} must be {HOLDS!r} or {REFUTED!r}")
    for name, text in {"title": title, "where": where, "confidence": confidence, "statement": statement}.items():
        if not isinstance(text, str):
            raise ValueError(f"{name} = {text!r} is not a text")
    cost = positive("cost", cost)

    def decorate(cls: type) -> type:
        space = {n: v for n, v in vars(cls).items() if isinstance(v, Dimension)}
        undeclared = [n for n in cls.__annotations__ if n not in space]
        if undeclared:
            raise TypeError(f"{cls.__name__}.{undeclared[0]} has no dimension; give it real(...), integer(...), ...")
        for needed in ("assumptions", "measure", "predict", "judge", "controls"):
            if not hasattr(cls, needed):
                raise TypeError(f"claim {cls.__name__} has no `{needed}`")
        controls = cls.controls  # type: ignore[attr-defined]
        if not (isinstance(controls, Mapping) and controls and {type(one) for one in controls.values()} == {Control}):
            raise TypeError(f"claim {cls.__name__} needs `controls`, one or more of them: name -> control(...)")
        path = pathlib.Path(inspect.getfile(cls)).resolve()
        module = inspect.getmodule(cls)
        made = dataclasses.dataclass(frozen=True, kw_only=True)(cls)
        made.info = Info(  # type: ignore[attr-defined]
            id=f"{path.parent.name}/{path.stem}".replace("_", "-"),
            paper=path.parent.name,
            title=title,
            where=where,
            kind=kind,
            confidence=confidence,
            statement=" ".join(statement.split()),
            expected=expected,
            repaired=repaired,
            caveat=caveat,
            cost=cost,
            space=space,
            controls=dict(cls.controls),  # type: ignore[attr-defined]
            examples=tuple(getattr(cls, "examples", ())),
            path=path,
            notes=inspect.cleandoc((module and module.__doc__) or ""),
        )
        for name, one in made.info.controls.items():  # type: ignore[attr-defined]
            narrowed(space, dict(one.where))
            if one.predict is one.measure is None and not one.where:
                raise TypeError(f"control {name!r} of {cls.__name__} changes nothing")
        for values in made.info.examples:  # type: ignore[attr-defined]
            instantiate(made, values)
        return made

    return decorate


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What one instance says."""

    instance: Any
    status: str
    assumptions: tuple[Assumption, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    message: str = ""

    @property
    def worst(self) -> Evidence | None:
        """The evidence with the largest excess."""
        return max(self.evidence, key=lambda e: e.excess if e.excess == e.excess else np.inf, default=None)


def instantiate(cls: Any, values: Mapping[str, Any], where: Mapping[str, Any] | None = None) -> Any:
    """An instance with these field values, each checked against the claim's (or the control's) space."""
    space = narrowed(cls.info.space, dict(where or {}))
    unknown = sorted(set(values) - set(space))
    if unknown:
        raise ValueError(f"{cls.info.id} has no field {', '.join(unknown)}; its fields are {', '.join(space)}")
    missing = sorted(set(space) - set(values))
    if missing:
        raise ValueError(f"{cls.info.id} needs a value for {', '.join(missing)}")
    return cls(**{name: space[name].check(name, values[name]) for name in space})


def sample(cls: Any, rng: np.random.Generator, where: Mapping[str, Any] | None = None) -> Any:
    """A random instance of the claim's (or the control's) space."""
    space = narrowed(cls.info.space, dict(where or {}))
    return cls(**from_cube(space, rng.random(len(space))))


def evaluate(instance: Any, variant: Control | None = None) -> Outcome:
    """Assumptions, measurement, prediction, comparison: the one code path of claims and controls."""
    try:
        assumptions = tuple(instance.assumptions())
        failing = [a.text for a in assumptions if not a.holds]
        wanted = [variant.violates] if variant is not None and variant.violates is not None else []
        if failing != wanted:
            broken = ", ".join(failing) or f"nothing, though the control is to break {wanted[0]!r}"
            return Outcome(instance, OUTSIDE, assumptions, (), f"assumption broken: {broken}")
        measure = (variant and variant.measure) or type(instance).measure
        predict = (variant and variant.predict) or type(instance).predict
        evidence = tuple(instance.judge(measure(instance), predict(instance)))
        if variant is not None and variant.refutes is not None:
            evidence = tuple(e for e in evidence if e.name == variant.refutes)
        if not evidence:
            return Outcome(instance, ERROR, assumptions, (), "the claim gave no evidence")
        verdicts = {e.verdict for e in evidence}
    except Exception:
        return Outcome(instance, ERROR, (), (), traceback.format_exc(limit=-4))
    if ERROR in verdicts:
        e = next(e for e in evidence if e.verdict == ERROR)
        numbers = f"observed {e.observed:g} {e.relation} predicted {e.predicted:g}, tolerance {e.tolerance:g}"
        message = f"evidence {e.name!r} decides nothing: {numbers}"
        return Outcome(instance, ERROR, assumptions, evidence, message)
    for status in (REFUTED, INCONCLUSIVE):
        if status in verdicts:
            return Outcome(instance, status, assumptions, evidence)
    return Outcome(instance, HOLDS, assumptions, evidence)


def values_of(instance: Any) -> dict[str, Any]:
    """Field values of an instance."""
    return {field.name: getattr(instance, field.name) for field in dataclasses.fields(instance)}


def command_of(instance: Any, control_name: str | None = None) -> str:
    """The command line that looks at this instance again."""
    import shlex

    info = instance.info
    flags = [f"--{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in values_of(instance).items()]
    extra = [f"--control {shlex.quote(control_name)}"] if control_name else []
    path = info.path
    if path.is_relative_to(pathlib.Path.cwd()):
        path = path.relative_to(pathlib.Path.cwd())
    return " ".join(["python", shlex.quote(str(path)), *flags, *extra])
