"""Reference numbers of the flattest networks (specification of wen2023b), with the printed constants beside them."""

import math

import numpy as np
import pytest

from samtheory.evaluate import losses
from samtheory.measures.flatness import net_trace
from samtheory.problems.boolean import complete_set, cube, cube_sample, error_rate, xor
from samtheory.problems.flat_nets import (
    batch_norm_corner_net,
    corner_net,
    layer_norm_corner_net,
    layer_norm_memoriser,
    memoriser,
    separation,
    unbiased_memoriser,
    unbiased_xor_net,
)
from samtheory.problems.relu_nets import outputs, with_bias
from samtheory.theory.flatness import flattest_trace, smoothed_curvature, smoothed_logit

XOR = xor(cube(2))
D = 10
X = cube_sample(np.random.default_rng(0), 40, D, distinct=True)
UNIT = X / math.sqrt(D)


def trace(made):
    return net_trace(*made).value


def test_memoriser():
    net, theta = memoriser(X, xor(X), UNIT, 1.9 / math.sqrt(D))
    assert losses(net, theta) < 1e-28
    assert trace((net, theta)) == pytest.approx(13.266499161, abs=1e-8)
    whole = outputs(net, theta, with_bias(cube(D)))
    assert error_rate(whole, xor(cube(D))) == 0.9609375
    assert (np.abs(whole) > 1e-9).sum() == 40
    neighbours = np.vstack([X, X[0] * np.append(-1, np.ones(D - 1))])  # Hamming distance 1
    eps = 2.1 / math.sqrt(D)
    spread = losses(*memoriser(neighbours, xor(neighbours), neighbours / math.sqrt(D), eps))
    assert separation(neighbours, neighbours / math.sqrt(D)) < eps and spread > 1e-5
    even = X * np.prod(X, axis=1)[:, None] ** np.append(1, np.zeros(D - 1))  # of even parity: Hamming distance 2
    even = np.unique(even, axis=0)
    far = memoriser(even, xor(even), even / math.sqrt(D), 3 / math.sqrt(D))  # beyond 2/sqrt d, below 4/sqrt d
    assert losses(*far) < 1e-28 and (outputs(*far, with_bias(cube(D))) != 0).sum() > len(even)
    stretched = memoriser(X, xor(X), UNIT, 0.3, stretch=math.sqrt(1.3))
    assert trace(stretched) == pytest.approx(13.7257, abs=1e-4) and losses(*stretched) < 1e-28


@pytest.mark.parametrize("depth, expected", [(3, 13.34388), (4, 14.56928), (5, 16.15394)])
def test_deep_memoriser(depth, expected):
    few = slice(0, 8)
    assert trace(memoriser(X[few], xor(X[few]), UNIT[few], 0.5, depth, 0.1)) == pytest.approx(expected, abs=1e-5)
    assert flattest_trace(xor(X), math.sqrt(D + 1), depth) == pytest.approx(expected, abs=1e-5)


def test_corner_net():
    assert trace(corner_net(X, XOR)) == pytest.approx(13.2664991, abs=1e-6)
    assert trace(corner_net(X, XOR, radius=(D**2 + 1) ** 0.25)) == pytest.approx(22.2888, abs=1e-4)  # as printed


def test_layer_norm():
    X = cube_sample(np.random.default_rng(1), 20, 8, distinct=True)
    for eps, expected in ((0.5, 2), (1.5 * 3, 2), (6 * 3, 2 / 3)):
        made = layer_norm_memoriser(X, xor(X), X / math.sqrt(8), 0.4, eps), layer_norm_corner_net(X, XOR, eps)
        for net, theta in made:
            assert trace((net, theta)) == pytest.approx(expected, abs=1e-7) and losses(net, theta) < 1e-28
    printed = layer_norm_corner_net(X, XOR, 1.5 * 3, switch=1.0)
    assert trace(printed) == pytest.approx(2.6667, abs=1e-4) and losses(*printed) < 1e-28


def test_batch_norm():
    whole = complete_set([[1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]])
    for scale, expected in ((0.5, 26), (1, 12.5), (3, 8.5), (10, 8.045)):
        assert trace(batch_norm_corner_net(whole, scale)) == pytest.approx(expected, abs=1e-7)
    assert trace(batch_norm_corner_net(whole, 100, gamma=1)) == pytest.approx(10.00045, abs=1e-7)


def test_without_bias():
    for e, expected in ((0.5, 40.0), (0.1, 19.9753), (0.01, 18.0701)):
        net, theta = unbiased_xor_net(cube(D), e)
        assert trace((net, theta)) == pytest.approx(expected, abs=1e-4) and losses(net, theta) < 1e-28
    rng = np.random.default_rng(0)
    X, fresh = cube_sample(rng, 25, 30), cube_sample(rng, 4000, 30)
    net, theta = unbiased_memoriser(X, xor(X), 0.1)
    assert trace((net, theta)) == pytest.approx(21.90890, abs=1e-5) and losses(net, theta) < 1e-28
    assert 0.45 < error_rate(outputs(net, theta, fresh), xor(fresh)) < 0.55


def test_label_smoothing():
    assert smoothed_logit(0.2) == pytest.approx(1.386294, abs=1e-6)
    assert smoothed_curvature(0.2) == pytest.approx(0.16)
