"""Space, evidence, evaluation, search and verdicts: each must be able to say no."""

import dataclasses
import pathlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samtheory.claims import (
    at_least,
    at_most,
    choice,
    claim,
    control,
    equals,
    integer,
    log_real,
    real,
    requires,
    usually,
)
from samtheory.claims.claim import command_of, evaluate, instantiate, sample, values_of
from samtheory.claims.evidence import ERROR, HOLDS, INCONCLUSIVE, OUTSIDE, REFUTED
from samtheory.claims.falsify import search, to_cube
from samtheory.claims.registry import load
from samtheory.claims.space import Choice, Integer, Real, from_cube
from samtheory.claims.verify import check_control, verify

HERE = pathlib.Path(__file__).parent
Decay = load(HERE / "sample_claim.py")
BASE = {"eta": 0.25, "steps": 10, "seed": 3}

META = {"title": "t", "where": "w", "kind": "bound", "confidence": "derived", "statement": "s"}


def declare(
    judge, predict=lambda self: 1.0, space=None, assumptions=lambda self: [], controls=None, examples=(), **more
):
    """A claim on one number x in [0, 1] (module level is not needed for these tests)."""
    body = {
        "__module__": __name__,
        "__annotations__": {"x": float},
        "x": space or real(0, 1),
        "assumptions": assumptions,
        "measure": lambda self: self.x,
        "predict": predict,
        "judge": judge,
        "controls": {"halved": control(predict=lambda c: 0.5 * predict(c))} if controls is None else controls,
        "examples": examples,
    }
    return claim(**(META | more))(type("Little", (), body))


# ------------------------------------------------------------------------------------------- space


@pytest.mark.parametrize(
    "dimension",
    [
        Real(-2.0, 3.0),
        Real(1e-3, 1e3, log=True),
        Integer(2, 5),
        Choice(("a", "b", "c")),
        usually(Integer(2, 3), Integer(0, 9)),
    ],
)
@given(u=st.floats(0, 1))
def test_cube_round_trip(dimension, u):
    value = dimension.from_unit(u)
    assert dimension.check("v", value) == value
    (back,) = to_cube({"v": dimension}, {"v": value})
    again = dimension.from_unit(back)
    assert again == value if not isinstance(dimension, Real) else again == pytest.approx(value, rel=1e-9, abs=1e-12)


def test_integers_and_choices_are_uniform_over_the_cube():
    u = (np.arange(6000) + 0.5) / 6000
    for dimension in (Integer(2, 4), Choice(("a", "b", "c"))):
        values, counts = np.unique([dimension.from_unit(x) for x in u], return_counts=True)
        assert len(values) == 3 and set(counts) == {2000}


def test_what_is_only_on_request_is_never_drawn():
    dimension = usually(choice("small"), choice("small", "full"))
    assert {dimension.from_unit(u) for u in np.linspace(0, 1, 9)} == {"small"}
    assert dimension.check("scale", "full") == "full" and str(dimension) == "small (on request: small | full)"
    with pytest.raises(ValueError, match=r"scale = 'huge' is not one of small \| full"):
        dimension.check("scale", "huge")


@pytest.mark.parametrize("bad", [lambda: real(1, 1), lambda: real(0, np.inf), lambda: log_real(0, 1)])
def test_unusable_intervals_are_refused(bad):
    with pytest.raises(ValueError, match="interval"):
        bad()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eta": 1.5}, r"eta = 1.5 is outside \[0.01, 0.9\]"),
        ({"eta": float("nan")}, "eta = nan is not finite"),
        ({"steps": 2.5}, "steps = 2.5 is not an integer in 1..40"),
        ({"unknown": 1}, "no field unknown"),
    ],
)
def test_instances_outside_the_space_are_refused_by_name(change, message):
    with pytest.raises(ValueError, match=message):
        instantiate(Decay, BASE | change)


# ------------------------------------------------------------------------------------------- evidence


def test_verdicts_of_bounds():
    assert at_most("a", 1.0, 1.0).verdict == HOLDS
    assert at_most("a", 1.0 + 1e-9, 1.0).verdict == REFUTED
    assert at_most("a", 1.0 + 1e-9, 1.0, slack=1e-8).verdict == HOLDS
    assert at_least("a", 1.0 - 1e-9, 1.0).verdict == REFUTED
    assert at_least("a", 2.0, 1.0).tightness == 0.5
    assert at_most("a", 0.5, 1.0).tightness == 0.5
    assert at_most("a", np.inf, 1.0).verdict == REFUTED
    assert at_most("a", np.nan, 1.0).verdict == ERROR
    assert at_most("a", -3.0, -2.0).verdict == HOLDS


def test_intervals_that_straddle_are_inconclusive():
    assert at_most("a", 1.1, 1.0, error=0.2).verdict == INCONCLUSIVE
    assert at_most("a", 0.9, 1.0, error=0.2).verdict == INCONCLUSIVE
    assert at_most("a", 0.7, 1.0, error=0.2).verdict == HOLDS
    assert at_most("a", 1.3, 1.0, error=0.2).verdict == REFUTED
    assert equals("a", 1.0, 1.0, tolerance=0.1, why="", error=0.2).verdict == INCONCLUSIVE


def test_arrays_are_judged_at_their_worst_entry():
    e = at_most("a", [0.5, 3.0, 0.9], [1.0, 2.0, 1.0])
    assert (e.at, e.observed, e.predicted, e.verdict) == ((1,), 3.0, 2.0, REFUTED)
    e = equals("a", np.zeros((2, 3)), [[0, 0, 0], [0, 1e-3, 0]], tolerance=1e-2, why="")
    assert e.at == (1, 1) and e.verdict == HOLDS and e.tightness == pytest.approx(0.1)
    assert at_most("a", [0.0, np.nan], 1.0).verdict == ERROR


def test_a_mask_says_where_arrays_are_compared():
    e = at_most("a", [0.5, 3.0, 0.9], 1.0, where=[True, False, True])
    assert (e.at, e.verdict) == ((2,), HOLDS)
    with pytest.raises(ValueError, match="false everywhere"):
        at_most("a", [1.0], 2.0, where=[False])


@given(observed=st.floats(-10, 10), bound=st.floats(-10, 10), slack=st.floats(0, 1))
def test_excess_is_positive_exactly_where_the_bound_is_refuted(observed, bound, slack):
    e = at_most("a", observed, bound, slack=slack)
    assert (e.excess > 0) == (e.verdict == REFUTED)


def test_negative_tolerances_and_empty_comparisons_are_refused():
    with pytest.raises(ValueError, match="tolerance"):
        at_most("a", 1.0, 1.0, slack=-1.0)
    with pytest.raises(ValueError, match="compares nothing"):
        equals("a", [], [], tolerance=1, why="")


def test_a_comparison_that_nothing_could_fail_is_an_error():
    for e in (
        at_most("a", 1.0, np.inf),
        at_least("a", 1.0, -np.inf),
        at_most("a", 1.0, 2.0, slack=np.inf),
        equals("a", 1.0, 2.0, tolerance=np.inf, why=""),
    ):
        assert e.verdict == ERROR, e
    assert at_least("a", np.inf, 1.0).verdict == at_most("a", -np.inf, 1.0).verdict == HOLDS


def test_an_infinite_bound_or_tolerance_does_not_hide_a_refuted_entry():
    assert at_most("a", [1.0, 3.0], [np.inf, 1.0]).verdict != HOLDS
    assert at_most("a", [1.0, 3.0], 1.0, slack=[np.inf, 0]).verdict != HOLDS
    hidden = at_most("a", [1.0, 3.0], [np.inf, 1.0], where=[False, True])
    assert (hidden.at, hidden.verdict) == ((1,), REFUTED)
    unmasked = at_most("a", [3.0, -np.inf], 1.0, where=[False, True])
    assert (unmasked.at, unmasked.verdict) == ((1,), HOLDS)


def test_assumptions_are_not_met_by_infinity_or_nan():
    assert not requires("x <= 1", np.inf, "<=", 1).holds and not requires("x >= 1", -np.inf, ">=", 1).holds
    assert not requires("x is true", np.nan).holds and not requires("x <= 1", np.nan, "<=", 1).holds
    assert requires("x >= 1", np.inf, ">=", 1).holds


def test_assumptions_forgive_round_off_only_where_equality_is_allowed():
    above = 1 + 1e-15
    assert requires("x <= 1", above, "<=", 1).holds and not requires("x <= 1", 1 + 1e-9, "<=", 1).holds
    assert not requires("x < 1", 1.0, "<", 1).holds
    assert not requires("x is true", False).holds


# ------------------------------------------------------------------------------------------- evaluation


def test_a_true_claim_holds_and_its_controls_are_refuted():
    result = verify(Decay)
    assert result.verdict == HOLDS and result.as_declared
    assert result.worst_margin >= 0 and 0 < result.tightness <= 1 and result.searched == 60
    assert {c.verdict for c in result.controls.values()} == {REFUTED}
    assert all(c.power == 1 for c in result.controls.values())
    assert result.as_json()["controls"] == {name: "refuted" for name in Decay.info.controls}


def test_results_repeat_for_the_same_seed():
    first, second = (dataclasses.replace(verify(Decay, seed=4), seconds=0) for _ in range(2))
    assert first == second


def test_a_false_claim_is_refuted_with_its_worst_instance():
    wrong = declare(lambda self, m, p: [at_most("x", m, p)], predict=lambda self: 0.8)
    result = verify(wrong)
    assert result.verdict == REFUTED and not result.as_declared
    assert result.worst["x"] > 0.99 and result.worst_margin < 0


def test_a_needle_is_found_by_the_search_not_by_chance():
    """x <= 0.5 + 1e4 |x - 0.731| fails only within 2.4e-5 of 0.731."""
    needle = declare(lambda self, m, p: [at_most("x", 1.0, 0.75 + 1e4 * abs(self.x - 0.731))])
    found = search(needle, 400, seed=1)
    assert found.worst.status == REFUTED and abs(found.worst.instance.x - 0.731) < 3e-5


def test_a_search_keeps_the_refuted_instance_beside_one_with_a_wide_interval():
    """x > 0.7 is refuted by little; below, the interval is wide in units of the tolerance, but holds."""

    def judge(self, measured, predicted):
        high = self.x > 0.7
        return [at_most("x", 101.0 if high else 50.0, 100.0, slack=0.0 if high else 1e-9, error=0.0 if high else 1e-6)]

    assert search(declare(judge), 100).worst.status == REFUTED


def test_a_claim_whose_space_is_mostly_outside_its_assumptions_is_an_error():
    wrong = declare(
        lambda self, m, p: [at_most("x", m, p)], assumptions=lambda self: [requires("x < 0.1", self.x, "<", 0.1)]
    )
    result = verify(wrong)
    assert result.verdict == ERROR and "space is declared wrongly" in result.error


def test_an_exception_is_an_error_with_its_traceback():
    def broken(self, measured, predicted):
        raise RuntimeError("solver lost its way")

    result = verify(declare(broken))
    assert result.verdict == ERROR and "solver lost its way" in result.error


def test_no_evidence_is_an_error():
    assert verify(declare(lambda self, m, p: [])).verdict == ERROR


def test_nan_is_an_error_not_a_pass():
    result = verify(declare(lambda self, m, p: [at_most("x", np.nan, p)]))
    assert result.verdict == ERROR


def test_inconclusive_is_neither():
    result = verify(declare(lambda self, m, p: [at_most("x", m, p, error=2.0)]))
    assert result.verdict == INCONCLUSIVE and not result.as_declared


def test_a_control_that_nothing_refutes_makes_the_claim_fail():
    blind = declare(lambda self, m, p: [at_most("x", m, 10 + p)])
    result = verify(blind)
    assert result.verdict == HOLDS and result.controls["halved"].verdict == HOLDS and not result.as_declared


def test_a_control_must_break_the_assumption_it_names_and_no_other():
    cls = declare(
        lambda self, m, p: [at_most("x", m, p)],
        assumptions=lambda self: [requires("x < 2", self.x, "<", 2), requires("x > 0", self.x, ">", 0)],
    )
    named = control(where={"x": real(2.1, 3)}, violates="x < 2")
    assert evaluate(sample(cls, np.random.default_rng(0), named.where), named).status == REFUTED
    idle = control(where={"x": real(0.1, 0.9)}, violates="x < 2")
    assert evaluate(sample(cls, np.random.default_rng(0), idle.where), idle).status == OUTSIDE
    other = control(where={"x": real(-3, -2)}, violates="x < 2")
    assert evaluate(sample(cls, np.random.default_rng(0), other.where), other).status == OUTSIDE


def test_a_control_can_name_the_evidence_that_must_refute_it():
    cls = declare(lambda self, m, p: [at_most("wrong", 1.0, p - 0.75), at_most("right", m, p)])
    wrong, right = (control(predict=lambda c: 1.2, refutes=name) for name in ("wrong", "right"))
    assert evaluate(cls(x=0.9), wrong).status == REFUTED
    assert evaluate(cls(x=0.9), right).status == HOLDS
    assert evaluate(cls(x=0.9), control(predict=lambda c: 1.2, refutes="nothing")).status == ERROR


def test_a_control_that_is_never_inside_its_own_assumptions_is_an_error():
    cls = declare(lambda self, m, p: [at_most("x", m, p)], assumptions=lambda self: [requires("x < 2", self.x, "<", 2)])
    object.__setattr__(cls.info, "controls", {"idle": control(where={"x": 0.5}, violates="x < 2")})
    assert check_control(cls, "idle").verdict == ERROR


def test_declarations_are_checked():
    with pytest.raises(ValueError, match="kind"):
        declare(lambda self, m, p: [], kind="theorem")
    with pytest.raises(TypeError, match="no dimension"):
        claim(**META)(type("Bad", (), {"__annotations__": {"x": float}, "__module__": __name__}))
    with pytest.raises(TypeError, match="has no `measure`"):
        body = {"__annotations__": {"x": float}, "x": real(0, 1), "assumptions": lambda s: [], "__module__": __name__}
        claim(**META)(type("Bad", (), body))
    with pytest.raises(ValueError, match="no such field"):
        body = {
            "__module__": __name__,
            "__annotations__": {"x": float},
            "x": integer(0, 1),
            **{n: (lambda s: None) for n in ("assumptions", "measure", "predict", "judge")},
            "controls": {"c": control(where={"y": 1})},
        }
        claim(**META)(type("Bad", (), body))


def test_declarations_that_would_fail_later():
    judge = lambda self, m, p: [at_most("x", m, p)]  # noqa: E731
    for more, message in (({"cost": 0}, "cost = 0 is not positive"), ({"statement": None}, "statement = None is not")):
        with pytest.raises(ValueError, match=message):
            declare(judge, **more)
    with pytest.raises(ValueError, match="high = 1 is not allowed; it must be an integer >= 6"):
        integer(6, 1)
    with pytest.raises(ValueError, match=r"options = \(\) is not allowed"):
        choice()
    for controls in ({}, {"a": 3}, [control(where={"x": 0.5})]):
        with pytest.raises(TypeError, match="needs `controls`"):
            declare(judge, controls=controls)
    with pytest.raises(ValueError, match=r"x = 5 is outside \[0, 1\]"):
        declare(judge, examples=({"x": 5},))


def test_errors_say_what_went_wrong():
    nan = declare(lambda self, m, p: [at_most("x", float("nan"), p)])
    assert evaluate(nan(x=0.5)).status == ERROR
    assert "evidence 'x' decides nothing: observed nan <= predicted 1" in verify(nan).error
    no_evidence = declare(lambda self, m, p: [True])
    assert evaluate(no_evidence(x=0.5)).status == ERROR and "no attribute 'verdict'" in verify(no_evidence).error
    with pytest.raises(ValueError, match="relation = '=<' of assumption 'x < 2' is unknown"):
        requires("x < 2", 1, "=<", 2)


def test_a_known_false_statement_is_as_declared_when_refuted():
    false = declare(lambda self, m, p: [at_most("x", m, p)], predict=lambda self: 0.8, expected=REFUTED, repaired="a/b")
    assert verify(false).as_declared


def test_the_command_names_every_field():
    line = command_of(instantiate(Decay, BASE))
    assert line.endswith("--eta 0.25 --steps 10 --seed 3") and "sample_claim.py" in line
    assert values_of(instantiate(Decay, BASE)) == BASE


def test_an_attained_bound_does_not_hide_another():
    """The first bound is tight everywhere; the second fails only near x = 0.731, by little."""
    two = declare(
        lambda self, m, p: [at_most("tight", m, m), at_most("hidden", 1.0, 0.999 + abs(self.x - 0.731))],
        predict=lambda self: 0.0,
    )
    assert search(two, 300, seed=1, target="hidden").worst.status == REFUTED
    result = verify(two, "standard")
    assert result.verdict == REFUTED and set(result.parts) == {"tight", "hidden"}
    assert result.parts["tight"]["tightness"] == 1 and result.parts["hidden"]["margin"] < 0


def test_resolution_is_the_change_that_would_have_been_refuted():
    bound = declare(lambda self, m, p: [at_most("x", m, p)], predict=lambda self: 2.0)
    result = verify(bound)
    (part,) = result.parts.values()
    assert part["resolution"] == pytest.approx(1 - result.worst["x"] / 2, abs=1e-12)


def test_search_spends_its_budget_exactly():
    assert search(Decay, 137).evaluations == 137


def test_from_cube_keeps_the_order_of_the_fields():
    assert list(from_cube(Decay.info.space, [0, 0, 0])) == ["eta", "steps", "seed"]
