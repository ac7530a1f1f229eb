"""The tasks of xor: the same data and weights for every net, what a fit reports, labels with noise."""

import numpy as np
import pytest

from samtheory.evaluate import losses, sample_gradients
from samtheory.measures.flatness import net_trace
from samtheory.problems.core import dim
from samtheory.problems.relu_nets import outputs, weights
from samtheory.problems.xor_nets import KINDS, label_noise, xor_task

TASKS = {kind: xor_task(kind, [4, 1], 5, 12, 6, eps=0.5, unseen=50) for kind in KINDS}


def test_nets_share_data_and_weights():
    one = TASKS["no bias"]
    for kind, task in TASKS.items():
        first, *_, last = weights(task.net, task.start)
        np.testing.assert_array_equal(task.net.X[:, :5], one.net.X)
        np.testing.assert_array_equal(task.inputs[:, :5], one.inputs)
        np.testing.assert_array_equal(task.net.y, one.net.X[:, 0] * one.net.X[:, 1])
        np.testing.assert_array_equal(first[:, :5], weights(one.net, one.start)[0])
        np.testing.assert_array_equal(last, weights(one.net, one.start)[-1])
        assert (kind == "no bias") or (task.net.X[:, 5] == 1).all()
        assert (
            task.first == first.size and np.abs(first).max() <= 1 / np.sqrt(5) and np.abs(last).max() <= 1 / np.sqrt(6)
        )
    assert (weights(TASKS["batch norm"].net, TASKS["batch norm"].start)[1] == 1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_fit(kind):
    task = TASKS[kind]
    thetas = np.random.default_rng(2).standard_normal((2, 3, dim(task.net)))
    fit = task.fit(thetas)
    assert all(column.shape == (2, 3) for column in fit)
    theta, last = thetas[1, 2], [column[1, 2] for column in fit]
    np.testing.assert_array_equal(last, [*task.fit(theta)])
    np.testing.assert_allclose(last[3], losses(task.net, theta), rtol=1e-13)
    assert (fit.trace >= fit.floor).all() or kind == "batch norm"  # its 8 is for outputs +-1
    f = outputs(task.net, theta, task.inputs)
    np.testing.assert_allclose(last[2], np.mean([a * b <= 0 for a, b in zip(f, task.labels)]), rtol=1e-15)
    if kind in ("no bias", "bias"):
        exact = net_trace(task.net, theta)
        assert abs(last[0] - exact.value) <= exact.tolerance


def test_an_output_of_zero_is_an_error():
    task = TASKS["bias"]
    assert task.fit(np.zeros(dim(task.net))).error == 1


def test_label_noise():
    net, theta = TASKS["bias"].net, np.random.default_rng(3).standard_normal(dim(TASKS["bias"].net))
    noisy = label_noise(net, 0.4)
    np.testing.assert_allclose(losses(noisy, theta), losses(net, theta) + 0.16, rtol=1e-13)
    pairs, plain = sample_gradients(noisy, theta), sample_gradients(net, theta)
    np.testing.assert_allclose((pairs[:12] + pairs[12:]) / 2, plain, atol=1e-12)
    assert sorted((noisy.y - np.tile(net.y, 2)).round(12)) == [-0.4] * 12 + [0.4] * 12


def test_bad_arguments():
    with pytest.raises(ValueError, match="kind = 'relu' is not one of no bias"):
        xor_task("relu", 0, 5, 12, 6)
    with pytest.raises(ValueError, match="d = 1"):
        xor_task("bias", 0, 1, 12, 6)
    with pytest.raises(ValueError, match="sigma = -1 is negative"):
        label_noise(TASKS["bias"].net, -1)
