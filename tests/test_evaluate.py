"""Compiled evaluation: shapes, statistics, points that are not finite, clear errors."""

import math
from functools import partial
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samtheory.evaluate import (
    grad_norms,
    gradients,
    hessian,
    hessian_vector,
    losses,
    sample_gradients,
    sample_losses,
)
from samtheory.kernel import interpreted
from samtheory.oracles import GaussianNoise
from samtheory.problems.core import dim, grad
from samtheory.problems.finite_sum import LeastSquares
from samtheory.problems.quadratic import quadratic
from samtheory.problems.separable import SinePL
from samtheory.rules.gd import GD
from samtheory.simulate import simulate

RNG = np.random.default_rng(0)
PROBLEM = LeastSquares(RNG.standard_normal((5, 3)), RNG.standard_normal(5), 0.1)
MEASURES = {
    losses: (),
    grad_norms: (),
    gradients: (3,),
    hessian: (3, 3),
    partial(hessian_vector, V=np.ones(3)): (3,),
    sample_losses: (5,),
    sample_gradients: (5, 3),
}
every_measure = pytest.mark.parametrize(
    ("measure", "shape"), MEASURES.items(), ids=lambda m: getattr(m, "__name__", "")
)


class Bare(NamedTuple):
    """A problem with a gradient and nothing else."""

    d: int


@dim.register(Bare)
def _dim(p):
    return p.d


@grad.register(Bare)
def _grad(p, x, out, work):
    for i in range(x.shape[0]):
        out[i] = x[i]


@every_measure
@settings(max_examples=30, deadline=None)
@given(lead=st.lists(st.integers(0, 3), max_size=3), seed=st.integers(0, 2**32 - 1))
def test_leading_axes_are_kept_and_rows_do_not_mix(measure, shape, lead, seed):
    X = np.random.default_rng(seed).standard_normal((*lead, 3))
    got = measure(PROBLEM, X)
    assert got.shape == (*lead, *shape)
    for index in np.ndindex(*lead):
        assert (got[index] == measure(PROBLEM, X[index])).all()


@every_measure
def test_the_point_is_left_alone_in_any_layout(measure, shape):
    X = RNG.standard_normal((3, 4)).T
    X.flags.writeable = False
    before = X.copy()
    assert (measure(PROBLEM, X) == measure(PROBLEM, before.copy())).all()
    assert np.array_equal(X, before)
    assert (measure(PROBLEM, [1, 2, 3]) == measure(PROBLEM, np.array([1.0, 2.0, 3.0]))).all()


@every_measure
@pytest.mark.parametrize("hole", [math.nan, math.inf, -math.inf])
def test_points_that_are_not_finite_give_nan_in_their_row_alone(measure, shape, hole):
    X = np.ones((3, 3))
    X[1, 2] = hole
    for got in (measure(PROBLEM, X), _plain(measure, X)):
        assert np.isnan(got[1]).all()
        assert np.isfinite(got[[0, 2]]).all()


def _plain(measure, X):
    with interpreted():
        return measure(PROBLEM, X)


def test_norms_are_those_of_the_gradients():
    X = RNG.standard_normal((7, 3))
    np.testing.assert_allclose(grad_norms(PROBLEM, X), np.linalg.norm(gradients(PROBLEM, X), axis=-1), rtol=1e-15)


def test_one_vector_or_one_for_each_point():
    X, V = RNG.standard_normal((2, 4, 3)), RNG.standard_normal((2, 4, 3))
    each = hessian_vector(PROBLEM, X, V)
    assert (each[1, 2] == hessian_vector(PROBLEM, X[1, 2], V[1, 2])).all()
    assert (hessian_vector(PROBLEM, X, V[0, 0])[1, 3] == hessian_vector(PROBLEM, X[1, 3], V[0, 0])).all()
    for wrong in (np.ones(2), np.ones((4, 3)), np.ones((1, 3)), 1.0):
        with pytest.raises(ValueError, match="V has shape"):
            hessian_vector(PROBLEM, X, wrong)


def test_they_are_statistics():
    problem = SinePL(3.0, 2)
    x0 = RNG.standard_normal((4, 2))
    record = {"loss": partial(losses, problem), "norm": partial(grad_norms, problem)}
    run = simulate(problem, GD(0.1), x0, 20, every=3, record=record)
    full = simulate(problem, GD(0.1), x0, 20, every=3)
    assert (run["loss"] == losses(problem, full.states)).all()
    assert run["norm"].shape == (4, 7)
    assert simulate(problem, GD(0.1), x0[0], 2, every=5, record=record)["loss"].shape == (1,)


def test_statistics_of_diverged_members_are_nan():
    problem = quadratic([1.0])
    record = {"loss": partial(losses, problem)}
    run = simulate(problem, GD(30.0), [1.0], 300, record=record, on_divergence="report")
    assert np.isnan(run["loss"][-1]) and np.isfinite(run["loss"][:100]).all()


@pytest.mark.parametrize(
    ("measure", "missing"),
    [
        (losses, "loss"),
        (hessian, "hess"),
        (partial(hessian_vector, V=[1.0, 1.0]), "hvp"),
        (sample_gradients, "sample_grad"),
    ],
    ids=["loss", "hess", "hvp", "sample_grad"],
)
def test_a_missing_piece_is_named(measure, missing):
    with pytest.raises(TypeError, match=rf"problem = Bare has no `samtheory\.problems\.core\.{missing}` registered"):
        measure(Bare(2), [1.0, 2.0])
    assert (gradients(Bare(2), [1.0, 2.0]) == [1.0, 2.0]).all()


def test_an_oracle_is_no_problem():
    with pytest.raises(TypeError, match="problem = GaussianNoise has no"):
        losses(GaussianNoise(PROBLEM, 1.0), np.ones(3))


@every_measure
@pytest.mark.parametrize("X", [1.0, [], [1.0, 2.0], np.ones((3, 4)), np.ones((2, 0))], ids=str)
def test_wrong_shapes_are_refused(measure, shape, X):
    with pytest.raises(ValueError, match=r"X has shape .* the dimension 3"):
        measure(PROBLEM, X)


@every_measure
def test_what_is_no_array_is_refused(measure, shape):
    with pytest.raises(ValueError, match="X is not an array of numbers"):
        measure(PROBLEM, [[1.0, 2.0, 3.0], [1.0]])
