"""The imbalance identity, expanded to zero with every quantity a free symbol."""

import numpy as np
import sympy as sp

from samtheory.theory.product import imbalance_factor

X, Y, ETA, RE, D, DP = sp.symbols("x y eta r d d'", real=True)


def after_one_step():
    """y+^2 - x+^2 after the step with slope D at (x, y) and DP at the perturbed point."""
    a, b = X + RE * D * Y, Y + RE * D * X
    return (Y - ETA * DP * a) ** 2 - (X - ETA * DP * b) ** 2


def remainder(factor):
    return sp.expand(after_one_step() - (Y**2 - X**2) * factor)


def test_identity():
    assert remainder(imbalance_factor(ETA, RE, D, DP)) == 0


def test_identity_refuses_its_mutants():
    factor = imbalance_factor(ETA, RE, D, DP)
    assert remainder(factor - ETA**2 * DP**2 * RE**2 * D**2) != 0  # without re^2 d^2
    assert remainder(factor + 4 * ETA * RE * D * DP) != 0  # sign
    assert remainder(imbalance_factor(ETA, 0, D, DP)) != 0  # GD's


def test_special_cases():
    rho = sp.Symbol("rho", positive=True)
    norm = sp.sqrt(X**2 + Y**2)
    # SAM: re d = rho sgn(d)/N, so the factor only sees the sign of the slope
    sam = imbalance_factor(ETA, rho / (sp.Symbol("p", positive=True) * norm), sp.Symbol("p", positive=True), DP)
    expected = 1 - 2 * ETA * rho * DP / norm - ETA**2 * DP**2 * (1 - rho**2 / norm**2)
    assert sp.simplify(sam - expected) == 0
    assert sp.expand(imbalance_factor(ETA, 0, D, DP) - (1 - ETA**2 * DP**2)) == 0


def test_arrays_on_three_rules(rng):
    x, y = rng.standard_normal((2, 1000))
    eta, rho = rng.uniform(0.01, 0.5, (2, 1000))
    slope = np.tanh(x * y)
    for re in (np.zeros(1000), rho, rho / (np.abs(slope) * np.hypot(x, y))):
        a, b = x + re * slope * y, y + re * slope * x
        slope_plus = np.tanh(a * b)
        x_plus, y_plus = x - eta * slope_plus * b, y - eta * slope_plus * a
        gap = y_plus**2 - x_plus**2 - (y**2 - x**2) * imbalance_factor(eta, re, slope, slope_plus)
        assert np.abs(gap / (x**2 + y**2 + x_plus**2 + y_plus**2)).max() < 1e-14
