"""Reference numbers and derivations of the claims of long2024, wu2018 and zhou2025 that their examples do not pin."""

import numpy as np
import pytest
import sympy as sp

from samtheory.problems.core import constants
from samtheory.problems.links import HalfSquare, PseudoHuber
from samtheory.problems.product import Product
from samtheory.problems.quadratic import Diagonal
from samtheory.problems.separable import SinePL
from samtheory.problems.sub_quadratic import LinkValley
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.linear_stability import nonuniformity_factor, stability_limit
from samtheory.theory.stability import usam_edge

HYPERBOLA, ETA = Product(HalfSquare(1.0)), 0.1


def sharpness(x):
    return (x**2).sum(axis=-1)


def descent(u, steps):
    return simulate(HYPERBOLA, GD(ETA), [u, 0.3], steps, threads=1).states


@pytest.mark.parametrize(
    ("lam", "rho", "norm"), [((10, 4, 1), 0.1, 1.0), ((18, 4, 1), 0.1, 16.2), ((5, 5, 1), 0.2, 1 / 3)]
)
def test_gradient_on_the_cycle_of_sam(lam, rho, norm):
    lam = np.array(lam, dtype=float)
    x = simulate(Diagonal(lam, 0 * lam), SAM(ETA, rho), [0.3, -0.2, 0.7], 5000, every=5000, threads=1).x
    assert np.linalg.norm(lam * x) == pytest.approx(norm, rel=1e-9)
    assert np.abs(x[lam < lam[0]]).max() < 1e-12


@pytest.mark.parametrize(
    ("u", "rho", "sharp", "growth", "end"),
    [(3.5, 0.1, 12.3231, 1.7509, 5.66), (4.0, 0.03, 16.025, None, 11.406), (3.0, 0.1, 9.13, 0.7468, 9.13)],
)
def test_two_phases(u, rho, sharp, growth, end):
    start = descent(u, 2000)[-1] + np.array([0, 1e-6])
    assert sharpness(start) == pytest.approx(sharp, abs=5e-3)
    states = simulate(HYPERBOLA, USAM(ETA, rho), start, 2000, threads=1).states
    q = states.prod(axis=1) - 1
    if growth is not None:
        assert abs(q[3] / q[2]) == pytest.approx(growth, abs=2e-4)
    assert sharpness(states[-1]) == pytest.approx(end, abs=5e-3)


def test_two_phases_peak_and_divergence():
    start = descent(3.5, 2000)[-1] + np.array([0, 1e-6])
    q = simulate(HYPERBOLA, USAM(ETA, 0.1), start, 200, threads=1).states.prod(axis=1) - 1
    assert np.max(q**2) / 2 == pytest.approx(1.98, abs=5e-3)
    assert simulate(HYPERBOLA, USAM(ETA, 0.3), start, 2000, on_divergence="report", threads=1).diverged[0] > 0


def test_final_sharpness_by_switch():
    assert usam_edge(ETA, 0.1) == pytest.approx(10)
    switches = [0, 5, 10, 20, 50, 100, 500]
    starts = descent(3.5, 3000)[switches] + np.array([0, 1e-9])
    ends = sharpness(simulate(HYPERBOLA, USAM(ETA, 0.1), starts, 3000, every=3000, threads=1).x)
    assert ends == pytest.approx([5.8065, 5.8105, 5.7954, 5.7066, 5.7066, 5.7066, 5.7066], abs=6e-5)
    usam = simulate(HYPERBOLA, USAM(ETA, 0.1), [3.5, 0.3], 10, threads=1).states
    ends = sharpness(simulate(HYPERBOLA, GD(ETA), usam[[0, 1, 2, 3, 5, 10]], 3000, every=3000, threads=1).x)
    assert ends == pytest.approx([12.3231, 12.3196, 12.3089, 12.2761, 11.8852, 5.81], abs=2e-3)


def test_without_a_residual_a_late_switch_changes_nothing():
    starts = descent(3.5, 500)[[50, 100, 500]]
    assert sharpness(simulate(HYPERBOLA, USAM(ETA, 0.1), starts, 3000, every=3000, threads=1).x) == pytest.approx(
        3 * [12.3231], abs=1e-4
    )


def test_residual_of_the_hyperbola_under_usam():
    """The step of zhou2025/two-phase in q = uv - 1, p the residual at the ascent point."""
    u, v, rho, eta = sp.symbols("u v rho eta", positive=True)
    q, lam = u * v - 1, u**2 + v**2
    up, vp = u + rho * q * v, v + rho * q * u
    p = q * (1 + rho * lam + rho**2 * q * (1 + q))
    assert sp.expand(up * vp - 1 - p) == 0
    after = (u - eta * p * vp) * (v - eta * p * up) - 1
    assert sp.expand(after - (q - eta * p * (lam + 2 * rho * q * (1 + q)) + eta**2 * p**2 * (1 + p))) == 0


def test_valley_of_the_reference():
    """sqrt(1 + z^2), eta = 2, rho = 1: 1e-8, -3e-8, 9e-8, ... to the root of z = f'(z + f'(z)), which is below b."""
    z = simulate(LinkValley(PseudoHuber()), USAM(2.0, 1.0), [1e-8], 300, threads=1).states[:, 0]
    assert z[:3] == pytest.approx([1e-8, -3e-8, 9e-8], rel=1e-13)
    assert np.abs(z[-2:]) == pytest.approx(2 * [0.8253787243642843], rel=1e-14) and z[-1] * z[-2] < 0

    def slope(x):
        return x / np.sqrt(1 + x * x)

    assert slope(abs(z[-1]) + slope(abs(z[-1]))) == pytest.approx(abs(z[-1]), rel=1e-14)


def test_pl_constant_of_the_sine_loss():
    assert constants(SinePL(3.0)).pl == pytest.approx(0.1755310, abs=5e-8) and constants(SinePL(3.0)).L == 8


def test_usam_destabilises_in_one_dimension():
    g = np.sqrt([1.0, 2.0, 6.0])[:, None]
    for rho in (0.05, 0.2):
        m, v = 3.0, 14 / 3
        sgd = stability_limit(g)
        assert stability_limit(g, rho, 1, "same_batch") <= sgd / (1 + rho * (m + v / m))
        assert stability_limit(g, rho, 1, "two_batch") <= sgd / (1 + rho * m)
    assert nonuniformity_factor(0.3, [1.0, 2.0, 6.0], 1, 0.2) == pytest.approx(3.0656)
