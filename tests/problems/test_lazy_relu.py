"""ReLU nets with fixed heads against numpy; doubled units; the tangent kernel against differences of the outputs."""

import numpy as np
import pytest

from samtheory.evaluate import gradients, losses, sample_gradients, sample_losses
from samtheory.kernel import interpreted
from samtheory.problems.lazy_relu import HeadlessReLU, active, doubled, outputs, tangent_kernel

RNG = np.random.default_rng(0)
X, Y, W = RNG.standard_normal((5, 3)), RNG.standard_normal(5), RNG.standard_normal((3, 4))
NET, THETA = HeadlessReLU(X, Y, [0.5, -1.0, 2.0, 0.3]), W.ravel()


def out(theta):
    return np.maximum(X @ theta.reshape(3, 4), 0) @ NET.heads


def jacobian():
    return np.array([(out(THETA + h) - out(THETA - h)) / 2e-6 for h in 1e-6 * np.eye(12)]).T


def test_outputs_and_loss():
    points = np.stack([THETA, 2 * THETA])
    np.testing.assert_allclose(outputs(NET, points), [out(t) for t in points], rtol=1e-13)
    np.testing.assert_allclose(losses(NET, THETA), ((out(THETA) - Y) ** 2).sum() / 2, rtol=1e-13)
    np.testing.assert_allclose(sample_losses(NET, THETA).mean(), losses(NET, THETA), rtol=1e-13)


def test_gradient():
    g = jacobian().T @ (out(THETA) - Y)
    np.testing.assert_allclose(gradients(NET, THETA), g, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(sample_gradients(NET, THETA).mean(axis=0), gradients(NET, THETA), atol=1e-13)
    with interpreted():
        assert gradients(NET, THETA).tobytes() == gradients(HeadlessReLU(*NET), THETA).tobytes()


def test_derivative_at_the_kink_is_zero():
    net = HeadlessReLU([[1.0]], [1.0], [1.0])
    assert gradients(net, [0.0]).tolist() == [0.0]
    assert not active(net, [0.0]).any()


def test_tangent_kernel():
    J = jacobian()
    np.testing.assert_allclose(tangent_kernel(NET, THETA), J @ J.T, rtol=1e-7, atol=1e-8)


def test_doubled_units_cancel():
    heads, start = doubled(W, 0.5)
    np.testing.assert_allclose(heads @ heads, 4 * 0.5**2, rtol=1e-14)
    np.testing.assert_allclose(outputs(HeadlessReLU(X, Y, heads), start), 0, atol=1e-15)


def test_refusals():
    with pytest.raises(ValueError, match="y has shape"):
        HeadlessReLU(X, Y[:2], [1.0])
    with pytest.raises(ValueError, match="W has shape"):
        doubled([1.0], 1.0)
