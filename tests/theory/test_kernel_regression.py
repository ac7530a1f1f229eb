"""Filters against matrix powers, early stopping against a fine grid, batch moments against all batches."""

import itertools

import numpy as np
import pytest

from samtheory.theory import kernel_regression as kr


def test_fitted_values(rng):
    Phi, y, eta, rho = rng.standard_normal((4, 2)), rng.standard_normal(4), 0.05, 0.2
    K = Phi @ Phi.T
    step = np.eye(4) - eta * K @ (np.eye(4) + rho * K)
    want = [y - np.linalg.matrix_power(step, k) @ y for k in (0, 1, 9)]
    np.testing.assert_allclose(kr.fitted(K, y, eta, rho, np.array([0, 1, 9])), want, atol=1e-13)


def test_difference_is_that_of_bias_and_variance(rng):
    r, g, b, s, k = rng.uniform(-1, 1, 5), rng.uniform(0, 1, 5), rng.standard_normal(5), 0.6, np.arange(6)
    want = sum(kr.bias_variance(r, k, b, s)) - sum(kr.bias_variance(g, k, b, s))
    np.testing.assert_allclose(kr.error_difference(r, g, k, b, s).sum(axis=1), want, atol=1e-14)


def test_winning_window(rng):
    lam, b, s = rng.uniform(0.2, 1, 6), rng.standard_normal(6), 0.5
    g, r, k = 1 - 0.3 * lam, 1 - 0.3 * lam * (1 + lam), np.arange(100)
    difference = kr.error_difference(r, g, k, b, s)
    assert ((difference[1:] <= 0) == kr.wins(r, g, k, b, s)[1:]).all()
    end = kr.window_end(g, b, s)
    assert (difference[max(end, 1) :] >= 0).all()
    assert end < 100


@pytest.mark.parametrize("kappa", [0.05, 0.4, 0.9])
def test_best_stopped_error(kappa, rng):
    even = np.log(np.linspace(0, 1, 200_001)[1:])
    log_x = np.concatenate([even, even / kappa])
    for _ in range(20):
        B, m, s = 10 ** rng.uniform(-2, 2, 2), rng.integers(1, 5, 2), 10 ** rng.uniform(-1, 1)
        grid = kr.stopped_error(log_x, kappa, B, m, s).min()
        best = kr.best_stopped_error(kappa, B, m, s)
        assert grid * (1 - 1e-6) <= best <= grid * (1 + 1e-12)


def test_exponent_falls_with_rho_and_is_that_of_small_steps():
    eta, rho, lam = 1e-6, 0.7, np.array([2.0, 0.5])
    r = np.log1p(-eta * lam * (1 + rho * lam))
    assert kr.path_exponent(rho, *lam) == pytest.approx(r[1] / r[0], rel=1e-5)
    assert kr.path_exponent(0, *lam) == 0.25 > kr.path_exponent(rho, *lam)


@pytest.mark.parametrize(("n", "size"), [(1, 1), (4, 1), (5, 3), (4, 4), (8, 3)])
def test_batch_moments(n, size, rng):
    X, y = rng.standard_normal((n, 3)), rng.standard_normal(n)
    batches = [list(rows) for rows in itertools.combinations(range(n), size)]
    H = np.array([X[B].T @ X[B] / size for B in batches])
    c = np.array([X[B].T @ y[B] / size for B in batches])
    square, cross = kr.batch_moments(X, y, size)
    np.testing.assert_allclose(square, (H @ H).mean(axis=0), atol=1e-13)
    np.testing.assert_allclose(cross, np.einsum("bij,bj->bi", H, c).mean(axis=0), atol=1e-13)


def test_ranges():
    with pytest.raises(ValueError, match="size = 4"):
        kr.batch_moments(np.eye(3), np.ones(3), 4)
    with pytest.raises(ValueError, match="s = 0"):
        kr.window_end([0.5], [1.0], 0)
