"""Shrinkage against a direct minimisation, the thresholds, and the lasso's conditions of optimality."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from samtheory.theory.thresholding import shrinkage_threshold, shrunk, weighted_lasso


def by_minimisation(b, e, depth):
    """The minimum over balanced layers near the largest root."""

    def f(c):
        return (c**depth - b) ** 2 / 2 + ((c * c + e * e) ** depth - c ** (2 * depth)) / 2

    low = e * np.sqrt((depth - 2) / depth) if depth > 2 else 0.0
    return minimize_scalar(f, bounds=(low, b ** (1 / depth)), method="bounded", options={"xatol": 1e-12}).x ** depth


def test_shrinkage(verify):
    cases = [(b, e, depth) for b in (1.0, 2.5) for e in (0.1, 0.3) for depth in (2, 3, 4, 6)]
    verify(
        shrunk,
        by_minimisation,
        cases,
        rtol=1e-7,
        more=lambda b, e, depth: shrunk(b, 1.001 * e, depth),
        soft=lambda b, e, depth: shrunk(b, e, 2),
    )


def test_thresholds():
    np.testing.assert_allclose(shrinkage_threshold(0.3, 3), 16 * np.sqrt(3) / 9 * 0.3**3, rtol=1e-14)
    for depth in (2, 3, 5):
        edge = shrinkage_threshold(0.3, depth)
        assert shrunk(0.999 * edge, 0.3, depth) == 0
        assert shrunk(1.001 * edge, 0.3, depth) > (
            0 if depth == 2 else 0.5 * (0.3**2 * (depth - 2) / depth) ** (depth / 2)
        )
    np.testing.assert_allclose(shrunk([-2.0, 0.0, 3.0], 0.0, 4), [-2, 0, 3], rtol=1e-14)
    np.testing.assert_allclose(shrunk([1.0], 0.5, 1), 1.0)
    with pytest.raises(ValueError, match="depth"):
        shrunk(1.0, 0.1, 0)


def test_lasso():
    rng = np.random.default_rng(2)
    X, y, penalty = rng.standard_normal((6, 9)), rng.standard_normal(6), rng.uniform(0.05, 0.3, 9)
    beta = weighted_lasso(X, y, penalty)
    pull = X.T @ (X @ beta - y) / 6
    assert 0 < (beta != 0).sum() < 9
    np.testing.assert_allclose(pull[beta != 0], -(penalty * np.sign(beta))[beta != 0], atol=1e-12)
    assert (np.abs(pull) <= penalty + 1e-12).all()


def test_lasso_ends_where_cancellation_leaves_little():
    for seed in range(200):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((4, 1)), rng.standard_normal(4)
        pull = abs(X.T @ y / 4)
        np.testing.assert_allclose(np.abs(weighted_lasso(X, y, 0.99 * pull)), 0.01 * pull / (X**2).mean(), atol=1e-14)
