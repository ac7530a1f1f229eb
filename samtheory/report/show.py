"""What `samtheory show ID` prints."""

from __future__ import annotations

from typing import Any

from samtheory.claims.claim import instantiate
from samtheory.claims.space import from_cube


def describe(cls: Any) -> str:
    """Statement, source, confidence, assumptions, instance space and controls of a claim."""
    info = cls.info
    values = from_cube(info.space, [0.5] * len(info.space)) | dict(info.examples[0] if info.examples else {})
    lines = [
        f"{info.id}: {info.title}",
        f"{info.where} ({info.kind}); confidence: {info.confidence}",
        "",
        info.statement,
    ]
    if info.expected != "holds":
        lines += ["", f"declared {info.expected}: false as stated; the repaired claim is {info.repaired}"]
    if info.caveat:
        lines += ["", f"caveat: {info.caveat}"]
    lines += ["", "assumptions (computed on every instance)"]
    lines += [f"  {a.text}" for a in instantiate(cls, values).assumptions()] or ["  none"]
    lines += ["", "instance space"] + [f"  {name:<12} {dimension}" for name, dimension in info.space.items()]
    lines += ["", "negative controls"] + [f"  {name}  -> {one.expect}" for name, one in info.controls.items()]
    return "\n".join([*lines, "", info.notes, "", f"file: {info.path}"])
