"""The hyperbolic entropy against high precision, its derivatives against differences, its limits l1 and l2."""

import mpmath as mp
import numpy as np

from samtheory.measures.interpolators import minimise_entropy
from samtheory.theory.potentials import (
    entropy_gradient,
    hyperbolic_entropy,
    limit_response,
    mobility,
    scalar_delta,
)


def exact(b, alpha):
    with mp.workdps(50):
        b, a = mp.mpf(float(b)), 2 * mp.mpf(float(alpha)) ** 2
        return float((b * mp.asinh(b / a) - mp.sqrt(b * b + a * a) + a) / 2)


def test_entropy(verify, rng):
    cases = [(b, a) for b in (1e-8, -0.3, 2.0, 50.0) for a in (1e-4, 0.1, 1.0, 30.0)]
    verify(
        lambda b, a: hyperbolic_entropy([b], a),
        exact,
        cases,
        scale=lambda b, a: hyperbolic_entropy([b], 1.001 * a),
        half=lambda b, a: 2 * hyperbolic_entropy([b], a),
    )


def test_derivatives():
    b, alpha, h = np.array([-1.0, 0.02, 0.5]), np.array([0.1, 0.2, 0.5]), 1e-5
    up = [(hyperbolic_entropy(b + h * e, alpha) - hyperbolic_entropy(b - h * e, alpha)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(entropy_gradient(b, alpha), up, rtol=1e-8)
    bend = (entropy_gradient(b + h, alpha) - entropy_gradient(b - h, alpha)) / (2 * h)
    np.testing.assert_allclose(1 / mobility(b, alpha), bend, rtol=1e-6)


def test_response_of_the_minimiser(rng):
    X, delta, alpha, h = rng.standard_normal((3, 6)), rng.uniform(0, 2, 6), 0.2, 1e-5
    y = X @ rng.standard_normal(6)
    up, down = (minimise_entropy(X, y, alpha * np.exp(-s * h * delta)).beta for s in (1, -1))
    response = limit_response(X, minimise_entropy(X, y, alpha).beta, alpha, delta)
    np.testing.assert_allclose(response, (up - down) / (2 * h), rtol=1e-6, atol=1e-8)


def test_scalar_delta():
    np.testing.assert_allclose(scalar_delta(1.3, 2, 0.1), 7.28101410, rtol=1e-9)
