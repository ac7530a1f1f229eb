"""The signal/noise network against its textbook formula in NumPy; the reduced problem and its law against R^d."""

import numpy as np
import pytest

from samtheory.evaluate import gradients, losses, sample_gradients, sample_losses
from samtheory.kernel import interpreted
from samtheory.problems.core import dim, samples
from samtheory.problems.signal_noise_net import SignalNoise, SignalNoiseNet, reduced
from samtheory.sde.order import mean_interval

LAW = SignalNoise(60, 1.5, n=5, patches=3, flip=0.3, width=2, noise=0.7)


def textbook(p, x):
    """Losses [n]: P patches one by one, two groups of filters."""
    W = x.reshape(p.signal.size, -1).T
    out = []
    for xi, yc, y in zip(p.noise, p.clean, p.labels):
        patches = [yc * p.signal] + [xi] * (p.patches - 1)
        plus, minus = (sum(np.maximum(F @ patch, 0).sum() for patch in patches) / p.width for F in np.split(W, 2))
        out.append(np.log1p(np.exp(-y * (plus - minus))))
    return np.array(out)


@pytest.mark.parametrize("scale", [1, 8])
def test_loss_and_gradient(scale):
    p, x = LAW.ambient(np.random.default_rng(3))
    x = scale * x
    np.testing.assert_allclose(sample_losses(p, x), textbook(p, x), rtol=1e-13)
    np.testing.assert_allclose(losses(p, x), textbook(p, x).mean(), rtol=1e-13)
    h = 1e-6
    moved = np.eye(dim(p)) * h
    differences = np.array([(textbook(p, x + e) - textbook(p, x - e)) / (2 * h) for e in moved])
    np.testing.assert_allclose(sample_gradients(p, x), differences.T, atol=1e-8 * scale)
    np.testing.assert_allclose(gradients(p, x), sample_gradients(p, x).mean(axis=0), atol=1e-15)


def test_interpreted_gives_the_same_bits():
    p, x = LAW.ambient(np.random.default_rng(4))
    fast = gradients(p, x), losses(p, 300 * x)  # large margins: no overflow
    with interpreted():
        slow = gradients(p, x), losses(p, 300 * x)
    assert (fast[0] == slow[0]).all()
    assert fast[1] == slow[1]


def test_slope_of_relu_at_zero_is_zero():
    p = SignalNoiseNet([1.0], [[1.0]], [1.0], [1.0], 2, 1)
    np.testing.assert_array_equal(gradients(p, [0.0, 0.0]), 0)
    assert samples(p) == 1


def test_reduced_keeps_inner_products():
    p, x = LAW.ambient(np.random.default_rng(5))
    small = reduced(p, x)
    W, inside = x.reshape(60, -1), small.start.reshape(6, -1)
    np.testing.assert_allclose(small.rest + inside.T @ inside, W.T @ W, atol=1e-14)
    np.testing.assert_allclose(small.problem.noise @ inside, p.noise @ W, atol=1e-14)
    np.testing.assert_allclose(small.problem.noise @ small.problem.noise.T, p.noise @ p.noise.T, atol=1e-12)
    np.testing.assert_allclose(losses(small.problem, small.start), losses(p, x), rtol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(gradients(small.problem, small.start)), np.linalg.norm(gradients(p, x)))
    assert (np.triu(small.problem.noise.T, -1) == small.problem.noise.T).all()


def invariants(net):
    """What a rotation of R^d leaves alone, and its squares."""
    xi, inside = net.problem.noise, net.start.reshape(6, -1)
    V = np.vstack([net.problem.signal, xi])
    numbers = np.concatenate([(xi @ V.T)[0], inside.T @ V[1], inside.T @ V[0], net.rest[0], [np.trace(net.rest)]])
    return np.concatenate([numbers, numbers**2, [net.problem.labels @ net.problem.clean]])


def test_draw_has_the_law_of_the_reduction():
    rng = np.random.default_rng(6)
    a = mean_interval(np.array([invariants(reduced(*LAW.ambient(rng))) for _ in range(2000)]), 1e-8)
    b = mean_interval(np.array([invariants(LAW.draw(rng)) for _ in range(2000)]), 1e-8)
    assert (np.abs(a.estimate - b.estimate) <= a.half_width + b.half_width).all()
    norm = np.mean([(LAW.draw(rng).problem.noise ** 2).sum() for _ in range(500)]) / (5 * 0.49)
    assert norm == pytest.approx(60, abs=6 * (2 * 60 / 2500) ** 0.5)  # 2500 chi-square variables of 60


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": [1.0, 2.0]}, "labels has entries other than -1 and 1"),
        ({"clean": [1.0]}, "noise has shape"),
        ({"noise": [[1.0], [2.0]]}, "noise has shape"),
        ({"patches": 1}, "patches = 1"),
    ],
)
def test_refusals(changes, message):
    good = {"signal": [1.0, 0], "noise": np.eye(2), "clean": [1, 1], "labels": [1, -1], "patches": 2, "width": 1}
    with pytest.raises(ValueError, match=message):
        SignalNoiseNet(**(good | changes))


def test_too_few_dimensions_are_refused():
    with pytest.raises(ValueError, match="d = 40"):
        SignalNoise(40, 1.0)
