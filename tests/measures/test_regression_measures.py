"""The smoother against matrix powers; the largest rise in a ball against the maximum over its directions."""

import numpy as np
import pytest

from samtheory.measures.ball import largest_rise
from samtheory.measures.smoother import bias_and_variance, smoother
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM


def test_smoother_is_a_power_of_the_step():
    rng = np.random.default_rng(0)
    Phi, eta, rho = rng.standard_normal((4, 3)), 0.05, 0.1
    K = Phi @ Phi.T
    for rule, step in ((GD(eta), eta * K), (USAM(eta, rho), eta * K @ (np.eye(4) + rho * K))):
        S = smoother(Phi, rule, 7, every=7)
        np.testing.assert_allclose(S[-1], np.eye(4) - np.linalg.matrix_power(np.eye(4) - step, 7), atol=1e-13)


def test_bias_and_variance_are_those_of_draws():
    rng = np.random.default_rng(1)
    S, f, s = rng.standard_normal((4, 4)), rng.standard_normal(4), 0.7
    drawn = ((f + s * rng.standard_normal((400_000, 4))) @ S.T - f) ** 2
    bias, variance = bias_and_variance(S, f, s)
    means = drawn.mean(axis=1)
    assert abs(means.mean() - bias - variance) < 5 * means.std() / len(means) ** 0.5


@pytest.mark.parametrize("radius", [0.01, 0.5, 20.0])
def test_largest_rise_in_the_plane(radius):
    lam, g = np.array([2.0, 0.3]), np.array([[0.4, -1.0], [0.0, 0.7], [0.0, 0.0], [-3.0, 0.0]])
    angle = np.linspace(0, 2 * np.pi, 2_000_001)
    d = radius * np.stack([np.cos(angle), np.sin(angle)])  # f is convex: the maximum is on the sphere
    brute = [(one @ d + 0.5 * lam @ d**2).max() for one in g]
    np.testing.assert_allclose(largest_rise(lam, g, radius), brute, rtol=1e-10)


def test_radius_must_be_positive():
    with pytest.raises(ValueError, match="radius = 0"):
        largest_rise([1.0], [1.0], 0)
