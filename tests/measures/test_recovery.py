"""Sparse recovery: the slopes at rho = 0 are those of the errors, and the gate does what it says."""

import numpy as np
import pytest

from samtheory.flows.diagonal import KINDS, limit
from samtheory.measures.interpolators import minimise_entropy
from samtheory.measures.recovery import error_slopes, sparse_recovery
from samtheory.problems.diagonal_net import sparse_regression


def test_slopes_of_the_error():
    X, target = sparse_regression(np.random.default_rng(1), "orthogonal", 8, 12, 2)
    y, h = X @ target, 1e-3

    def err(beta):
        return 0.5 * ((beta - target) ** 2).sum()

    differences = [(err(limit(X, y, 0.1, h, k).beta) - err(limit(X, y, 0.1, -h, k).beta)) / (2 * h) for k in KINDS]
    up, down = (err(minimise_entropy(X, y, 0.1 * np.exp(-s * h)).beta) for s in (1, -1))
    np.testing.assert_allclose(error_slopes(X, target, 0.1), [*differences, (up - down) / (2 * h)], rtol=1e-3)


def test_draws_and_gate():
    got = sparse_recovery(3, 2, n=8, d=12, support=1)
    assert got.plain.shape == (2,) and got.perturbed.shape == (2, 2) and got.drawn >= 2
    np.testing.assert_allclose(got.log_ratio, np.log(got.perturbed / got.plain[:, None]))
    with pytest.raises(ArithmeticError, match="basis pursuit found the target"):
        sparse_recovery(3, 2, n=4, d=12, support=12)
