"""Test error of signal/noise networks against fresh samples in R^d; coefficients and switched-off units by loops."""

import numpy as np
import pytest

from samtheory.evaluate import gradients
from samtheory.measures.signal_noise import _below, clean_error, deactivated, learned, sam_then_gd
from samtheory.problems.signal_noise_net import Reduced, SignalNoise, reduced
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import Table
from samtheory.sde.order import proportion_interval
from samtheory.simulate import simulate

LAW = SignalNoise(150, 1.5, n=8, patches=3, width=3, noise=0.8)


@pytest.mark.parametrize("patches", [2, 3])
def test_error_of_fresh_samples(patches):
    law = SignalNoise(150, 1.5, n=8, patches=patches, width=3, noise=0.8)
    p, start = law.ambient(np.random.default_rng(0))
    net = reduced(p, start)
    found = clean_error(net, sam_then_gd(net, 0.1, 0.0, 0, 60), 0.8, np.random.default_rng(1), 20_000)
    x = sam_then_gd(Reduced(p, start, np.zeros((6, 6))), 0.1, 0.0, 0, 60)  # in R^d
    W, rng, draws = x.reshape(150, 6), np.random.default_rng(2), 20_000
    yc = rng.choice([-1, 1], draws)
    unit = np.maximum(yc[:, None] * (p.signal @ W), 0) + (patches - 1) * np.maximum(
        0.8 * rng.standard_normal((draws, 150)) @ W, 0
    )
    wrong = yc * (unit[:, :3].sum(axis=1) - unit[:, 3:].sum(axis=1)) <= 0
    low, high = proportion_interval(wrong.sum(), draws)
    assert low - found.half_width < found.estimate < high + found.half_width


def test_radius_is_integrated_exactly():
    rng = np.random.default_rng(3)
    radii = np.linalg.norm(rng.standard_normal((100_000, 4)), axis=1)
    for v, t in ((0.7, 1.2), (0.7, -1.2), (-0.7, -1.2), (-0.7, 1.2), (0.7, 0.0), (-0.7, 0.0)):
        assert _below(np.array([v]), t, 4)[0] == pytest.approx((radii * v <= t).mean(), abs=0.008)


def test_two_calls_are_one_schedule():
    net = LAW.draw(np.random.default_rng(4))
    rule = SAM(0.1, Table([0.5] * 20 + [0.0]))
    np.testing.assert_allclose(sam_then_gd(net, 0.1, 0.5, 20, 50), simulate(net.problem, rule, net.start, 50).x)


def test_coefficients_and_switched_off_units():
    p, x = LAW.ambient(np.random.default_rng(5))
    g = gradients(p, x)
    before, after = (w.reshape(150, 6).T for w in (x, x + 0.6 * g / np.linalg.norm(g)))
    signal, noise, counts = -np.inf, -np.inf, np.zeros((3, 2))
    for r in range(6):
        j = 1 if r < 3 else -1
        signal = max(signal, j * (before[r] @ p.signal))
        if j * (before[r] @ p.signal) > 0:
            counts[2] += j * (after[r] @ p.signal) < 0, 1
        for xi, y in zip(p.noise, p.labels):
            if j == y:
                noise = max(noise, before[r] @ xi)
            if before[r] @ xi > 0:
                counts[0 if j == y else 1] += after[r] @ xi < 0, 1
    net = reduced(p, x)
    np.testing.assert_allclose(learned(net.problem, net.start), (signal, noise))
    np.testing.assert_allclose(deactivated(net, 0.6), counts[:, 0] / counts[:, 1])
