"""Reference numbers of chen2023, computed independently in R^d (NumPy's draws: yc, flips, xi, W_0)."""

import numpy as np
import pytest

from samtheory.evaluate import losses
from samtheory.measures.signal_noise import clean_error, deactivated, learned, sam_then_gd
from samtheory.problems.signal_noise_net import SignalNoise, reduced
from samtheory.theory.signal_noise import deactivated_shares, noise_deactivated


def net_of(law, seed):
    return reduced(*law.ambient(np.random.default_rng(seed)))


@pytest.mark.parametrize(
    ("c", "sam_steps", "steps", "loss", "signal", "noise"),
    [
        (0, 0, 0, 0.69955839, 0.06381903, 1.46466506),
        (0, 0, 200, 0.01992484, 0.34223583, 16.17262766),
        (1, 200, 200, 0.33704032, 1.13469029, 11.13825009),
        (1, 1000, 1000, 0.28669096, 1.43647041, None),
        (1, 1000, 2000, 0.00289687, 1.53890234, None),
        (0, 0, 1000, 0.00376590, 0.47608431, None),
    ],
)
def test_one_run(c, sam_steps, steps, loss, signal, noise):
    law = SignalNoise(1000, 2.0)
    net = net_of(law, 0)
    assert (net.problem.clean != net.problem.labels).sum() == 3
    x = sam_then_gd(net, 0.1, law.radius(c), sam_steps, steps)
    found = learned(net.problem, x)
    assert losses(net.problem, x) == pytest.approx(loss, abs=6e-9)
    assert found.signal == pytest.approx(signal, abs=6e-9)
    assert noise is None or found.noise == pytest.approx(noise, abs=6e-9)


@pytest.mark.parametrize(
    ("c", "signal", "share", "signal_share"),
    [
        (0.1, 2, 0.242, None),
        (0.3, 2, 0.656, 0.353),
        (1, 2, 0.994, 0.880),
        (0.3, 6, 0.600, None),
        (0.3, 10, 0.521, None),
    ],
)
def test_units_switched_off(c, signal, share, signal_share):
    law = SignalNoise(1000, float(signal))
    measured = np.mean([deactivated(net_of(law, s), law.radius(c)) for s in range(20)], axis=0)
    assert measured[0] == pytest.approx(share, abs=6e-4)
    assert measured[1] == 0
    assert signal_share is None or measured[2] == pytest.approx(signal_share, abs=6e-4)
    reach, ratio = c * law.width**0.5, signal / 1000**0.5
    assert measured[0] == pytest.approx(deactivated_shares(reach, ratio, 20, 0.1).noise, abs=0.03)
    assert noise_deactivated(reach) == pytest.approx({0.1: 0.248, 0.3: 0.657, 1: 0.998}[c], abs=5e-4)


@pytest.mark.parametrize(
    ("d", "signal", "c", "error", "deviation"),
    [
        (1000, 1, 0, 0.403, 0.014),
        (1000, 1, 1, 0.175, 0.008),
        (1000, 2, 0, 0.217, 0.028),
        (1000, 2, 0.3, 0.074, 0.031),
        (1000, 2, 1, 0.052, 0.025),
        (1000, 6, 1, 0.007, 0.012),
        (4000, 2, 0, 0.344, 0.030),
        (4000, 2, 1, 0.059, 0.030),
    ],
)
def test_clean_error(d, signal, c, error, deviation):
    law = SignalNoise(d, float(signal))
    found = []
    for seed in range(10):
        net = net_of(law, seed)
        x = sam_then_gd(net, 0.1, law.radius(c), 1000, 2000)
        assert losses(net.problem, x) < 0.04
        found.append(clean_error(net, x, 1.0, np.random.default_rng(seed), 8192).estimate)
    assert np.mean(found) == pytest.approx(error, abs=0.004)
    assert np.std(found, ddof=1) == pytest.approx(deviation, abs=0.004)
