"""The works that claims come from: `experiments/papers.toml`."""

from __future__ import annotations

import collections
import dataclasses
import tomllib

from samtheory.claims.registry import experiments_root, paths


@dataclasses.dataclass(frozen=True)
class Paper:
    """One work, and how many of its claims are checked."""

    key: str
    authors: str
    title: str
    where: str
    arxiv: str
    claims: int

    @property
    def source(self) -> str:
        """Where it appeared, with the arXiv number where there is one."""
        return f"{self.where}, arXiv {self.arxiv}" if self.arxiv else self.where


def papers() -> list[Paper]:
    """Every work of `papers.toml`, in the order of the file."""
    counted = collections.Counter(name.split("/")[0] for name in paths())
    entries = tomllib.loads((experiments_root() / "papers.toml").read_text(encoding="utf-8"))
    missing = sorted(set(counted) - set(entries))
    if missing:
        raise ValueError(f"experiments/papers.toml has no entry for {', '.join(missing)}")
    return [
        Paper(key, e["authors"], e["title"], e["where"], e.get("arxiv", ""), counted[key]) for key, e in entries.items()
    ]


def markdown() -> str:
    """The table of papers of the README."""
    rows = ["| paper | work | claims |", "|---|---|---|"]
    rows += [f"| `{p.key}` | {p.authors}: {p.title} ({p.source}) | {p.claims} |" for p in papers()]
    return "\n".join(rows)
