"""Cosines of noisy gradients by Monte Carlo in NumPy; rest points and spread of the bent valley by brute force."""

from statistics import NormalDist

import numpy as np
import pytest

from samtheory.theory import alignment as al

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("signal", [0.1, 1.0])
def test_the_quadrature_is_the_mean_of_the_cosine(signal):
    s, c = np.exp(0.5 * RNG.standard_normal(20)), RNG.uniform(0.5, 2, 20)
    a = signal * RNG.standard_normal(20)
    z = c * (a + s * RNG.standard_normal((200_000, 20)))
    cosines = z @ a / np.linalg.norm(z, axis=1) / np.linalg.norm(a)
    exact = al.expected_cosine(a, s, c)
    assert abs(cosines.mean() - exact) < 5 * cosines.std() / len(z) ** 0.5
    np.testing.assert_allclose(al.expected_cosine(a, s, c, nodes=1600), exact, rtol=1e-12)
    low, high = al.cosine_bracket(a, s, c)
    assert low < exact < high


def test_precision_weights_gain_most():
    s = np.exp(RNG.standard_normal(50))
    np.testing.assert_allclose(al.precision_gain(s), np.sqrt(np.mean(s**2) * np.mean(s**-2.0)))
    np.testing.assert_allclose(al.precision_gain(s, 1), np.sqrt(np.mean(s**2)) * np.mean(1 / s))
    assert al.precision_gain(s) > al.precision_gain(s, 1) > al.precision_gain(s, 0) == 1
    assert al.precision_gain(np.ones(3)) == 1


def test_the_valley_rests_between_no_drift_and_a_fair_coin():
    a, b, rho = 10, 1, 0.5
    rest = [al.valley_rest(a, b, rho, sigma) for sigma in (1e-3, 0.1, 1, 10, 1e4)]
    assert (np.diff(rest) > 0).all()
    weak = 1e-3 * NormalDist().inv_cdf(a / (a + b)) / b  # p f'(rho) = (1 - p) |f'(-rho)|, with p = Phi(b x/sigma)
    np.testing.assert_allclose(rest[0], weak, rtol=0.01)
    np.testing.assert_allclose(rest[-1], al.valley_rest_noisy(a, b, rho), rtol=1e-3)
    np.testing.assert_allclose(al.valley_rest(b, a, rho, 1.0), -rest[2], rtol=1e-12)
    np.testing.assert_allclose(al.valley_rest(2, 2, rho, 1.0), 0, atol=1e-12)
    x = np.linspace(-2, 2, 100_001)
    f = lambda y: 0.5 * np.where(y < 0, a, b) * y**2  # noqa: E731
    worst = x[np.maximum(f(x - rho), f(x + rho)).argmin()]
    np.testing.assert_allclose(al.valley_rest_worst_case(a, b, rho), worst, atol=1e-4)


@pytest.mark.parametrize("sigma", [0.05, 0.5, 5.0])
def test_the_drift_is_a_line_up_to_a_square(sigma):
    a, b, rho = 3, 1, 0.5
    rest, (slope, bend) = al.valley_rest(a, b, rho, sigma), al.valley_bend(a, b, rho, sigma)
    away = np.concatenate([RNG.uniform(-1, 1, 5000), 30 * RNG.standard_normal(5000)])
    off = np.abs(al.valley_drift(rest + away, a, b, rho, sigma) - slope * away) - bend * away**2
    assert off.max() < 1e-9 and slope > b
    p = NormalDist(0, sigma).cdf(b * rest)  # D' = p b + (1 - p) a + p' (f'(x + rho) - f'(x - rho)), 0 < x < rho
    density = b * NormalDist(0, sigma).pdf(b * rest)
    by_hand = p * b + (1 - p) * a + density * (b * (rest + rho) - a * (rest - rho))
    np.testing.assert_allclose(slope, by_hand, rtol=1e-6)


def test_the_drift_and_the_spread_are_those_of_the_step():
    a, b, rho, sigma, eta = 3, 1, 0.5, 1.2, 0.01
    slope = lambda y: np.where(y < 0, a * y, b * y)  # noqa: E731
    z = RNG.standard_normal(400_000)
    for x in (-0.7, 0.1, 0.4):
        push = slope(x + rho * np.sign(slope(x) + sigma * z)) + sigma * z
        assert abs(push.mean() - al.valley_drift(x, a, b, rho, sigma)) < 5 * push.std() / len(z) ** 0.5
        away = (x - al.valley_rest(a, b, rho, sigma)) ** 2
        B = al.valley_spread(a, b, rho, sigma, eta) * (2 * b - 2 * eta * a**2) / eta
        assert (push**2).mean() < 2 * a**2 * away + B
    with pytest.raises(ValueError, match="2 m - eta A"):
        al.valley_spread(3, 1, 0.5, 1, 0.2)
