"""Bounds for any perturbation: their sums term by term, the recursion they come from, and the ranges."""

import math

import numpy as np
import pytest

from samtheory.theory import presam

KNOWN = {"gap0": 1.3, "L": 2.0, "eta0": 0.4, "rho0": 0.7, "sigma": 0.9}


def descents(T, gap0, L, etas, rhos, sigma):
    """gap0 + sum of what a step may add, and the sum of its weights, by the descent lemma with |d| <= L rho.

    E f(x+) <= f - eta |g|^2 - eta <g, d> + (L eta^2/2) E|g_t(x + eps)|^2, the last at most 2 (|g|^2 + sigma^2 + |d|^2).
    """
    lift, weights = gap0, []
    for eta, rho, split in zip(etas, rhos, T):
        d2 = (L * rho) ** 2
        lift += eta * d2 / (2 * split) + L * eta**2 * (sigma**2 + d2)
        weights.append(eta * (1 - split / 2) - L * eta**2)
    return lift, np.array(weights)


@pytest.mark.parametrize("T", [7, 200])
def test_constant_steps(T):
    k, root = KNOWN, math.sqrt(T)
    eta, rho = k["eta0"] / root, 1.5 * k["rho0"] / root
    split = [k["L"] * eta] * T  # -<g, d> <= (L eta/2)|g|^2 + |d|^2/(2 L eta)
    lift, weights = descents(split, k["gap0"], k["L"], [eta] * T, [rho] * T, k["sigma"])
    bound = presam.presam_gradient_bound(T, **k, reach=1.5)
    assert bound == pytest.approx(lift / weights.sum(), rel=1e-12)
    shifted = presam.presam_perturbed_bound(T, **k, reach=1.5)
    assert shifted == pytest.approx(2 * bound + 2 * (k["L"] * rho) ** 2, rel=1e-12)


@pytest.mark.parametrize("T", [1, 300])
def test_decaying_steps(T):
    k = KNOWN | {"eta0": 0.11}
    t = np.arange(1, T + 1)
    lift, weights = descents([1.0] * T, k["gap0"], k["L"], k["eta0"] / np.sqrt(t), k["rho0"] / np.sqrt(t), k["sigma"])
    assert presam.decaying_weighted_bound(T, **k) == pytest.approx(lift, rel=1e-12)
    # eta_t (1/2 - L eta_t) >= eta_T/4, as 4 L eta0 <= 1
    assert weights.min() >= k["eta0"] / math.sqrt(T) / 4
    assert presam.decaying_gradient_bound(T, **k) == pytest.approx(lift / T / (k["eta0"] / math.sqrt(T) / 4), rel=1e-12)


@pytest.mark.parametrize(
    ("bound", "change", "words"),
    [
        (presam.presam_gradient_bound, {"T": 0.5}, r"T = 0.5"),
        (presam.presam_gradient_bound, {"eta0": 4.0}, "3 L eta / 2"),
        (presam.presam_perturbed_bound, {"reach": -1}, "reach"),
        (presam.decaying_weighted_bound, {"eta0": 0.2}, "4 L eta0"),
        (presam.decaying_gradient_bound, {"T": -1, "eta0": 0.1}, "T = -1"),
        (presam.decaying_gradient_bound, {"gap0": -1, "eta0": 0.1}, "gap0"),
    ],
)
def test_ranges(bound, change, words):
    with pytest.raises(ValueError, match=words):
        bound(**({"T": 50} | KNOWN | change))
