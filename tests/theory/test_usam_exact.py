"""Closed forms of exact worst cases against brute force."""

import numpy as np
import pytest

from samtheory.theory import usam_exact as u

RNG = np.random.default_rng(7)


def test_the_worst_factor_is_that_of_a_grid_of_spectra():
    for mu, L, eta, rho in RNG.uniform(0.05, 1, (50, 4)) * [0.5, 1, 3, 3] + [0, 0.5, 0, 0]:
        lam = np.linspace(mu, L, 100_001)
        brute = np.abs(1 - eta * lam * (1 + rho * lam)).max()
        assert u.usam_quadratic_factor(mu, L, eta, rho) == pytest.approx(brute, rel=1e-12)


def test_optimal_step_and_radius_are_those_of_a_grid():
    mu, L, rho = 0.1, 1.0, 0.5
    etas = np.linspace(0.5, 2, 300_001)
    factor = np.maximum(abs(1 - etas * mu * (1 + rho * mu)), abs(1 - etas * L * (1 + rho * L)))
    assert u.usam_optimal_step(mu, L, rho) == pytest.approx(etas[factor.argmin()], abs=1e-5)
    assert u.usam_optimal_factor(mu, L, rho) == pytest.approx(factor.min(), abs=1e-5) == pytest.approx(0.8691588785)
    assert u.usam_optimal_radius(mu, L, 0.5) == pytest.approx(2.8712871287) and u.usam_optimal_step(
        mu, L, rho
    ) == pytest.approx(1.2461059190)


def test_descent_is_attained_by_the_function_that_bends_down_on_one_side():
    for L, rho, eta, want in ((1.0, 0.5, 0.5, 0.21875), (2.0, 0.2, 0.4, 0.1824)):
        y = rho  # x = 0, g = 1
        descent = 1 - L * y
        x = -eta * descent
        drop = -(x + L * x * x / 2)  # f = x + L x^2/2 to the left of 0
        assert u.usam_descent(L, eta, rho) == pytest.approx(drop) == pytest.approx(want)
    eta = np.linspace(0.01, 1, 50)
    gap = u.usam_descent(1, eta, 0.6) - u.usam_relative_descent(1, eta, 0.6)
    assert (gap >= -1e-15).all() and gap[-1] == pytest.approx(0, abs=1e-15)


def test_convex_gap_is_that_of_the_half_line_and_of_the_parabola():
    N, eta, rho = 3, 0.5, 0.4
    kink = 1 / (1 + 2 * N * eta)
    assert u.usam_convex_gap(1, eta, rho, N) == pytest.approx(kink * (1 - N * eta * kink) - kink**2 / 2)
    assert u.usam_convex_gap(2, 1.0, 0.5, 1, 3.0) == pytest.approx(9 * (1 - 4) ** 2)


def test_ranges():
    for call in (
        lambda: u.usam_quadratic_factor(2.0, 1.0, 0.1, 0.1),
        lambda: u.usam_optimal_radius(0.1, 1.0, 2.0),
        lambda: u.usam_descent(1.0, -1.0, 0.1),
    ):
        with pytest.raises(ValueError, match="is outside"):
            call()
