"""Moments of ReLU units against quadrature over the angle in the plane, and draws."""

import numpy as np

from samtheory.theory.relu_moments import network_error, relu_mean, relu_products


def test_products_and_mean(rng):
    angle = (np.arange(400_000) + 0.5) * 2 * np.pi / 400_000  # radial part of |x|^2 under N(0, v I): 2 v
    x = np.stack([np.cos(angle), np.sin(angle)])
    for variance in (1.0, 0.1):
        U, V = rng.standard_normal((2, 3)), rng.standard_normal((2, 2))
        u, v = np.maximum(U.T @ x, 0), np.maximum(V.T @ x, 0)
        np.testing.assert_allclose(relu_products(U, V, variance), 2 * variance * u @ v.T / angle.size, rtol=1e-9)
        np.testing.assert_allclose(relu_mean(U, variance), np.sqrt(np.pi * variance / 2) * u.mean(axis=1), rtol=1e-9)


def test_parallel_opposite_and_zero_units():
    U, V = np.array([[1.0, 0], [0, 0]]), np.array([[2.0, -1], [0, 0]])
    np.testing.assert_allclose(relu_products(U, V, 1.0), [[1, 0], [0, 0]], atol=1e-15)


def test_error_of_a_network(rng):
    W, V, heads, teacher = rng.standard_normal((3, 4)), rng.standard_normal((3, 2)), rng.standard_normal(4), [1.0, -2.0]
    x = rng.standard_normal((400_000, 3)) * 0.5
    drawn = (np.maximum(x @ W, 0) @ heads - np.maximum(x @ V, 0) @ teacher) ** 2
    assert abs(drawn.mean() - network_error(W, heads, V, teacher, 0.25)) < 5 * drawn.std() / len(x) ** 0.5
    assert abs(network_error(W, heads, W, heads, 0.25)) < 1e-12
