"""Stacked copies: block by block the problem itself."""

import numpy as np

from samtheory.evaluate import gradients, hessian_vector, losses
from samtheory.kernel import interpreted
from samtheory.problems.finite_sum import Logistic
from samtheory.problems.log_mean_exp import LogMeanExp
from samtheory.problems.stacked import Stacked

rng = np.random.default_rng(1)
INNER = Logistic(rng.standard_normal((5, 2)), [1, -1, 1, 1, -1])
W, V = rng.standard_normal((2, 3, 2))


def test_blocks_are_the_copies():
    stacked = Stacked(INNER, 3)
    np.testing.assert_allclose(losses(stacked, W.ravel()), losses(INNER, W).sum(), rtol=1e-15)
    np.testing.assert_array_equal(gradients(stacked, W.ravel()), gradients(INNER, W).ravel())
    blocks = hessian_vector(INNER, W, V).ravel()
    np.testing.assert_array_equal(hessian_vector(stacked, W.ravel(), V.ravel()), blocks)
    with interpreted():
        np.testing.assert_array_equal(hessian_vector(stacked, W.ravel(), V.ravel()), blocks)


def test_nothing_underflows_far_out():
    f, far = LogMeanExp([[1.0, 0.5], [1.0, -0.5]]), np.array([1e6, 3.0])
    assert losses(f, far) == -1e6 + 1.5 + np.log1p(np.exp(-3.0)) - np.log(2)
    assert np.isfinite(hessian_vector(f, far, np.ones(2))).all()
