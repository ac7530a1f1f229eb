"""ReLU networks: compiled loss and gradients against the NumPy formulas, those against finite differences."""

import numpy as np
import pytest

from samtheory.evaluate import gradients, losses, sample_gradients, sample_losses
from samtheory.kernel import interpreted
from samtheory.problems.boolean import complete_set, cube, cube_sample, error_rate, xor
from samtheory.problems.core import dim, samples
from samtheory.problems.relu_nets import (
    BatchNormReluNet,
    DeepReluNet,
    LayerNormReluNet,
    ReluNet,
    SmoothedReluNet,
    output_gradients,
    outputs,
    pack,
    pre_activations,
    weights,
    with_bias,
)

RNG = np.random.default_rng(7)
X, Y = with_bias(RNG.standard_normal((6, 3))), RNG.standard_normal(6)
NETS = {
    "two layers": ReluNet(X, Y, 5),
    "three layers": DeepReluNet(X, Y, 3, 3),
    "five layers": DeepReluNet(X, Y, 4, 5),
    "layer norm": LayerNormReluNet(X, Y, 5, 1e-3),
    "layer norm, small units": LayerNormReluNet(X, Y, 5, 100.0),
    "logistic": SmoothedReluNet(X, np.sign(Y), 5, 0.2),
    "batch norm": BatchNormReluNet(X, Y, 5),
}
each_net = pytest.mark.parametrize("net", NETS.values(), ids=NETS)


def point(net):
    return np.random.default_rng(3).standard_normal(dim(net))


def by_hand(net, theta):
    """The outputs, one sample and one unit at a time."""
    first, *middle, last = weights(net, theta)
    out = []
    for x in net.X:
        z = np.maximum(first @ x, 0)
        if isinstance(net, DeepReluNet):
            for W in middle:
                z = np.maximum(W @ z, 0)
        elif isinstance(net, LayerNormReluNet):
            z = z / max(np.linalg.norm(z), net.eps)
        elif isinstance(net, BatchNormReluNet):
            z = middle[0] * z / np.sqrt([np.mean([max(w @ x, 0) ** 2 for x in net.X]) for w in first])
        out.append(last @ z)
    return np.array(out)


def central(function, theta, h=1e-6):
    return np.array([(function(theta + h * e) - function(theta - h * e)) / (2 * h) for e in np.eye(len(theta))])


@each_net
def test_outputs_losses_and_gradients(net):
    theta = point(net)
    f = outputs(net, theta)
    np.testing.assert_allclose(f, by_hand(net, theta), rtol=1e-12)
    np.testing.assert_allclose(outputs(net, theta, net.X[2:4]), f[2:4], rtol=1e-12)
    np.testing.assert_allclose(output_gradients(net, theta), central(lambda t: outputs(net, t), theta).T, atol=1e-7)
    np.testing.assert_allclose(gradients(net, theta), central(lambda t: losses(net, t), theta), atol=2e-7)
    np.testing.assert_allclose(sample_losses(net, theta).mean(), losses(net, theta), rtol=1e-13)
    np.testing.assert_allclose(sample_gradients(net, theta).mean(axis=0), gradients(net, theta), atol=1e-13)
    if isinstance(net, SmoothedReluNet):
        p, s = net.smoothing, 1 / (1 + np.exp(-net.y * f))
        expected = -(1 - p) * np.log(s) - p * np.log(1 - s)
        slope = net.y * (s - 1 + p)
    else:
        expected, slope = (f - net.y) ** 2, 2 * (f - net.y)
    np.testing.assert_allclose(sample_losses(net, theta), expected, rtol=1e-12)
    np.testing.assert_allclose(sample_gradients(net, theta), slope[:, None] * output_gradients(net, theta), atol=1e-12)
    assert (samples(net), len(theta)) == (6, dim(net))
    np.testing.assert_array_equal(pack(*weights(net, theta)), theta)


@each_net
def test_the_interpreter_gives_the_same_bits(net):
    theta = point(net)
    compiled = losses(net, theta), gradients(net, theta), sample_gradients(net, theta)
    with interpreted():
        plain = losses(net, theta), gradients(net, theta), sample_gradients(net, theta)
    for one, two in zip(compiled, plain):
        np.testing.assert_array_equal(one, two)


def test_units_that_are_off():
    net = NETS["batch norm"]
    first, gamma, last = (np.array(w) for w in weights(net, point(net)))
    first[2] = [0, 0, 0, -1]
    theta = pack(first, gamma, last)
    others = [0, 1, 3, 4]
    smaller = net._replace(width=4)
    np.testing.assert_allclose(
        outputs(net, theta), outputs(smaller, pack(first[others], gamma[others], last[others])), rtol=1e-13
    )
    by_unit = weights(net, gradients(net, theta))
    assert not by_unit[0][2].any() and by_unit[1][2] == by_unit[2][2] == 0
    assert not output_gradients(net, theta)[:, 8:12].any()
    assert (pre_activations(net, theta)[0][:, 2] == -1).all()
    silent = LayerNormReluNet(X, Y, 1, 0.1)
    assert not outputs(silent, [0, 0, 0, -1, 3.0]).any() and not gradients(silent, [0, 0, 0, -1, 3.0]).any()


def test_the_cube():
    points = cube(3)
    assert points.shape == (8, 3) and len(np.unique(points, axis=0)) == 8 and set(points.ravel()) == {-1, 1}
    np.testing.assert_array_equal(xor(points), points[:, 0] * points[:, 1])
    drawn = cube_sample(np.random.default_rng(0), 8, 3, distinct=True)
    assert len(np.unique(drawn, axis=0)) == 8
    assert cube_sample(np.random.default_rng(0), 9, 3).shape == (9, 3)
    whole = complete_set(cube(2))
    assert len(np.unique(whole, axis=0)) == 16 and whole.shape == (16, 4)
    assert error_rate([1, 0, -2, 3], [1, 1, 1, 1]) == 0.5  # an output of 0 is an error


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: ReluNet(X, Y[:4], 3), r"y has shape \(4,\), but X has shape"),
        (lambda: ReluNet(X, Y, 0), "width = 0"),
        (lambda: DeepReluNet(X, Y, 3, 1), "depth = 1"),
        (lambda: LayerNormReluNet(X, Y, 3, 0), "eps = 0"),
        (lambda: SmoothedReluNet(X, Y, 3, 0.1), "other than"),
        (lambda: SmoothedReluNet(X, np.sign(Y), 3, 0.5), "smoothing = 0.5"),
        (lambda: outputs(NETS["two layers"], np.zeros(3)), "theta has shape"),
        (lambda: cube(0), "d = 0"),
        (lambda: cube_sample(RNG, 9, 3, distinct=True), "n = 9"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
