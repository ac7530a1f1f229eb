"""Bounds on the gradient of a network's output against Jacobians of random nets, and limits of the closed forms."""

import numpy as np
import pytest

from samtheory.problems.core import dim
from samtheory.problems.relu_nets import DeepReluNet, ReluNet, output_gradients, outputs, pre_activations, weights
from samtheory.theory.flatness import (
    batch_norm_corner_trace,
    corner_trace,
    flattest_trace,
    gradient_bound,
    gradient_gap,
    layer_norm_flattest_trace,
    rademacher_bound,
    smoothed_curvature,
    smoothed_logit,
    unbiased_xor_trace,
)


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_gradient_bounds(depth):
    rng = np.random.default_rng(depth)
    X = rng.standard_normal((50, 3))
    size = np.linalg.norm(X, axis=1)
    for _ in range(20):
        net = DeepReluNet(X, np.zeros(50), 2, depth)
        theta = rng.standard_normal(dim(net))
        f, squares = outputs(net, theta), (output_gradients(net, theta) ** 2).sum(axis=1)
        assert (squares >= gradient_bound(f, size, depth) * (1 - 1e-12)).all()
        if depth == 2:
            a = pre_activations(ReluNet(X, np.zeros(50), 2), theta)[0]
            gap = gradient_gap(f, size, a > 0, weights(net, theta)[-1], np.maximum(a, 0))
            np.testing.assert_allclose(squares - 2 * size * np.abs(f), gap, atol=1e-12)


def test_closed_forms():
    size = np.sqrt(11.0)
    assert flattest_trace([1, -1], size) == pytest.approx(4 * size)
    assert flattest_trace([2.0], 3.0, 3) == pytest.approx(6 * 2 ** (4 / 3) * 3 ** (2 / 3))
    radii = np.linspace(0.5, 5, 400)
    assert min(corner_trace(size, r) for r in radii) == pytest.approx(corner_trace(size, size**0.5), rel=1e-4)
    assert corner_trace(size, size**0.5) == pytest.approx(4 * size)
    assert layer_norm_flattest_trace([1.0], size, 2 * size) == pytest.approx(2)  # both branches
    assert batch_norm_corner_trace([[1], [-1]], 1e6) == pytest.approx(8)
    gammas = np.linspace(0.3, 1.5, 401)
    best = gammas[np.argmin([batch_norm_corner_trace([[1], [-1]], 1, g) for g in gammas])]
    assert best == pytest.approx(0.5**0.5, abs=3e-3)
    assert unbiased_xor_trace(10, 1e-9) == pytest.approx(17.8885, abs=1e-4)
    p, h = 0.2, 1e-4

    def smoothed(u):
        return np.log1p(np.exp(-u)) + p * u

    u = smoothed_logit(p)
    assert (smoothed(u + h) - 2 * smoothed(u) + smoothed(u - h)) / h**2 == pytest.approx(
        smoothed_curvature(p), abs=1e-6
    )
    assert rademacher_bound([3.0, 3.0, 3.0, 3.0], 2.0) == pytest.approx(6)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: gradient_bound(1.0, 1.0, 1), "depth = 1"),
        (lambda: layer_norm_flattest_trace([1.0], 1.0, 0), "eps = 0"),
        (lambda: corner_trace(1.0, -1.0), "radius = -1"),
        (lambda: batch_norm_corner_trace([[1]], 0), "scale = 0"),
        (lambda: unbiased_xor_trace(1, 0.5), "d = 1"),
        (lambda: unbiased_xor_trace(3, 1.0), "e = 1.0"),
        (lambda: smoothed_logit(0.5), "smoothing = 0.5"),
        (lambda: smoothed_curvature(0), "smoothing = 0"),
        (lambda: rademacher_bound([1.0], 0), "path = 0"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
