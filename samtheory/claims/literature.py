"""The works that claims come from: `experiments/papers.toml`."""

from __future__ import annotations

import collections
import dataclasses
import tomllib

from samtheory.claims.registry import experiments_root, paths


@dataclasses.dataclass(frozen=True)
class Paper:
    """One work: how many of its claims are checked, and what else of it is here (or why nothing can be)."""

    key: str
    authors: str
    title: str
    where: str
    arxiv: str
    claims: int
    offers: str

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
    rows = [
        Paper(key, e.get("authors", ""), e["title"], e["where"], e.get("arxiv", ""), counted[key], e.get("offers", ""))
        for key, e in entries.items()
    ]
    for row in rows:
        if not (row.claims or row.offers):
            raise ValueError(f"experiments/papers.toml: {row.key} has no claim and does not say what is offered or why")
    return rows


def markdown() -> str:
    """The table of papers of the README."""
    rows = ["| paper | work | claims | also here, or why not |", "|---|---|---|---|"]
    for p in papers():
        work = f"{p.authors}: {p.title}" if p.authors else p.title
        rows.append(f"| `{p.key}` | {work} ({p.source}) | {p.claims or ''} | {p.offers} |")
    return "\n".join(rows)
