"""Least squares and logistic regression: minimisers, ranks, refused data."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samtheory.evaluate import gradients, hessian, losses, sample_gradients
from samtheory.oracles import EverySample, WithReplacement
from samtheory.problems.core import constants
from samtheory.problems.finite_sum import LeastSquares, Logistic
from samtheory.rules.gd import GD
from samtheory.simulate import simulate

seeds = st.integers(0, 2**32 - 1)


def low_rank(rng, n, d, rank):
    return rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d))


@settings(max_examples=50, deadline=None)
@given(seed=seeds, n=st.integers(1, 8), d=st.integers(1, 8), data=st.data())
def test_rank_deficient_least_squares(seed, n, d, data):
    rank = data.draw(st.integers(0, min(n, d)))
    rng = np.random.default_rng(seed)
    p = LeastSquares(low_rank(rng, n, d, rank), rng.standard_normal(n))
    known = constants(p)
    spectrum = np.sort(np.linalg.eigvalsh(hessian(p, np.zeros(d))))
    assert (known.pl is None) == (rank == 0)
    assert (known.mu is None) == (rank < d)
    if rank:
        assert math.isclose(known.L, spectrum[-1], rel_tol=1e-12)
        assert math.isclose(known.pl, spectrum[d - rank], rel_tol=1e-9, abs_tol=1e-13 * known.L)
    least_norm = np.linalg.lstsq(p.A, p.b)[0]
    np.testing.assert_allclose(known.minimiser, least_norm, rtol=1e-8, atol=1e-10 * (1 + np.abs(least_norm).max()))


@settings(max_examples=50, deadline=None)
@given(seed=seeds, n=st.integers(1, 6), extra=st.integers(0, 4))
def test_interpolated_data_have_a_minimum_of_exactly_zero(seed, n, extra):
    rng = np.random.default_rng(seed)
    assert constants(LeastSquares(rng.standard_normal((n, n + extra)), rng.standard_normal(n))).f_star == 0


@settings(max_examples=50, deadline=None)
@given(seed=seeds, reg=st.floats(1e-3, 10))
def test_a_ridge_makes_least_squares_strongly_convex(seed, reg):
    rng = np.random.default_rng(seed)
    p = LeastSquares(rng.standard_normal((3, 5)), rng.standard_normal(3), reg)
    known = constants(p)
    assert known.mu == known.pl == reg
    normal = np.linalg.solve(p.A.T @ p.A / 3 + reg * np.eye(5), p.A.T @ p.b / 3)
    np.testing.assert_allclose(known.minimiser, normal, rtol=1e-9, atol=1e-11)


@settings(max_examples=50, deadline=None)
@given(seed=seeds, scale=st.floats(1e-2, 1e2), reg=st.floats(1e-6, 10), separable=st.booleans())
def test_logistic_minimiser_is_certified_by_its_gradient(seed, scale, reg, separable):
    """f - f_star <= |grad f|^2 / (2 reg)."""
    rng = np.random.default_rng(seed)
    A = scale * rng.standard_normal((12, 3))
    y = np.sign(A[:, 0] if separable else rng.standard_normal(12))
    p = Logistic(A, y, reg)
    known = constants(p)
    length = np.linalg.norm(gradients(p, known.minimiser))
    assert length <= 1e-13 * (scale + reg * np.linalg.norm(known.minimiser))
    assert math.isclose(losses(p, known.minimiser), known.f_star, rel_tol=1e-13, abs_tol=1e-16)
    assert np.linalg.eigvalsh(hessian(p, np.zeros(3))).max() == pytest.approx(known.L, rel=1e-12)


def test_logistic_without_ridge_promises_no_minimum():
    known = constants(Logistic([[1.0], [-1.0]], [1, -1]))
    assert math.isclose(known.L, 0.25)
    assert known.minimiser is known.f_star is known.mu is known.pl is None


def test_logistic_of_huge_margins_does_not_overflow():
    p = Logistic([[1.0], [1.0]], [1, -1])
    for x in (1e5, -1e5):
        assert losses(p, [x]) == 5e4
        np.testing.assert_array_equal(sample_gradients(p, [x])[:, 0], [0, 1] if x > 0 else [-1, 0])
        assert hessian(p, [x])[0, 0] == 0


def test_oracles_draw_from_these_samples():
    rng = np.random.default_rng(1)
    p = LeastSquares(rng.standard_normal((6, 3)), rng.standard_normal(6), 0.1)
    x0 = rng.standard_normal(3)
    full = simulate(p, GD(0.1), x0, 5)
    every = simulate(EverySample(p), GD(0.1), x0, 5)
    np.testing.assert_allclose(every.states, full.states, rtol=1e-13)
    one = simulate(WithReplacement(p, 1), GD(0.1), x0, 1, members=64).states
    steps = x0 - 0.1 * sample_gradients(p, x0)
    gaps = np.abs(one[:, 1, None] - steps).max(-1).min(-1)
    assert gaps.max() < 1e-14


@pytest.mark.parametrize(
    ("cls", "arguments", "message"),
    [
        (LeastSquares, ([], [1.0]), "A has shape"),
        (LeastSquares, ([[]], [1.0]), "A has shape"),
        (LeastSquares, ([1.0, 2.0], [1.0]), "A has shape"),
        (LeastSquares, ([[math.nan]], [1.0]), "A has entries that are not finite"),
        (LeastSquares, ([[1.0]], []), "b has shape"),
        (LeastSquares, ([[1.0]], [math.inf]), "b has entries"),
        (LeastSquares, ([[1.0]], [1.0, 2.0]), "b has shape .* A has shape"),
        (LeastSquares, ([[1.0]], [1.0], -1.0), "reg = -1.0"),
        (LeastSquares, ([[1.0]], [1.0], math.nan), "reg = nan"),
        (Logistic, ([["x"]], [1.0]), "A is not an array of numbers"),
        (Logistic, ([[1.0]], [0.5]), r"y\[0\] = .*labels are \+1 or -1"),
        (Logistic, ([[1.0], [2.0]], [1.0, 0.0]), r"y\[1\] = "),
        (Logistic, ([[1.0], [2.0]], [1.0]), "y has shape .* A has shape"),
        (Logistic, ([[1.0]], [math.nan]), "y has entries"),
    ],
)
def test_bad_data_are_refused(cls, arguments, message):
    with pytest.raises(ValueError, match=message):
        cls(*arguments)


def test_replacing_a_field_checks_again():
    p = LeastSquares([[1.0]], [1.0])
    assert p._replace(reg=2.0).reg == 2.0
    with pytest.raises(ValueError, match="b has shape"):
        p._replace(b=[1.0, 2.0])
