"""sum log(1 + (<a_i, x> - b_i)^2) against NumPy and central differences."""

import numpy as np

from samtheory.evaluate import gradients, hessian, hessian_vector, losses
from samtheory.problems.core import constants
from samtheory.problems.log_squares import LogSquares

RNG = np.random.default_rng(3)
A, X = RNG.standard_normal((5, 3)), RNG.standard_normal(3)
F = LogSquares(A, A @ X + np.array([0.3, 0, -1, 2, 0]))


def test_values_gradients_and_hessians():
    f = lambda x: np.log1p((A @ x - F.b) ** 2).sum()  # noqa: E731
    x, h = RNG.standard_normal(3), 1e-5
    np.testing.assert_allclose(losses(F, x), f(x), rtol=1e-14)
    slope = [(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(gradients(F, x), slope, atol=1e-9)
    bend = [(gradients(F, x + h * e) - gradients(F, x - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(hessian(F, x), bend, atol=1e-8)
    np.testing.assert_allclose(hessian_vector(F, x, slope), np.array(bend) @ slope, atol=1e-7)


def test_constants():
    assert constants(F).f_star is None
    known = constants(LogSquares(A, A @ X))
    assert known.f_star == 0 and np.allclose(known.minimiser, X)
    points = np.concatenate([RNG.standard_normal((200, 3)), known.minimiser[None]])
    top = np.linalg.norm(hessian(LogSquares(A, A @ X), points), 2, axis=(1, 2))
    np.testing.assert_allclose(top.max(), known.L, rtol=1e-12)
