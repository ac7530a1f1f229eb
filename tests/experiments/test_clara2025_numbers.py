"""Reference numbers of the claims on diagonal networks under weight noise."""

import numpy as np
import pytest

from samtheory.evaluate import losses
from samtheory.problems.diagonal_net import layered_net, marginal_net
from samtheory.sde.order import mean_interval
from samtheory.theory.thresholding import shrinkage_threshold, shrunk


def test_soft_threshold():
    np.testing.assert_allclose(shrunk([2, -1, 0.5, 0.1, 0], 0.5, 2), [1.75, -0.75, 0.25, 0, 0], rtol=1e-14)


@pytest.mark.parametrize(("depth", "beta"), [(2, 0.91), (3, 0.8226930492), (4, 0.7422398140)])
def test_shrinkage_by_depth(depth, beta):
    np.testing.assert_allclose(shrunk(1.0, 0.3, depth), beta, rtol=0, atol=1e-10)


def test_threshold_of_depth_three():
    np.testing.assert_allclose(shrinkage_threshold(0.7, 3), 16 * 3**0.5 / 9 * 0.7**3, rtol=1e-14)


def test_the_mean_over_gaussian_draws():
    rng, e = np.random.default_rng(11), 0.5
    X, y, w = rng.standard_normal((4, 3)), rng.standard_normal(4), rng.standard_normal(6)
    drawn = mean_interval(losses(layered_net(X, y), w + e * rng.standard_normal((100_000, 6))))  # false alarm 1e-6
    assert abs(drawn.estimate - losses(marginal_net(X, y, e), w)) <= drawn.half_width < 0.05 * drawn.estimate
