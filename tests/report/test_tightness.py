"""Tightness: what was sampled apart from what was searched, and the exact worst case where a claim has one."""

import json
import pathlib

import numpy as np
import pytest

from samtheory.claims.registry import load
from samtheory.claims.verify import verify
from samtheory.report.tightness import exact_ratios, rows

CLAIM = '''"""A bound that a search can tighten."""
from samtheory.claims import at_most, claim, control, real, script

@claim(title="t", where="w", kind="bound", confidence="derived", statement="x (2 - x) <= 1")
class Bump:
    x: float = real(0, 1.9)
    examples = ({"x": 0.5},)
    def assumptions(self): return []
    def measure(self): return self.x * (2 - self.x)
    def predict(self): return 1.0
    def judge(self, seen, bound): return [at_most("bump", seen, bound, slack=1e-15, why="round-off")]
    def exact(self): return {"bump": 0.75}
    controls = {"halved": control(predict=lambda c: 0.5)}
'''


@pytest.fixture
def bump(tmp_path: pathlib.Path):
    (tmp_path / "bump.py").write_text(CLAIM)
    return load(tmp_path / "bump.py")


def test_the_search_is_reported_apart_and_is_tighter(bump):
    part = verify(bump).parts["bump"]
    assert 0.9 < part["sampled"] <= part["searched"] and part["searched"] == pytest.approx(1, abs=1e-6)
    assert part["tightness"] == max(part["sampled"], part["searched"])


def test_the_exact_worst_case_is_asked_on_the_examples(bump, monkeypatch):
    assert exact_ratios(bump) == {"bump": 0.75}
    monkeypatch.setattr("samtheory.report.tightness.find", lambda name: bump)
    (row,) = rows([verify(bump)])
    assert row["exact"] == 0.75 and row["bound"] == "bump"
    assert json.loads(json.dumps(row)) == row and np.isfinite(row["sampled"])


def test_identities_have_no_row(bump, monkeypatch):
    monkeypatch.setattr("samtheory.report.tightness.find", lambda name: bump)
    result = verify(bump)
    result.parts["bump"]["relation"] = "=="
    assert rows([result]) == []
