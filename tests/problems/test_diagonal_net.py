"""Diagonal networks: the parametrisations agree, both SAMs are those of the definition, the marginal loss is a mean."""

import itertools

import numpy as np
import pytest

from samtheory.evaluate import gradients, hessian, losses
from samtheory.oracles import EverySample
from samtheory.problems.diagonal_net import (
    DESIGNS,
    effective,
    layered_net,
    legacy_regression,
    marginal_net,
    sparse_regression,
    squared_net,
)
from samtheory.rules.sharded import Sharded
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

N, D = 4, 6


@pytest.fixture
def data():
    rng = np.random.default_rng(7)
    return rng.standard_normal((N, D)), rng.standard_normal(N), rng.standard_normal(2 * D)


def test_sam_of_both_kinds_in_both_parametrisations(data):
    X, y, w = data
    plus, minus = w[:D], w[D:]
    eta, rho = 0.05, 0.1
    r = X @ (plus**2 - minus**2) - y
    for own in (False, True):
        z = r[:, None] * X if own else np.tile(X.T @ r / N, (N, 1))
        P, M = plus * (1 + rho * z), minus * (1 - rho * z)
        pull = (((P**2 - M**2) * X).sum(axis=1) - y)[:, None] * X
        wanted = np.concatenate([plus - eta * (pull * P).mean(axis=0), minus + eta * (pull * M).mean(axis=0)])
        for p, x in ((squared_net(X, y), w), (layered_net(X, y), np.concatenate([plus + minus, plus - minus]))):
            source, rule = (EverySample(p), Sharded(USAM(eta, rho), 1)) if own else (p, USAM(eta, rho))
            got = simulate(source, rule, x, 1, threads=1).x
            if x is not w:
                got = np.concatenate([got[:D] + got[D:], got[:D] - got[D:]]) / 2
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14)


def test_the_effective_vector(data):
    X, y, w = data
    np.testing.assert_allclose(effective(squared_net(X, y), w), w[:D] ** 2 - w[D:] ** 2)
    np.testing.assert_allclose(effective(layered_net(X, y), [w, w]), np.tile(w[:D] * w[D:], (2, 1)))
    with pytest.raises(ValueError, match="last axis"):
        effective(layered_net(X, y, 3), w)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_marginal_net_is_the_gaussian_mean(depth):
    """The loss has degree two in every weight, so the signs +-noise have the moments that count."""
    rng, e = np.random.default_rng(depth), 0.4
    X, y, w = rng.standard_normal((3, 2)), rng.standard_normal(3), rng.standard_normal(2 * depth)
    points = w + e * np.array(list(itertools.product([-1, 1], repeat=w.size)))
    plain, mean = layered_net(X, y, depth), marginal_net(X, y, e, depth)
    np.testing.assert_allclose(losses(mean, w), losses(plain, points).mean(), rtol=1e-13)
    np.testing.assert_allclose(gradients(mean, w), gradients(plain, points).mean(axis=0), rtol=1e-12, atol=1e-13)


def test_trace_of_the_hessian(data):
    X, y, w = data
    trace = np.trace(hessian(layered_net(X, y), w))
    np.testing.assert_allclose(trace, ((X**2).mean(axis=0) * (w[:D] ** 2 + w[D:] ** 2)).sum(), rtol=1e-13)


def test_designs():
    for design in DESIGNS:
        X, target = sparse_regression(np.random.default_rng(0), design, 4, 6, 2)
        assert X.shape == (4, 6) and (target[:2] > 0).all() and (target[2:] == 0).all()
        assert np.linalg.norm(target) == pytest.approx(1)
        lengths = np.linalg.norm(X, axis=1) ** 2
        assert (np.abs(lengths - 6) < 1e-12).all() == (design != "gaussian")
        assert (np.abs(X @ X.T - np.diag(lengths)) < 1e-12).all() == (design == "orthogonal")
        assert (np.abs(X) == 1).all() == (design == "sign")
    for bad in ({"design": "Gaussian"}, {"n": 7, "design": "orthogonal"}, {"support": 7}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            sparse_regression(np.random.default_rng(0), **({"design": "sign", "n": 4, "d": 6, "support": 2} | bad))
    with pytest.raises(ValueError, match="support"):
        legacy_regression(0, 4, 6, 7)


def test_refuses_a_wrong_transpose(data):
    X, y, _ = data
    with pytest.raises(ValueError, match="transpose"):
        squared_net(X, y)._replace(columns=X.T + 1)
