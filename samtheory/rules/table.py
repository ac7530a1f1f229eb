"""The table of update rules, `table.toml`: what there is, where it comes from, what a toy problem can decide of it."""

from __future__ import annotations

import dataclasses
import pathlib
import tomllib
from typing import Any


@dataclasses.dataclass(frozen=True)
class Entry:
    """One rule.  parameters: name -> {default, source} or {example}; `paper` is a key of the papers, else ""."""

    name: str
    path: str
    paper: str
    origin: str
    formula: str
    parameters: dict[str, dict[str, Any]]
    priority: str
    testable: str
    torch: str


def entries() -> list[Entry]:
    """Every rule, in the order of the file."""
    table = tomllib.loads(pathlib.Path(__file__).with_name("table.toml").read_text(encoding="utf-8"))
    blank = {"paper": "", "origin": "", "torch": ""}
    return [Entry(name=name, **{**blank, **row}) for name, row in table.items()]


def markdown() -> str:
    """The table of rules of the README."""
    rows = ["| rule | from | one step: x becomes | defaults | on a toy | torch |", "|---|---|---|---|---|---|"]
    for e in entries():
        file = e.path.replace(".", "/").rpartition("/")[0] + ".py"
        origin = f"`{e.paper}`" if e.paper else e.origin
        defaults = "; ".join(_default(name, p) for name, p in e.parameters.items() if "default" in p)
        torch = f"`{e.torch}`" if e.torch and " " not in e.torch else e.torch
        rows.append(
            f"| [`{e.name}`]({file}) | {origin} | {_cell(e.formula)} | {defaults} | {_cell(e.testable)} | {torch} |"
        )
    return "\n".join(rows)


def _default(name: str, parameter: dict[str, Any]) -> str:
    return f"{name} {parameter['default']} ({parameter['source']})"


def _cell(text: str) -> str:
    """Bars end a cell, and a star is emphasis."""
    return text.replace("|", "\\|").replace("*", "\\*")
