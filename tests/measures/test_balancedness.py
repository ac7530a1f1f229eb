"""Balancedness and its threshold against the definitions."""

import numpy as np
import pytest

from samtheory.evaluate import gradients
from samtheory.measures.balancedness import balance_rate, balance_threshold, balancedness, gradient_balance
from samtheory.problems.balanced import Outer
from samtheory.problems.links import HalfSquare

rng = np.random.default_rng(4)
X, PROBLEM = rng.standard_normal((4, 6, 5)), Outer(HalfSquare(0.0), rng.standard_normal((2, 3)))


def half_difference(v, size):
    return (np.linalg.norm(v[..., :size], axis=-1) ** 2 - np.linalg.norm(v[..., size:], axis=-1) ** 2) / 2


def test_definitions():
    np.testing.assert_allclose(balancedness(X, 2), half_difference(X, 2), rtol=0, atol=1e-14)
    np.testing.assert_allclose(balancedness(X[..., :4], 2), half_difference(X[..., :4], 2), rtol=0, atol=1e-14)
    np.testing.assert_allclose(
        gradient_balance(PROBLEM, X, 2), half_difference(gradients(PROBLEM, X), 2), rtol=0, atol=1e-12
    )
    assert balancedness([1.0 + 2**-50, 1.0], 1) == pytest.approx(2.0**-50, rel=1e-14)  # digits near balance


def test_threshold_is_that_of_the_balanced_pair():
    for v in X.reshape(-1, 5):
        x, y = v[:2], v[2:]
        G = np.outer(x, y) - PROBLEM.target
        c = np.sqrt(np.linalg.norm(x) / np.linalg.norm(y))
        x, y = x / c, y * c
        square = np.linalg.norm(G @ y) / np.linalg.norm(G.T @ x)
        want = (square * x @ x - y @ y / square) / 2
        np.testing.assert_allclose(balance_threshold(PROBLEM, v, 2), want, rtol=1e-12)


def test_refusal():
    with pytest.raises(ValueError, match="size = 5 leaves no second block"):
        balancedness(X, 5)


def test_the_rate_is_that_of_the_balance_along_the_direction_of_the_step():
    rng = np.random.default_rng(8)
    z, d, eta, h = rng.standard_normal(5), rng.standard_normal(5), 0.3, 1e-6
    difference = (balancedness(z - h * d, 2) - balancedness(z + h * d, 2)) / (2 * h)
    assert abs(balance_rate(z, z - eta * d, 2, eta) - difference) < 1e-8
