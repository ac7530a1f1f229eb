"""Interpolators: their optimality is checked from the definition, and the entropy's has l1 and l2 as its limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samtheory.measures.interpolators import basis_pursuit, least_norm, minimise_entropy
from samtheory.theory.potentials import entropy_gradient, hyperbolic_entropy


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 8), power=st.floats(-10, 1))
def test_no_interpolator_beside_it_has_a_lower_entropy(seed, n, power):
    rng = np.random.default_rng(seed)
    X, alpha = rng.standard_normal((n, 9)), 10**power * rng.uniform(0.5, 2, 9)
    y = X @ rng.standard_normal(9)
    got = minimise_entropy(X, y, alpha)
    assert got.infeasibility < 1e-12
    kernel = np.linalg.svd(X)[2][n:]
    slope = entropy_gradient(got.beta, alpha)
    assert np.abs(kernel @ slope).max() < 1e-11 * np.abs(slope).max()
    moves = 0.1 * rng.standard_normal((5, 9 - n)) @ kernel
    assert (hyperbolic_entropy(got.beta + moves, alpha) > hyperbolic_entropy(got.beta, alpha)).all()


def test_the_two_limits():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((6, 10))
    y = X @ np.eye(10)[2]
    sparse, small = basis_pursuit(X, y), least_norm(X, y)
    assert max(sparse.infeasibility, sparse.stationarity, small.infeasibility, small.stationarity) < 1e-12
    np.testing.assert_allclose(sparse.beta, np.eye(10)[2], atol=1e-12)
    np.testing.assert_allclose(minimise_entropy(X, y, 1e-8).beta, sparse.beta, atol=1e-3)
    np.testing.assert_allclose(minimise_entropy(X, y, 1e3).beta, small.beta, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(small.beta, np.linalg.pinv(X) @ y)
    assert (minimise_entropy(X, 0 * y, 0.1).beta == 0).all()


def test_no_solution_is_an_error():
    twice = np.ones((2, 3))
    with pytest.raises((ArithmeticError, np.linalg.LinAlgError)):
        minimise_entropy(twice, [1, 2], 0.1)
    with pytest.raises(ArithmeticError, match="no solution"):
        basis_pursuit(twice, [1, 2])
    with pytest.raises(ValueError, match="alpha"):
        minimise_entropy(twice, [1, 1], 0.0)
