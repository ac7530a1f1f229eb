"""Shares of units switched off against labels drawn at random, in the limit of many samples, and the recursion."""

import numpy as np
import pytest
from scipy.special import erf

from samtheory.theory.signal_noise import deactivated_shares, gram_training, noise_deactivated


def test_average_over_drawn_labels():
    rng, n, reach, ratio = np.random.default_rng(0), 12, 0.9, 0.4
    clean = rng.choice([-1, 1], (200_000, n))
    agree = np.where(rng.random(clean.shape) < 0.15, -1, 1)
    plus, minus = (agree * (clean == 1)).sum(axis=1), (agree * (clean == -1)).sum(axis=1)
    argument = reach / np.sqrt(2 * (1 + ratio**2 * (plus**2 + minus**2) / n))
    drawn = erf(argument).mean(), erf(argument * ratio * np.maximum(plus, 0)).mean()
    np.testing.assert_allclose(deactivated_shares(reach, ratio, n, 0.15), drawn, atol=5e-3)


def test_many_samples_and_a_weak_signal():
    q, n = 0.5, 200
    shares = deactivated_shares(1.2, np.sqrt(2 * q / n) / 0.8, n, 0.1)
    assert shares.noise == pytest.approx(noise_deactivated(1.2, q), abs=3e-3)
    assert deactivated_shares(1.2, 0.0, 20, 0.1).noise == pytest.approx(noise_deactivated(1.2), abs=1e-14)
    assert deactivated_shares(1.2, 0.0, 20, 0.1).signal == 0


def test_one_step_by_hand():
    # one filter of either sign, one sample, mu = 1 and xi = 2 along two axes
    run = gram_training(np.diag([1.0, 4.0]), [[0.5, 1.0], [-0.5, -1.0]], [1.0], [1.0], 2, 0.1, [0.0])
    slope = 1 / (1 + np.exp(1.5))  # f = 0.5 + 1
    np.testing.assert_allclose(run.C[1], [[0.1 * slope, 0.1 * slope], [0, 0]], rtol=1e-14)
    np.testing.assert_allclose(run.norms, [slope * np.sqrt(5)])
    assert run.nearest == 0.5
