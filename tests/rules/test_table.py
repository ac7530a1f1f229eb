"""The table of rules against the classes there are; every row runs, and compiled as interpreted."""

import importlib
import pathlib
import pkgutil

import numpy as np
import pytest

import samtheory.rules
from samtheory.claims import literature
from samtheory.kernel import interpreted
from samtheory.oracles import EverySample, FullBatch, WithReplacement
from samtheory.problems.finite_sum import Logistic
from samtheory.problems.log_mean_exp import LogMeanExp
from samtheory.problems.quadratic import Quadratic
from samtheory.problems.relu_nets import ReluNet
from samtheory.rules import core, noise, schedules, table, universal_sam
from samtheory.simulate import simulate

ENTRIES = {e.name: e for e in table.entries()}
Z = np.array([[1, 0.5], [0.8, -0.3], [-0.6, 1.2], [-1.1, -0.4], [0.3, -0.9], [-0.2, 0.7]])
LOGISTIC = EverySample(Logistic(Z, [1, 1, 1, -1, -1, -1]))


def found(path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def rule_classes():
    """Every class of samtheory.rules that has a direction or a step of its own."""
    for module in pkgutil.iter_modules(samtheory.rules.__path__):
        importlib.import_module(f"samtheory.rules.{module.name}")
    known = {*core.direction.registered, *core.step.registered} - {object}
    return {f"{c.__module__}.{c.__name__}" for c in known if c.__module__.startswith("samtheory.rules.")}


NAMES = {**vars(noise), **vars(schedules), **vars(universal_sam), **{e.name: found(e.path) for e in ENTRIES.values()}}


def instance(entry, key):
    """The rule with its defaults, or with the examples where there are any."""
    other = {"default": "example", "example": "default"}[key]
    values = {name: p.get(key, p.get(other)) for name, p in entry.parameters.items()}
    return found(entry.path)(**{n: eval(v, dict(NAMES)) if isinstance(v, str) else v for n, v in values.items()})


def test_the_table_has_every_rule_and_no_other():
    assert rule_classes() == {e.path for e in ENTRIES.values()}


@pytest.mark.parametrize("name", ENTRIES)
def test_a_row_fits_its_class(name):
    entry = ENTRIES[name]
    cls, keys = found(entry.path), {p.key for p in literature.papers()}
    assert cls.__name__ == name and list(entry.parameters) == list(cls._fields)
    assert bool(entry.paper) != bool(entry.origin) and entry.paper in {"", *keys}
    assert entry.priority in ("core", "good", "control") and entry.formula and entry.testable
    made = instance(entry, "default")
    for field, parameter in entry.parameters.items():
        assert parameter.keys() & {"default", "example"} and ("default" in parameter) <= ("source" in parameter)
        if field in cls._field_defaults:  # the table says what the class does
            assert getattr(made, field) == cls._field_defaults[field]


@pytest.mark.parametrize("name", ENTRIES)
def test_compiled_as_interpreted(name):
    rule = instance(ENTRIES[name], "example")
    oracle, x0 = LOGISTIC, [0.5, -0.3]
    if name in ("AscentLoss", "HessianUSAM", "GradientPenalty"):
        oracle = FullBatch(Quadratic([[4, 1], [1, 1]], [0, 0]))
    elif name in ("Diffusion", "Consensus"):  # two agents of one coordinate each
        oracle = FullBatch(LogMeanExp(Z))
    elif name == "OneSAM":
        oracle, x0 = WithReplacement(ReluNet(Z, [1, 1, 1, -1, -1, -1], 3), 1), np.linspace(-1, 1, 9)
    run = simulate(oracle, rule, x0, 3, seed=4)
    assert np.isfinite(run.x).all() and (run.states[1:] != run.states[:-1]).any(axis=-1).all()
    with interpreted():
        np.testing.assert_array_equal(simulate(oracle, rule, x0, 3, seed=4).states, run.states)


def test_the_readme_shows_the_table_of_rules():
    text = (pathlib.Path(__file__).parents[2] / "README.md").read_text()
    shown = text.split("<!-- rules -->\n")[1].split("\n<!-- /rules -->")[0]
    assert shown == table.markdown(), "run `samtheory list --rules` and paste its output into README.md"
    for e in ENTRIES.values():  # the links lead to the files
        assert pathlib.Path(importlib.import_module(e.path.rpartition(".")[0]).__file__).name in shown
