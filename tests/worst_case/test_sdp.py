"""Exact worst cases: known rates of gradient descent, the numbers of the theory notes, the proofs, the refusals."""

import numpy as np
import pytest

from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import InverseRoot
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.rules.usam import USAM
from samtheory.theory import unified, usam_exact
from samtheory.worst_case import sdp
from samtheory.worst_case.theorems import Setting, applicable

STRONG = {"functions": "smooth-strongly-convex", "L": 1.0}
needs_pep = pytest.mark.skipif(not sdp.available(), reason="the extra pep is not installed")


@needs_pep
def test_gradient_descent_has_its_published_worst_cases():
    found = sdp.worst_case(GD(1.0), "smooth-convex", L=1.0, steps=3, metric="gap-from-distance")
    assert found.solved and found.value == pytest.approx(1 / 14, abs=1e-7)  # L R^2/(4 N + 2), Drori & Teboulle 2014
    found = sdp.worst_case(GD(1.5), **STRONG, mu=0.1, steps=2, metric="distance")
    assert found.value == pytest.approx(0.85**4, abs=1e-7)


@needs_pep
@pytest.mark.parametrize(
    "mu, rho, eta, metric, value",
    [
        (1e-3, 10, 1.9 / 11, "distance", 1.58717),
        (1e-3, 10, 1.9 / 11, "gap", 0.99965),
        (0.1, 1, 0.5, "gradient", 0.901732),
        (0.1, 1 / 6, 0.2368421053, "gap", 0.9524219),
    ],
)
def test_usam_over_strongly_convex_functions(mu, rho, eta, metric, value):
    found = sdp.worst_case(USAM(eta, rho), **STRONG, mu=mu, metric=metric)
    assert found.solved and found.residual < 1e-6 and found.value == pytest.approx(value, abs=1e-5)
    if metric == "gap":
        assert found.value == pytest.approx(usam_exact.usam_quadratic_factor(mu, 1.0, eta, rho) ** 2, abs=2e-6)


@needs_pep
@pytest.mark.parametrize(
    "rho, values", [(0.5, (2.66667, 1.23049, 0.79348)), (0.9, (10.5263, 5.1946, 3.4473)), (0.0, (2.0, 0.8, 0.5))]
)
def test_least_gradient_of_usam_on_smooth_functions(rho, values):
    for steps, value in enumerate(values, 1):
        found = sdp.worst_case(USAM(1.0, rho), "smooth", L=1.0, steps=steps, metric="least-gradient")
        assert found.value == pytest.approx(value, rel=1e-5)


@needs_pep
def test_mean_gradient_under_the_decreasing_radius():
    for steps, value in {1: 2.0, 2: 1.78765, 3: 1.40171}.items():
        rule = USAM(steps**-0.5, steps**-0.25)
        assert sdp.worst_case(rule, "smooth", L=1.0, steps=steps, metric="mean-gradient").value == pytest.approx(
            value, abs=1e-5
        )


@needs_pep
def test_units_scale_and_unified_sam_is_usam():
    one = sdp.worst_case(USAM(0.3, 0.5), **STRONG, mu=0.1, steps=2)
    scaled = sdp.worst_case(USAM(0.1, 0.5 / 3), "smooth-strongly-convex", L=3.0, mu=0.3, steps=2, start=7.0)
    assert scaled.value == pytest.approx(7 * one.value, rel=1e-7)
    assert sdp.worst_case(UnifiedSAM(0.3, 0.5, 0.0), **STRONG, mu=0.1, steps=2).value == one.value
    for metric, unit in (("gradient", 5.0), ("distance", 5.0)):
        small = sdp.worst_case(USAM(0.3, 0.5), **STRONG, mu=0.1, metric=metric)
        large = sdp.worst_case(USAM(0.1, 0.5 / 3), "smooth-strongly-convex", L=3.0, mu=0.3, metric=metric, start=5.0)
        assert large.value == pytest.approx(unit * small.value, rel=1e-6)


@needs_pep
def test_one_step_of_sam_scales_and_its_invariant_level_is_the_known_one():
    gap, norm = sdp.sam_step_worst_gap(SAM(0.5, 1.0), L=1.0, mu=0.1, start=0.2)
    other, length = sdp.sam_step_worst_gap(SAM(0.1, 2.0), L=5.0, mu=0.5, start=4.0)
    assert other == pytest.approx(20 * gap, rel=1e-4) and length == pytest.approx(10 * norm, rel=1e-2)
    assert sdp.invariant_level(SAM(1.0, 1.0), L=1.0, mu=0.1, accuracy=0.02) == pytest.approx(0.964, rel=0.03)


@needs_pep
def test_the_sweep_of_sam_is_above_every_norm():
    case = {"L": 1.0, "mu": 0.1, "start": 0.2}
    gap, _ = sdp.sam_step_worst_gap(SAM(0.5, 1.0), **case)
    for norm in (0.02, 0.2, 0.25, 0.3, 0.6):
        one = sdp.worst_case(SAM(0.5, 1.0), "smooth-strongly-convex", **case, gradient_norm=norm)
        assert one.solved and one.value <= gap + 1e-4 * gap + one.error


def test_a_certificate_is_judged_in_the_units_of_the_start():
    poor = {"attained": 0.0, "residual": 1e-3, "status": "optimal", "seconds": 0.0}
    assert not sdp.WorstCase(value=1e-6, error=1e-9, unit=1e-6, **poor).solved
    assert sdp.WorstCase(value=1e-6, error=1e-11, unit=1e-6, **poor).solved


@needs_pep
def test_an_unbounded_programme_is_inconclusive():
    found = sdp.worst_case(USAM(1.0, 1.2), "smooth", L=1.0, metric="least-gradient")
    assert not found.solved and found.status == "unbounded" and found.error == float("inf")


def test_bad_input_is_named_before_anything_is_computed():
    for arguments, message in (
        ({"rule": GD(1.0), "mu": 2.0}, "mu = 2.0 is larger than L"),
        ({"rule": GD(1.0), "mu": 1.0}, "a class needs mu < L"),
        ({"rule": GD(1.0), "mu": 0.0}, "which needs mu > 0"),
        ({"rule": GD(1.0), "mu": 0.1, "steps": 0}, "steps = 0"),
        ({"rule": GD(1.0), "mu": 0.1, "metric": "loss"}, "metric = 'loss' is unknown"),
        ({"rule": SAM(1.0, 0.1), "mu": 0.1}, "SAM is linear for one step"),
        ({"rule": USAM(1.0, 0.1), "mu": 0.1, "gradient_norm": 1.0}, "is for SAM"),
        ({"rule": USAM(InverseRoot(1.0), 0.1), "mu": 0.1}, "has a schedule"),
    ):
        with pytest.raises(ValueError, match=message):
            sdp.worst_case(arguments.pop("rule"), "smooth-strongly-convex", L=1.0, **arguments)
    with pytest.raises(ValueError, match="unbounded for smooth"):
        sdp.worst_case(GD(1.0), "smooth", L=1.0)
    with pytest.raises(TypeError, match="is not linear"):
        sdp.worst_case(UnifiedSAM(1.0, 0.1, 0.5), "smooth-convex", L=1.0, metric="gap-from-distance")


def test_theorems_that_do_not_apply_say_which_condition_fails():
    far = Setting(eta=0.5, rho=1.5, mu=0.1, L=1.0, steps=1, start=1.0)
    rows = {claim: (bound, why) for claim, bound, why in applicable(USAM(0.5, 1.5), STRONG["functions"], "gap", far)}
    assert rows["khanh2024/usam-relative-error"] == (None, "rho L < 1")
    assert rows["samtheory/usam-worst-case-convex"][0] == pytest.approx(max(0.5 * 1.5 - 1, 1 - 0.0575, 0.25) ** 2)


def test_the_bound_over_convex_functions_ends_where_it_is_false():
    for rho, why in ((1.5, ""), (4.5, "rho L <= 1.5")):  # at 4.5 the exact worst case is 7.8 % above the formula
        setting = Setting(eta=0.33, rho=rho, mu=0.0, L=1.0, steps=3, start=1.0)
        assert applicable(USAM(0.33, rho), "smooth-convex", "gap-from-distance", setting)[0][2] == why


@needs_pep
def test_every_theorem_that_applies_is_above_the_exact_worst_case():
    for rho in (0.0, 0.3, 0.9):
        for eta in (0.2, 1.0):
            setting = Setting(eta=eta, rho=rho, mu=0.2, L=1.0, steps=2, start=1.0)
            found = sdp.worst_case(USAM(eta, rho), **STRONG, mu=0.2, steps=2)
            for claim, bound, _ in applicable(USAM(eta, rho), STRONG["functions"], "gap", setting):
                assert bound is None or found.value <= bound + 2e-6, claim


def test_unified_sam_names_its_range():
    far = Setting(eta=0.5, rho=0.4, mu=0.1, L=1.0, steps=1, start=1.0)
    rows = {claim: why for claim, _, why in applicable(USAM(0.5, 0.4), STRONG["functions"], "gap", far)}
    assert rows["oikonomou2025/pl-constant"] == "rho < 0.333333, eta <= 0"
    (row,) = applicable(USAM(0.5, 0.4), "smooth", "mean-gradient", Setting(0.5, 0.4, 0.0, 1.0, 4, 1.0))
    assert row[1:] == (None, "rho = 0.707107")


@needs_pep
@pytest.mark.parametrize("steps", [1, 3])
def test_unified_sam_is_above_the_exact_worst_case(steps):
    rho, eta = unified.pl_pair(0.1, 1.0, 0.0, 1.0, 0.0)
    setting = Setting(eta=eta, rho=rho, mu=0.1, L=1.0, steps=steps, start=1.0)
    rows = {claim: bound for claim, bound, _ in applicable(USAM(eta, rho), STRONG["functions"], "gap", setting)}
    found = sdp.worst_case(USAM(eta, rho), **STRONG, mu=0.1, steps=steps)
    assert found.value <= rows["oikonomou2025/pl-constant"]
    assert found.value == pytest.approx(0.9524219**steps, abs=1e-6)


@needs_pep
def test_the_worst_convex_function_is_a_half_line_and_attains_the_value():
    eta, rho, steps = 0.5, 0.4, 2
    found = sdp.extremal(USAM(eta, rho), "smooth-convex", steps=steps, metric="gap-from-distance")
    kink = 1 / (1 + 2 * steps * eta)
    x, g = np.abs(found.x[:, 0]), np.abs(found.gradient[:, 0])
    assert found.x.shape == (6, 1) and x[0] == 0 and x[1] == pytest.approx(1, abs=1e-2)
    assert g[1:] == pytest.approx(np.full(5, kink), abs=0.02)  # one slope wherever the run looks
    assert found.value[-1] == pytest.approx(usam_exact.usam_convex_gap(1, eta, rho, steps), abs=1e-3)
    assert found.value[1:] == pytest.approx(kink * x[1:] - kink**2 / 2, abs=0.02)
