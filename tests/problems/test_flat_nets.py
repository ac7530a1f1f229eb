"""Constructions of flat networks: fits, traces by the Jacobian, a linear programme and its teacher."""

import numpy as np
import pytest

from samtheory.problems.boolean import complete_set, cube, cube_sample, xor
from samtheory.problems.flat_nets import (
    batch_norm_corner_net,
    corner_net,
    flattest_unbiased_net,
    layer_norm_memoriser,
    memoriser,
    separation,
    unbiased_memoriser,
    unbiased_xor_net,
)
from samtheory.problems.relu_nets import ReluNet, output_gradients, outputs, pack
from samtheory.theory.flatness import flattest_trace, layer_norm_flattest_trace

RNG = np.random.default_rng(2)
UNIT = RNG.standard_normal((6, 3))
UNIT /= np.linalg.norm(UNIT, axis=1, keepdims=True)
STRETCH = np.array([0.5, 1, 2])
X, W, Y = UNIT * STRETCH, UNIT / STRETCH, np.array([0.3, -2, 1, 1.5, -0.7, 1])
SIZE = np.sqrt(1 + (X**2).sum(axis=1))


def trace(net, theta):
    np.testing.assert_allclose(outputs(net, theta), net.y, atol=1e-11)
    return 2 / len(net.y) * (output_gradients(net, theta) ** 2).sum()


def test_real_labels_meet_the_bounds():
    eps = 0.5 * separation(X, W)
    for depth in (2, 3, 4):
        assert trace(*memoriser(X, Y, W, eps, depth)) == pytest.approx(flattest_trace(Y, SIZE, depth))
    for threshold in (0.1, 2.0, 3.0, 100.0):
        expected = layer_norm_flattest_trace(Y, SIZE, threshold)
        assert trace(*layer_norm_memoriser(X, Y, W, eps, threshold)) == pytest.approx(expected)
    few = slice(0, 3)
    bound = flattest_trace(Y[few], np.linalg.norm(X[few], axis=1))
    assert trace(*unbiased_memoriser(X[few], Y[few], 0.4)) == pytest.approx(bound)


def test_a_label_0_wants_no_unit():
    """The printed r = u = 1 costs 2/n where nothing would do."""
    one = np.append(np.ones(5), 0.0)
    net, theta = memoriser(X, np.where(one == 0, 1, one), W, 0.5 * separation(X, W))
    theta[20:24] /= SIZE[5] ** 0.5  # unit 6: height 1 instead of sqrt|x'|
    theta[-1] = 0
    printed = trace(net._replace(y=one), theta)
    assert printed == pytest.approx(flattest_trace(one, SIZE) + 2 / 6)


def test_the_linear_programme_is_at_least_as_flat_as_the_teacher():
    angle = 2 * np.pi * (np.arange(40) + 0.5) / 40
    U = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = RNG.standard_normal((12, 2))
    teacher = U[[1, 15, 30]]
    c = np.array([1.0, -0.5, 0.7])
    y = np.maximum(points @ teacher.T, 0) @ c
    made = flattest_unbiased_net(points, y, U)
    found = trace(*made)
    assert len(made[0].y) == 12 and made[0].width <= 12

    def teacher_trace(sizes):
        return trace(ReluNet(points, y, 3), pack(sizes[:, None] * teacher, c / sizes))

    assert found <= min(teacher_trace(s) for s in np.exp(RNG.standard_normal((200, 3)))) + 1e-9
    full, theta = unbiased_xor_net(cube(4), 0.5)  # all four directions are needed on the whole cube
    rows = theta[:16].reshape(4, 4)
    assert trace(*flattest_unbiased_net(cube(4), full.y, rows)) == pytest.approx(trace(full, theta))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: memoriser(X, Y[:3], W, 0.1), "y has shape"),
        (lambda: memoriser(X, Y, W, 0), "eps = 0"),
        (lambda: memoriser(X, 0 * Y, W, 0.1), r"y\[0\] = 0"),
        (lambda: layer_norm_memoriser(X, 0 * Y, W, 0.1, 1), r"y\[0\] = 0"),
        (lambda: corner_net(cube(3), [1, -1, 1]), "labels ="),
        (lambda: corner_net(2 * cube(3), xor(cube(2))), "points of the cube"),
        (lambda: corner_net(cube(3), xor(cube(2)), 0), "radius = 0"),
        (lambda: batch_norm_corner_net(complete_set([[1]]), 1, 0), "gamma = 0"),
        (lambda: unbiased_xor_net(cube(3), 1.0), "e = 1.0"),
        (lambda: unbiased_memoriser(cube(2), np.ones(4), 0.1), "must be independent"),
        (lambda: flattest_unbiased_net(cube(2), xor(cube(2)), [[1.0, 0.5]]), "no net with these 1 directions"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_separation():
    points = cube_sample(np.random.default_rng(0), 6, 5, distinct=True)
    far = min(((a != b).sum() for i, a in enumerate(points) for b in points[:i]))
    assert separation(points, points / 5**0.5) == pytest.approx(2 * far / 5**0.5)
    assert separation(points[:1], points[:1]) == np.inf
