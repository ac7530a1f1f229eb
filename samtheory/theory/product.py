"""The product loss L(x, y) = l(x y), a one-neuron linear network: what a step does to the imbalance y^2 - x^2."""

from __future__ import annotations


def imbalance_factor(eta, re, slope, slope_plus):
    """y+^2 - x+^2 = (y^2 - x^2) * imbalance_factor, exactly: 1 - 2 eta re d d' - eta^2 d'^2 (1 - re^2 d^2).

    slope d = l'(x y); slope_plus d' = l'(a b) at the perturbed point (a, b) = (x + re d y, y + re d x). re = 0 for
    GD, rho for USAM, rho/(|d| sqrt(x^2 + y^2)) for SAM (0 where d = 0: no perturbation). Any real arguments, any l;
    d' does not even have to be the slope there. Source: derived.
    """
    return 1 - 2 * eta * re * slope * slope_plus - eta**2 * slope_plus**2 * (1 - re**2 * slope**2)
