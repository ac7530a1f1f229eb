"""The guard, and the rule that this room needs numpy, scipy and math, and of the package the guards alone."""

import ast
from pathlib import Path

import numpy as np
import pytest

import samtheory.theory
from samtheory.theory.ranges import within

FILES = sorted(Path(samtheory.theory.__file__).parent.glob("*.py"))


@pytest.mark.parametrize(
    ("value", "interval"), [(0, "[0, 2)"), (2, "(0, 2]"), (1e300, "(0, inf)"), ([0.5, 1], "(0, 2)")]
)
def test_inside(value, interval):
    assert within("x", value, interval).tolist() == value


@pytest.mark.parametrize(
    ("value", "interval"),
    [(0, "(0, 2)"), (2, "[0, 2)"), (np.inf, "[0, inf)"), (np.nan, "[0, inf)"), ([1, 3], "(0, 2)"), (-1e-300, "[0, 1]")],
)
def test_outside(value, interval):
    with pytest.raises(ValueError, match=r"x = .* is outside"):
        within("x", value, interval)


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_imports(path):
    allowed = {"__future__", "collections", "dataclasses", "itertools", "math", "numpy", "scipy", "typing"}
    guards = {"samtheory.theory.ranges", "samtheory.validate"}
    found = set(imported(ast.parse(path.read_text()))) - guards
    assert {name.split(".")[0] for name in found} <= allowed
