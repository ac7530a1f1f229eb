"""Samplings against brute force: every ordered draw, moments of the weights, the residual bound at random points."""

import itertools

import numpy as np
import pytest

from samtheory.evaluate import losses, sample_gradients
from samtheory.oracles import EverySample, FullBatch, GaussianNoise, WithoutReplacement, WithReplacement, importance
from samtheory.problems.core import constants, sample_constants
from samtheory.problems.finite_sum import LeastSquares, Logistic
from samtheory.problems.quadratic import quadratic
from samtheory.samplings import (
    every_batch,
    expectation,
    expected_residual,
    optimal_probabilities,
    realisations,
    sampled,
)

RNG = np.random.default_rng(5)
N = 5
RIDGE = LeastSquares(RNG.standard_normal((N, 3)) * [[3], [1], [1], [0.5], [2]], RNG.standard_normal(N), 0.1)
P = np.array([0.4, 0.1, 0.2, 0.05, 0.25])

ORACLES = {
    "full": FullBatch(RIDGE),
    "every": EverySample(RIDGE),
    "without": WithoutReplacement(RIDGE, 3),
    "with": WithReplacement(RIDGE, 2),
    "single": importance(RIDGE, P),
    "pair": importance(RIDGE, P, 2),
}


def ordered(name):
    """(probability, weights) of every ordered draw, written out."""
    if name in ("full", "every"):
        return [(1.0, np.full(N, 1 / N))]
    size, p = {"without": (3, None), "with": (2, np.full(N, 1 / N)), "single": (1, P), "pair": (2, P)}[name]
    draws = itertools.permutations(range(N), size) if p is None else itertools.product(range(N), repeat=size)
    out = []
    for draw in draws:
        v = np.zeros(N)
        for i in draw:
            v[i] += (1.0 if p is None else 1 / (N * p[i])) / size
        out.append((1 / 60 if p is None else float(np.prod(p[list(draw)])), v))
    return out


@pytest.mark.parametrize("name", ORACLES)
def test_realisations_have_the_law_of_the_ordered_draws(name):
    every, want = realisations(ORACLES[name]), ordered(name)
    assert every.probability.sum() == pytest.approx(1, abs=1e-14)
    assert np.allclose(every.mean(every.weights), 1 / N, rtol=1e-14)  # unbiased
    second = every.mean(np.einsum("mi,mj->mij", every.weights, every.weights))
    assert np.allclose(second, sum(p * np.outer(v, v) for p, v in want), rtol=1e-13)


@pytest.mark.parametrize("name", ORACLES)
def test_sampled_weights_have_that_law_too(name):
    every = realisations(ORACLES[name])
    draws = sampled(ORACLES[name], 20_000, np.random.default_rng(1))
    for moment in (lambda v: v, lambda v: v**2, lambda v: v[:, :1] * v[:, 1:]):
        values = moment(draws)
        error = 6 * values.std(axis=0) / 20_000**0.5 + 1e-12
        assert (np.abs(values.mean(axis=0) - every.mean(moment(every.weights))) <= error).all()


def test_expectations_beyond_enumeration_have_an_interval_that_holds_the_exact_value():
    n = 40
    big = LeastSquares(np.random.default_rng(2).standard_normal((n, 2)), np.zeros(n))
    y = np.arange(n, dtype=float)
    found = expectation(WithoutReplacement(big, 6), lambda v: (v @ y) ** 2)
    variance = (n - 6) / (6 * (n - 1)) * y.var()
    assert found.half_width > 0 and found.low <= y.mean() ** 2 + variance <= found.high
    assert found.half_width < 0.02 * found.estimate
    exact = expectation(WithReplacement(RIDGE, 2), lambda v: v)
    assert exact.half_width.max() == 0 and np.allclose(exact.estimate, 1 / N)


@pytest.mark.parametrize("name", ORACLES)
def test_the_residual_bound_holds_and_a_tenth_less_does_not(name):
    oracle, known = ORACLES[name], constants(RIDGE)
    er = expected_residual(oracle, known.f_star)
    scales = np.exp(RNG.uniform(-4, 5, (4000, 1)))
    x = known.minimiser + scales * RNG.standard_normal((4000, 3))
    g = sample_gradients(RIDGE, x)  # [points, n, d]
    left = expectation(oracle, lambda v: np.einsum("mi,pid->mpd", v, g).__pow__(2).sum(axis=2)).estimate
    right = 2 * er.A * (losses(RIDGE, x) - known.f_star) + er.B * (g.mean(axis=1) ** 2).sum(axis=1) + er.C
    assert (left <= right * (1 + 1e-12)).all()
    every = realisations(oracle)
    steepest = max(np.linalg.norm((RIDGE.A.T * v) @ RIDGE.A + v.sum() * 0.1 * np.eye(3), 2) for v in every.weights)
    assert steepest <= er.lipschitz * (1 + 1e-12)


def test_the_constant_a_is_attained_by_equal_parabolas_of_one_centre():
    same = LeastSquares(np.full((4, 1), 1.5), np.full(4, 0.3))
    er = expected_residual(WithReplacement(same, 1), 0.0)
    x = np.array([[2.0]])
    left = (sample_gradients(same, x) ** 2).mean()
    assert er.C == 0 and left == pytest.approx(2 * er.A * losses(same, x)[0], rel=1e-14)


def test_importance_by_smoothness_has_the_mean_of_the_constants():
    L = sample_constants(RIDGE).L
    er = expected_residual(importance(RIDGE, optimal_probabilities(L)), constants(RIDGE).f_star)
    assert pytest.approx(L.mean(), rel=1e-14) == er.A and er.lipschitz == pytest.approx(L.mean(), rel=1e-14)


def test_sample_constants_are_those_of_each_term():
    from scipy.optimize import minimize

    label = np.sign(RIDGE.b)
    for problem in (RIDGE, Logistic(RIDGE.A, label, 0.2)):
        known = sample_constants(problem)
        for i in range(N):
            row = slice(i, i + 1)
            one = problem._replace(A=problem.A[row], **{problem._fields[1]: problem[1][row]})
            assert known.L[i] == pytest.approx(constants(one).L, rel=1e-12)
            least = minimize(lambda x, one=one: losses(one, x), np.zeros(3), tol=1e-10).fun
            assert known.f_inf[i] <= least + 1e-9
            if problem is RIDGE:
                assert known.f_inf[i] == pytest.approx(least, abs=1e-7)


def test_additive_noise_has_its_variance():
    assert pytest.approx(0.5) == expected_residual(GaussianNoise(quadratic([1.0, 2.0]), 0.5), 0.0).C


def test_refusals_name_what_is_wrong():
    with pytest.raises(TypeError, match="cannot be enumerated"):
        realisations(GaussianNoise(RIDGE, 1.0))
    with pytest.raises(ValueError, match="at most 10\\^6"):
        every_batch(60, 12, False)
    with pytest.raises(ValueError, match=r"f_inf = -5\.0 is below"):
        expected_residual(WithReplacement(RIDGE, 1), -5.0)
    with pytest.raises(ValueError, match=r"L\[1\] = 0.0"):
        optimal_probabilities([1.0, 0.0])
    with pytest.raises(ValueError, match="sums to"):
        importance(RIDGE, np.full(N, 0.3))
    with pytest.raises(ValueError, match="must be > 0"):
        importance(RIDGE, [0.5, 0.5, 0, 0, 0])
