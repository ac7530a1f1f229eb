"""Bounds of SAM with constant or decaying radius: ranges, identities among them, the two-point law by brute force."""

import numpy as np
import pytest

from samtheory.theory import constant_radius as cr
from samtheory.theory.cycles import following_error


def test_the_simple_bound_is_above_the_sharp_one():
    rng = np.random.default_rng(0)
    for _ in range(100):
        mu = rng.uniform(0.1, 2)
        beta = mu * rng.uniform(1, 20)
        args = 7, mu, beta, rng.uniform(0.01, 0.5) / beta, rng.uniform(0, 2), rng.uniform(0, 5)
        assert cr.squared_floor_sharp(*args) <= cr.squared_floor_bound(*args) * (1 + 1e-12)


def test_the_tuned_step_meets_its_bound():
    T, beta, rho, gap = 200, 3.0, 0.7, 2.0
    eta = cr.convex_tuned_step(T, beta, rho, gap)
    assert cr.convex_gradient_bound(T, beta, eta, rho, gap) <= cr.convex_tuned_bound(T, beta, rho, gap)
    other = cr.convex_gradient_bound(T, beta, np.linspace(0.01, 1 / beta, 999), rho, gap)
    np.testing.assert_allclose(other.min(), cr.convex_gradient_bound(T, beta, eta, rho, gap), rtol=1e-4)


@pytest.mark.parametrize("shared", [False, True])
def test_the_spread_bounds_every_law_of_the_ascent(shared):
    mu, eta, rho, a, p = 0.7, 0.01, 1.3, 0.9, 0.8
    limit, noise = cr.two_point_limit(mu, rho, a, p), np.array([a, -4 * a])
    np.testing.assert_allclose(limit, -0.78)
    for s in ([1, 1], [1, -1], [-1, -1]):
        push, chance = mu * limit + mu * rho * np.array(s), np.array([p, 1 - p])
        total = push + noise if shared else push[:, None] + noise
        weight = chance if shared else np.outer(chance, chance)
        square = (weight * total**2).sum()
        assert eta * square / (mu * (2 - eta * mu)) <= cr.two_point_spread(mu, eta, rho, a, p, shared) * (1 + 1e-12)


def test_following_error_bounds_the_recursion():
    rng = np.random.default_rng(1)
    for _ in range(20):
        A, keep = np.sort(rng.uniform(0, 1, 60))[::-1], rng.uniform(0, 1, 59)
        e = [rng.uniform(-1, 1)]
        for k in range(59):
            e.append(-keep[k] * e[-1] + A[k] - A[k + 1])
        assert (np.abs(e) <= following_error(A, np.append(keep, 0.5), abs(e[0])) + 1e-14).all()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: cr.squared_floor_bound(1, 1, 2, 0.3, 1, 1), "eta beta = 0.6"),
        (lambda: cr.squared_floor_sharp(1, 1, 2, 0.5, 1, 1), r"eta beta = 1.0 is outside \(0, 1\)"),
        (lambda: cr.squared_floor_sharp(1, 3, 2, 0.1, 1, 1), "mu / beta = 1.5"),
        (lambda: cr.two_point_limit(1, 1, 1, 0.4), "p = 0.4"),
        (lambda: cr.stochastic_gap_bound(1, 1, 1, 1.5, 1, 1, 1, True), "eta mu = 1.5"),
        (lambda: cr.horizon_lower_bound(10, 2, 1, 1), "mu / beta = 2.0"),
        (lambda: cr.convex_tuned_step(0, 1, 1, 1), "T = 0.0"),
        (lambda: cr.convex_tuned_step(10, 1, 1, -1), "gap0 = -1.0"),
        (lambda: cr.convex_tuned_bound(10, -1, 1, 1), "beta = -1.0"),
        (lambda: cr.nonconvex_gradient_bound(0.5, 1, 1, 1, 1), "T = 0.5"),
    ],
)
def test_outside_its_range_a_bound_says_which_condition_fails(make, message):
    with pytest.raises(ValueError, match=message):
        make()
