"""x^2 + c sin^2 x and its certified PL constant; the log-cosh ridge and its minimiser."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samtheory.evaluate import gradients, hessian
from samtheory.problems.core import constants
from samtheory.problems.quadratic import orthogonal
from samtheory.problems.separable import LogCoshRidge, SinePL, _bounds, pl_enclosure

# f' = 2x + c sin 2x has another zero iff c >= -y/sin y for some y = 2x, which is least where tan y = y
CRITICAL = float(-1 / mp.cos(mp.findroot(lambda y: mp.sin(y) - y * mp.cos(y), 4.49)))


def ratio(c, x):
    """f'^2 / (2 f)."""
    return (2 * x + c * np.sin(2 * x)) ** 2 / (2 * (x * x + c * np.sin(x) ** 2))


@pytest.mark.parametrize(("c", "pl"), [(3.0, 0.175530986), (2.0, 0.505158893)])
def test_pl_constants_of_the_notes(c, pl):
    known = constants(SinePL(c))
    assert math.isclose(known.pl, pl, rel_tol=2e-9)
    assert math.isclose(known.L, 2 + 2 * c)


def test_known_pl_bound_1_over_32_is_loose():
    assert constants(SinePL(3.0)).pl > 5.6 / 32


@settings(max_examples=50, deadline=None)
@given(c=st.floats(0, 4.6))
def test_dense_grid_minimum_lies_just_above(c):
    low, high = pl_enclosure(c)
    assert high * (1 - 1.001e-9) <= low <= high <= 2
    grid = ratio(c, np.linspace(1e-3, 20, 200_001)).min()
    assert low <= grid * (1 + 1e-14)
    assert grid - high <= 1e-6  # the grid misses the minimum by at most half a step of 1e-4
    assert low >= 2 - 2 * c


@settings(max_examples=50, deadline=None)
@given(c=st.floats(0.01, 4.6))
def test_enclosure_holds_the_minimum_found_in_fifty_digits(c):
    """At the minimum r' = (f'/f)(f'' - r) = 0."""
    low, high = pl_enclosure(c)
    with mp.workdps(50):

        def f(x):
            return x * x + c * mp.sin(x) ** 2

        def slope(x):
            return 2 * x + c * mp.sin(2 * x)

        def stationary(x):
            return (2 + 2 * c * mp.cos(2 * x)) * 2 * f(x) - slope(x) ** 2

        grid = np.linspace(1, 4, 3001)
        x = mp.findroot(stationary, float(grid[ratio(c, grid).argmin()]))
        least = slope(x) ** 2 / (2 * f(x))
        assert low <= least <= high


@settings(max_examples=200, deadline=None)
@given(c=st.floats(0, 5), k=st.integers(1, 100), halvings=st.integers(4, 12))
def test_every_bound_of_the_search_holds(c, k, halvings):
    x, h = 0.5 + k / 16, 2.0**-halvings
    low, at_x = _bounds(c, np.array([x]), h)
    truth = ratio(c, np.linspace(x - h, x + h, 2001))
    assert low[0] <= truth.min() + 1e-13
    assert at_x[0] >= ratio(c, x) >= at_x[0] * (1 - 1e-9) - 1e-13


def test_pl_fails_where_another_critical_point_appears():
    assert math.isclose(CRITICAL, 4.6033388487517, rel_tol=1e-13)
    assert pl_enclosure(CRITICAL + 1e-7) is None
    low, high = pl_enclosure(CRITICAL - 1e-4)
    assert 0 < low <= high < 1e-8
    for c in (CRITICAL + 1e-3, 5.0, 100.0, 1e12):
        known = constants(SinePL(c))
        assert known.pl is None and known.mu is None and known.f_star == 0


@settings(max_examples=50, deadline=None)
@given(c=st.floats(0, 10))
def test_smoothness_is_attained_at_the_origin(c):
    assert hessian(SinePL(c), [0.0])[0, 0] == constants(SinePL(c)).L


@pytest.mark.parametrize(
    ("arguments", "named"), [((-1.0,), "c"), ((math.nan,), "c"), ((3.0, 0), "d"), ((3.0, 1.5), "d"), ((3.0, True), "d")]
)
def test_bad_sines_are_refused(arguments, named):
    with pytest.raises(ValueError, match=f"^{named} = "):
        SinePL(*arguments)


# ------------------------------------------------------------ ridge


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    d=st.integers(1, 6),
    a=st.floats(1e-6, 10),
    spread=st.floats(0, 100),
    reach=st.floats(0, 1000),
)
def test_ridge_minimiser_is_critical_and_curvature_runs_from_a_to_b(seed, d, a, spread, reach):
    rng = np.random.default_rng(seed)
    p = LogCoshRidge(orthogonal(rng, d), reach * rng.standard_normal(d), a, a + spread)
    known = constants(p)
    # the coordinates <q_i, w> - s_i carry a few round-offs of |s|, and the gradient is b-Lipschitz in them
    assert np.linalg.norm(gradients(p, known.minimiser)) <= 2e-15 * d * p.b * (1 + np.linalg.norm(p.shift))
    centre = p.basis.T @ p.shift  # every <q_i, w> = s_i here
    np.testing.assert_allclose(hessian(p, centre), p.b * np.eye(d), atol=1e-12 * p.b * (1 + reach))
    spectrum = np.linalg.eigvalsh(hessian(p, rng.standard_normal(d)))
    assert known.mu * (1 - 1e-9) <= spectrum.min() and spectrum.max() <= known.L * (1 + 1e-9)


ROTATION = orthogonal(np.random.default_rng(0), 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2 * ROTATION, [0, 0], 1, 2), "basis is not orthogonal"),
        ((ROTATION[:1], [0], 1, 2), "basis has shape"),
        ((ROTATION * math.nan, [0, 0], 1, 2), "basis has entries that are not finite"),
        ((ROTATION, [0, 0, 0], 1, 2), "shift has shape"),
        ((ROTATION, [], 1, 2), "shift has shape"),
        ((ROTATION, [0, math.inf], 1, 2), "shift has entries"),
        ((ROTATION, [0, 0], 0, 2), "a = 0"),
        ((ROTATION, [0, 0], 1, math.nan), "b = nan"),
        ((ROTATION, [0, 0], 2, 1), "b = 1.0 is less than a = 2.0"),
    ],
)
def test_bad_ridges_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LogCoshRidge(*arguments)
