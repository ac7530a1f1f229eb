"""Thresholds against the factor of a USAM step, solved by computer algebra."""

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from samtheory.theory import stability

ETA, RHO, LAM, X = sp.symbols("eta rho lambda x", positive=True)
# one USAM step on lam x^2/2, by substitution into the gradient
FACTOR = sp.simplify((X - ETA * LAM * (X + RHO * LAM * X)) / X)


def triples(rng, n=20):
    for _ in range(n):
        yield tuple(10 ** rng.uniform(-2, 1, 3))


def pairs(rng, n=20):
    for _ in range(n):
        yield tuple(10 ** rng.uniform(-2, 1, 2))


def unstable_step():
    """The positive eta at which |factor| = 1, by cases of the sign."""
    solutions = sp.solve(sp.Eq(FACTOR, -1), ETA) + [s for s in sp.solve(sp.Eq(FACTOR, 1), ETA) if s != 0]
    (solution,) = solutions
    return solution


def test_factor(verify, rng):
    signed = [(eta, rho, lam * sign) for eta, rho, lam in triples(rng) for sign in (1, -1)]
    verify(
        stability.usam_factor,
        sp.lambdify((ETA, RHO, LAM), FACTOR),
        signed,
        rtol=1e-10,
        sam_like=lambda eta, rho, lam: 1 - eta * lam * (1 + rho),
        first_power=lambda eta, rho, lam: 1 - eta * lam - eta * rho * lam,
        squared=lambda eta, rho, lam: 1 - eta * lam * (1 + rho * lam) ** 2,
    )


def test_usam_threshold(verify, rng):
    verify(
        stability.usam_threshold,
        sp.lambdify((RHO, LAM), unstable_step()),
        pairs(rng),
        gd=lambda rho, beta: 2 / beta,
        units=lambda rho, beta: 2 / (beta + rho * beta),
    )


def test_usam_critical_radius(verify, rng):
    (radius,) = sp.solve(sp.Eq(FACTOR, -1), RHO)
    cases = [(h / beta, beta) for h, beta in zip(rng.uniform(0.05, 1.9, 20), rng.uniform(0.1, 5, 20))]
    verify(
        stability.usam_critical_radius,
        sp.lambdify((ETA, LAM), radius),
        cases,
        rtol=1e-10,
        no_unit=lambda eta, beta: 2 / (eta * beta) - 1,
    )


def test_sam_threshold_is_where_the_radial_factor_reaches_minus_one(verify, rng):
    """x+ = (1 - eta lam) x - eta lam rho: the multiplier of SAM in one dimension, away from 0."""
    step = X - ETA * LAM * (X + RHO)
    (solution,) = sp.solve(sp.Eq(sp.diff(step, X), -1), ETA)
    at_threshold = sp.simplify(sp.Abs(step.subs(ETA, solution)) - X)
    assert at_threshold == 2 * RHO  # grows by 2 rho a step
    verify(
        stability.sam_threshold,
        sp.lambdify(LAM, solution),
        [(beta,) for beta, _ in pairs(rng)],
        half=lambda beta: 1 / beta,
    )


def test_edge_solves_the_quadratic(verify, rng):
    """eta (Y + rho Y^2) = 2 by computer algebra, at 50 digits: also where the printed formula cancels."""
    Y = sp.Symbol("Y", positive=True)
    (root,) = (r for r in sp.solve(sp.Eq(FACTOR.subs(LAM, Y), -1), Y) if r.subs({ETA: 1, RHO: 1}) > 0)
    exact = sp.lambdify((ETA, RHO), root, "mpmath")

    def reference(eta, rho):
        with mp.workdps(50):
            return float(exact(mp.mpf(eta), mp.mpf(rho)))

    verify(
        stability.usam_edge,
        reference,
        [*pairs(rng), (0.3, 1e-9), (0.3, 1e-17)],
        gd=lambda eta, rho: 2 / eta,
        squared=lambda eta, rho: (np.sqrt(1 + 8 * rho / eta) + 1) / (2 * rho),
        cancelling=lambda eta, rho: (-1 + np.sqrt(1 + 8 * rho / eta)) / (2 * rho),
    )
    assert sp.limit(root, RHO, 0) == 2 / ETA
    assert stability.usam_edge(0.3, 0.0) == 2 / 0.3


def test_published_numbers():
    assert stability.usam_threshold(0.5, 4) == pytest.approx(1 / 6, rel=1e-15)
    assert stability.usam_factor(1.01 / 6, 0.5, 4) == pytest.approx(-1.02)
    assert stability.usam_edge(0.1, 0.1) == pytest.approx(10, rel=1e-14)
    assert stability.usam_threshold(stability.usam_critical_radius(0.45, 4), 4) == pytest.approx(0.45)
    # saddles, rho = 2, eta = 0.5: escapes, is attracted, oscillates away
    assert stability.usam_factor(0.5, 2, [-0.4, -1, -2]) == pytest.approx([1.04, 0.5, -2])


def test_shapes_and_ranges():
    assert stability.usam_edge(np.array([[0.1], [0.2]]), [0.0, 0.1, 0.2]).shape == (2, 3)
    assert stability.usam_threshold([0.0, 1.0], 2.0).tolist() == [1.0, 1 / 3]
    for call in (
        lambda: stability.usam_threshold(-0.1, 1.0),
        lambda: stability.usam_threshold(0.1, 0.0),
        lambda: stability.usam_critical_radius(2.1, 1.0),
        lambda: stability.usam_critical_radius(0.0, 1.0),
        lambda: stability.usam_critical_radius(0.1, 0.0),
        lambda: stability.sam_threshold(0.0),
        lambda: stability.sam_threshold([1.0, -1.0]),
        lambda: stability.usam_edge(0.0, 0.1),
        lambda: stability.usam_edge(0.1, np.inf),
    ):
        with pytest.raises(ValueError, match="outside"):
            call()
