"""Backward operators on the circle against characteristics, enumeration of paths, and Gaussian integrals."""

import itertools

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.linalg import expm
from scipy.stats import norm

from samtheory.problems.washboard import Washboard
from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.circle import (
    derivative,
    gaussian_nodes,
    generator,
    moments,
    points,
    repeated,
    semigroup,
    split_gaussian_nodes,
    transfer,
)
from samtheory.sde.pushes import NoPush

N = 41
X = points(N)


def waves(x):
    return np.stack([np.sin(x), np.cos(3 * x), np.exp(np.sin(x))], axis=1)


def test_derivative_of_waves():
    want = np.stack([np.cos(X), -3 * np.sin(3 * X), np.cos(X) * np.exp(np.sin(X))], axis=1)
    np.testing.assert_allclose(derivative(N) @ waves(X), want, atol=1e-12)


def test_transfer_is_the_mean_over_outcomes_and_keeps_small_moves_accurate():
    moves = 0.3 * np.stack([np.sin(X), 1 + np.cos(X), 0 * X], axis=1)
    weights = np.array([0.2, 0.5, 0.3])
    want = sum(w * waves(X + moves[:, j]) for j, w in enumerate(weights)) - waves(X)
    np.testing.assert_allclose(transfer(moves, weights) @ waves(X), want, atol=1e-12)
    tiny = 1e-9
    change = transfer(tiny * np.ones((N, 1)), [1.0]) @ np.sin(X)
    np.testing.assert_allclose(change, tiny * np.cos(X) - tiny**2 / 2 * np.sin(X), atol=1e-13 * tiny)
    assert np.abs(transfer(moves, weights) @ np.ones(N)).max() < 1e-13


def test_repeated_is_the_power_and_the_sum_over_all_paths():
    moves = 0.2 * np.stack([np.sin(X), 1 + np.cos(X)], axis=1)
    matrix = transfer(moves, [0.4, 0.6])
    for k in (0, 1, 2, 7, 12):
        want = np.linalg.matrix_power(np.eye(N) + matrix, k) - np.eye(N)
        np.testing.assert_allclose(repeated(matrix, k), want, atol=1e-12)
    total = 0.0
    for path in itertools.product((0, 1), repeat=4):
        x, weight = X[5], 1.0
        for outcome in path:
            x, weight = x + 0.2 * (np.sin(x) if outcome == 0 else 1 + np.cos(x)), weight * (0.4, 0.6)[outcome]
        total += weight * np.sin(x)
    change, _ = moments(repeated(matrix, 4), np.sin(X)[:, None])
    assert change[5, 0] + np.sin(X[5]) == pytest.approx(total, abs=1e-12)


def test_without_noise_the_semigroup_follows_the_characteristics():
    problem, t = Washboard([1.5], [0.6], [0.2]), 0.7
    model = AdditiveSDE(problem, [[1.0]], 0.0, 0.0, NoPush())
    got = semigroup(model, 65, t) @ np.sin(points(65)) + np.sin(points(65))
    for i in (0, 20, 50):
        start = points(65)[i]
        end = solve_ivp(lambda _, x: -1.5 - 0.6 * np.sin(x - 0.2), (0, t), [start], rtol=1e-12, atol=1e-13).y[0, -1]
        assert got[i] == pytest.approx(np.sin(end), abs=1e-10)


def test_brownian_motion_has_its_own_semigroup():
    change = expm(0.8 * generator(0 * X, 2.0 + 0 * X)) @ np.cos(3 * X)
    np.testing.assert_allclose(change, np.exp(-9 * 0.8) * np.cos(3 * X), atol=1e-12)
    change, variance = moments(expm(0.8 * generator(0 * X, 2.0 + 0 * X)) - np.eye(N), np.cos(X)[:, None])
    want = (1 + np.exp(-4 * 0.8) * np.cos(2 * X)) / 2 - (np.exp(-0.8) * np.cos(X)) ** 2
    np.testing.assert_allclose(variance[:, 0], want, atol=1e-12)
    np.testing.assert_allclose(change[:, 0], (np.exp(-0.8) - 1) * np.cos(X), atol=1e-12)


@pytest.mark.parametrize("cut", [-20.0, -3.0, 0.0, 0.7, 4.0])
def test_gaussian_nodes_integrate_across_a_jump(cut):
    z, w = split_gaussian_nodes(cut)
    got = w @ (np.sign(z - cut) * np.cos(z))
    want = quad(lambda s: np.sign(s - cut) * np.cos(s) * norm.pdf(s), -12, 12, points=[max(cut, -12)], epsabs=1e-13)[0]
    assert got == pytest.approx(want, abs=1e-11)
    z, w = gaussian_nodes(24)
    assert w @ np.cos(z) == pytest.approx(np.exp(-0.5), abs=1e-14)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="must be odd"):
        points(10)
    with pytest.raises(ValueError, match="first axes must agree"):
        Washboard([1.0, 2.0], [1.0], [0.0])
