"""Closed forms of balancedness against NumPy steps, quadrature and brute force."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from samtheory.theory import balancedness as bal


def outer_gradient(A, x, y):
    G = np.tanh(np.outer(x, y) - A)
    return G, G @ y, G.T @ x


def test_outer_step_rate_and_remainder(rng):
    worst = 0.0
    for _ in range(300):
        A, x, y = rng.standard_normal((2, 3)), 2 * rng.standard_normal(2), rng.exponential() * rng.standard_normal(3)
        eta, rho = rng.uniform(0, 1, 2)
        G, gx, gy = outer_gradient(A, x, y)
        u = 1 / math.sqrt(gx @ gx + gy @ gy)
        G_plus, down, right = outer_gradient(A, x + rho * u * gx, y + rho * u * gy)
        after = (np.sum((x - eta * down) ** 2) - np.sum((y - eta * right) ** 2)) / 2
        B, h = (x @ x - y @ y) / 2, math.sqrt(x @ x + y @ y)
        np.testing.assert_allclose(
            bal.outer_step(B, x, y, G, G_plus, eta, rho), after, rtol=0, atol=1e-13 * (h + 1) ** 4
        )
        rate = y @ right - x @ down
        np.testing.assert_allclose(bal.outer_rate(x, y, G, G_plus, rho), rate, rtol=0, atol=1e-13 * (h + 1) ** 4)
        off = abs(rate - bal.outer_lead(rho, np.linalg.norm(gx), np.linalg.norm(gy)))
        worst = max(worst, off / bal.outer_remainder(rho, 1.0, h))
    assert 0.2 < worst <= 1


def test_sliding_rate_is_the_mixture_that_keeps_the_product():
    rho, bend, x, y = 0.3, 2.0, np.array([1.0, 0.4]), np.array([0.2, -0.5])
    w, h, B = x @ y, math.sqrt(x @ x + y @ y), (x @ x - y @ y) / 2
    moves = []
    for s in (1, -1):
        a, b = x + rho * s * y / h, y + rho * s * x / h
        slope = bend * (a @ b - w)
        dx, dy = -slope * b, -slope * a
        moves.append((x @ dy + y @ dx, x @ dx - y @ dy))
    share = moves[1][0] / (moves[1][0] - moves[0][0])
    rate = -(share * moves[0][1] + (1 - share) * moves[1][1]) / B
    np.testing.assert_allclose(bal.sliding_rate(rho, bend, w, h), rate, rtol=1e-12)


@pytest.mark.parametrize("w", [0.01, 0.2, 0.6])
def test_noisy_drift_is_the_mean_over_the_labels(w):
    target, alpha, rho, p = 0.5, 0.7, 0.2, math.sqrt(w)

    def drift(n):
        a = p + rho * math.copysign(1, w - target - alpha * n) / math.sqrt(2)
        return (a * a - target - alpha * n) * a / p * math.exp(-n * n / 2) / math.sqrt(2 * math.pi)

    mean = quad(drift, -12, 12, points=[(w - target) / alpha], epsabs=1e-13)[0]
    np.testing.assert_allclose(bal.noisy_drift(w, target, alpha, rho), mean, rtol=0, atol=1e-11)


def test_noisy_rate_is_the_mean_log_factor(rng):
    x, y, target, alpha, rho, eta = np.array([1.0, 0.2]), np.array([0.4, 0.3]), 0.3, 0.7, 0.2, 1e-3
    w, h = x @ y, math.sqrt(x @ x + y @ y)

    def log_factor(n):
        push = rho * math.copysign(1, w - target - alpha * n) / h
        slope = (x + push * y) @ (y + push * x) - target - alpha * n
        density = math.exp(-n * n / 2) / math.sqrt(2 * math.pi)
        return -math.log(bal_factor(eta, push, slope)) / eta * density

    mean = quad(log_factor, -12, 12, points=[(w - target) / alpha], epsabs=1e-13)[0]
    np.testing.assert_allclose(bal.noisy_rate(w, h, target, alpha, rho, eta), mean, rtol=1e-5)


def bal_factor(eta, push, slope):
    return 1 - 2 * eta * push * slope - eta**2 * slope**2 * (1 - push**2)


def test_reweighted_step(rng):
    A, x, y, eta, rate = rng.standard_normal((2, 3)), rng.standard_normal(2), rng.standard_normal(3), 0.3, -0.4
    _, gx, gy = outer_gradient(A, x, y)
    after = (np.sum(((1 - eta * rate) * x - eta * gx) ** 2) - np.sum(((1 + eta * rate) * y - eta * gy) ** 2)) / 2
    B, h = (x @ x - y @ y) / 2, math.sqrt(x @ x + y @ y)
    found = bal.reweighted_step(B, h, eta, rate, np.linalg.norm(gx), np.linalg.norm(gy), x @ gx)
    np.testing.assert_allclose(found, after, rtol=0, atol=1e-13)


def test_noisy_balance_is_a_stable_zero_up_to_the_collapse():
    top = bal.collapse_noise(0.5, 0.2)
    np.testing.assert_allclose(top, 1.0469410091, rtol=1e-8)
    w = bal.noisy_balance(0.5, 0.99 * top, 0.2)
    near = bal.noisy_drift(w * np.array([0.999, 1, 1.001]), 0.5, 0.99 * top, 0.2)
    assert near[0] < 0 < near[2] and abs(near[1]) < 1e-12
    assert math.isnan(bal.noisy_balance(0.5, 1.001 * top, 0.2))
    # to first order in rho, at x = y: target - w = rho alpha sqrt(2/pi)/sqrt(2 w)
    np.testing.assert_allclose(0.5 - bal.noisy_balance(0.5, 0.3, 1e-4), 1e-4 * 0.3 * math.sqrt(2 / math.pi), rtol=1e-3)


def test_threshold_is_above_B_where_the_first_gradient_is_longer(rng):
    x, y, gx, gy = rng.exponential(size=(4, 1000))
    above = (x**2 - y**2) / 2 > bal.outer_threshold(x, y, gx, gy)
    np.testing.assert_array_equal(above, gx < gy)


def test_matching_rate_is_sams_lead():
    B, h = -0.7, 1.3
    flow = -bal.matching_rate(0.1, -0.4, B, h) * np.sign(B) * h**2
    np.testing.assert_allclose(flow, bal.inner_rate(B, h, 0.1, 0.4), rtol=1e-14)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bal.outer_rate(np.ones(2), np.ones(2), np.zeros((2, 2)), np.ones((2, 2)), 0.1), "g_x, g_y"),
        (lambda: bal.outer_lead(0.1, 0.0, 0.0), "g_x, g_y"),
        (lambda: bal.outer_threshold(1.0, 1.0, 1.0, 0.0), "g_y"),
        (lambda: bal.inner_rate(1.0, 0.0, 0.1, 1.0), "h = 0"),
        (lambda: bal.sliding_rate(0.1, 1.0, 0.5, 0.0), "h = 0"),
        (lambda: bal.matching_rate(0.1, 1.0, 0.5, 0.0), "h = 0"),
        (lambda: bal.noisy_rate(0.1, 1.0, 0.5, 0.0, 0.1), "alpha = 0"),
        (lambda: bal.noisy_drift(-0.1, 0.5, 0.1, 0.1), "w = -0.1"),
    ],
)
def test_what_has_no_meaning_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
