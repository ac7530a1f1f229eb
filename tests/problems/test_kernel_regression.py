"""Kernel regression in features and in coefficients against numpy; USAM on the energy is USAM in features."""

import numpy as np
import pytest

from samtheory.evaluate import gradients, hessian, hessian_vector, losses, sample_gradients
from samtheory.kernel import interpreted
from samtheory.problems.core import constants
from samtheory.problems.kernel_regression import Energy, gaussian_kernel, random_features, ridgeless
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate


def test_ridgeless_has_no_mean():
    rng = np.random.default_rng(0)
    Phi, y, w = rng.standard_normal((5, 3)), rng.standard_normal(5), rng.standard_normal(3)
    p, r = ridgeless(Phi, y), Phi @ w - y
    np.testing.assert_allclose(losses(p, w), r @ r / 2, rtol=1e-13)
    np.testing.assert_allclose(gradients(p, w), Phi.T @ r, rtol=1e-12)
    np.testing.assert_allclose(sample_gradients(p, w), 5 * Phi * r[:, None], rtol=1e-12)


def test_energy():
    rng = np.random.default_rng(1)
    A, b, x, v = rng.standard_normal((3, 3)), *rng.standard_normal((3, 3))
    A = A + A.T
    p = Energy(A, b)
    np.testing.assert_allclose(losses(p, x), x @ A @ x / 2 - b @ x, rtol=1e-13)
    np.testing.assert_allclose(gradients(p, x), A @ x - b, rtol=1e-12)
    np.testing.assert_allclose(hessian_vector(p, x, v), A @ v, rtol=1e-12)
    assert (hessian(p, x) == A).all()
    with interpreted():
        assert gradients(p, x).tobytes() == gradients(Energy(A, b), x).tobytes()


def test_constants_of_the_energy():
    known = constants(Energy([[2.0, 0], [0, 1]], [1.0, 3]))
    assert (known.L, known.mu) == (2, 1)
    np.testing.assert_allclose(known.minimiser, [0.5, 3])
    np.testing.assert_allclose(known.f_star, losses(Energy([[2.0, 0], [0, 1]], [1.0, 3]), known.minimiser))
    assert constants(Energy([[1.0, 0], [0, -1]], [0.0, 0])).f_star is None
    assert constants(Energy([[1.0, 0], [0, 0]], [0.0, 1])).f_star is None


def test_coefficients_and_features_are_one_algorithm():
    rng = np.random.default_rng(2)
    Phi, y = rng.standard_normal((4, 6)), rng.standard_normal(4)
    rule = USAM(0.03, 0.1)
    w = simulate(ridgeless(Phi, y), rule, np.zeros(6), 50).x
    alpha = simulate(Energy(Phi @ Phi.T, y), rule, np.zeros(4), 50).x
    np.testing.assert_allclose(Phi.T @ alpha, w, rtol=1e-11)


def test_gaussian_kernel():
    K = gaussian_kernel([0.0, 1.0], 0.5)
    np.testing.assert_allclose(K, [[1, np.exp(-2)], [np.exp(-2), 1]])
    with pytest.raises(ValueError, match="width"):
        gaussian_kernel([0.0, 1.0], 0)


def test_refusals():
    with pytest.raises(ValueError, match="pull has shape"):
        Energy(np.eye(2), [1.0])
    with pytest.raises(ValueError, match="y has shape"):
        ridgeless(np.eye(2), [1.0])


@pytest.mark.parametrize(("n", "p"), [(1, 1), (2, 5), (5, 3)])
def test_random_features(n, p):
    made = random_features(np.random.default_rng(0), n, p, 3.0, 0.1)
    assert (
        made.lam.size == min(n, p)
        and made.lam[0] == 3.0
        and made.lam[1:2] == pytest.approx(0.3 if min(n, p) > 1 else [])
    )
    for square, vectors, size in ((made.matrix @ made.matrix.T, made.U, n), (made.matrix.T @ made.matrix, made.V, p)):
        np.testing.assert_allclose((vectors * made.padded(size)) @ vectors.T, square, atol=1e-13)
    with pytest.raises(ValueError, match="low = 0"):
        random_features(np.random.default_rng(0), n, p, 3.0, 0.0)
