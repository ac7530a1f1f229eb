"""Reference numbers of the claims on SAM and USAM at minima: dai2023 (Theorem 1, PL losses) and samtheory/sam-cycle."""

import numpy as np
import pytest

from samtheory.evaluate import losses
from samtheory.problems.core import constants
from samtheory.problems.quadratic import Diagonal
from samtheory.problems.separable import SinePL
from samtheory.rules.sam import SAM
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.bounds import sam_bound, sam_floor, sam_floor_large_step, usam_pl_bound
from samtheory.theory.cycles import unified_cycle_amplitude
from samtheory.theory.stability import usam_threshold

BOWL = Diagonal([4, 1], [0, 0])
START = [2, -3]


def run(problem, rule, start, steps):
    return simulate(problem, rule, start, steps, threads=1, limit=1e300).states


def parabola(lam):
    return Diagonal([lam], [0])


# ------------------------------------------------------------------------------------ dai2023/sc-bound


def test_the_bowl_stays_below_the_bound():
    loss = losses(BOWL, run(BOWL, SAM(0.2, 0.5), START, 200))
    np.testing.assert_allclose(loss[10], 0.22282872614445123, rtol=1e-14)
    np.testing.assert_allclose(loss[200], 2 / 9, rtol=1e-12)
    np.testing.assert_allclose(sam_bound(10, 1, 4, 0.2, 0.5, loss[0]), 2.136944449875826, rtol=1e-14)
    np.testing.assert_allclose(sam_bound(200, 1, 4, 0.2, 0.5, loss[0]), 4 / 3, rtol=1e-12)


@pytest.mark.parametrize(
    ("eta", "limit", "floor"), [(0.375, 4.5, 6.0), (0.45, 40.5, 18.0)], ids=["within", "above although alpha < beta"]
)
def test_the_bowl_beyond_one_over_beta(eta, limit, floor):
    loss = losses(BOWL, run(BOWL, SAM(eta, 0.5), START, 200))
    np.testing.assert_allclose(loss[-1], limit, rtol=1e-12)
    np.testing.assert_allclose(sam_floor(1, 4, eta, 0.5), floor, rtol=1e-14)


@pytest.mark.parametrize(("eta", "limit", "floor"), [(0.25, 0.5, 0.5), (0.375, 4.5, 1.5), (0.45, 40.5, 4.5)])
def test_a_parabola_attains_the_floor_at_one_over_beta_and_exceeds_it_beyond(eta, limit, floor):
    loss = losses(parabola(4), run(parabola(4), SAM(eta, 0.5), [0.7], 200))
    np.testing.assert_allclose(loss[-1], limit, rtol=1e-12)
    np.testing.assert_allclose(sam_floor(4, 4, eta, 0.5), floor, rtol=1e-14)


@pytest.mark.parametrize(("h", "share"), [(1.2, 0.6923), (1.5, 0.9), (1.8, 0.9878)])
def test_a_parabola_ends_at_this_share_of_the_floor_for_large_steps(h, share):
    limit = losses(parabola(4), run(parabola(4), SAM(h / 4, 0.5), [0.7], 400))[-1]
    np.testing.assert_allclose(limit / sam_floor_large_step(4, 4, h / 4, 0.5), share, atol=5e-5)
    np.testing.assert_allclose(
        limit / sam_floor_large_step(4, 4, h / 4, 0.5), h**2 / (2 * h**2 - 4 * h + 4), rtol=1e-12
    )


# ------------------------------------------------------------------------------------ dai2023/usam-divergence


@pytest.mark.parametrize(
    ("share", "loss", "digits"),
    [(0.99, 7.655e-7, 4), (1.0, 8.0, 15), (1.01, 6.0705e7, 5)],
    ids=["below", "at", "above"],
)
def test_usam_about_its_threshold(share, loss, digits):
    threshold = usam_threshold(0.5, 4)
    np.testing.assert_allclose(threshold, 1 / 6, rtol=1e-15)
    end = run(BOWL, USAM(share * threshold, 0.5), START, 400)[-1]
    np.testing.assert_allclose(losses(BOWL, end), loss, rtol=0.5 * 10.0 ** (1 - digits))


def test_one_step_size_one_radius_two_fates():
    assert abs(run(BOWL, USAM(0.45, 0.5), START, 400)[-1, 0]) > 1e250
    np.testing.assert_allclose(abs(run(BOWL, SAM(0.45, 0.5), START, 400)[-1]), [4.5, 0], rtol=1e-12, atol=1e-30)


# ------------------------------------------------------------------------------------ dai2023/usam-pl-trapped


@pytest.mark.parametrize(("c", "pl"), [(2, 0.505158893), (3, 0.175530986)])
def test_pl_constant_of_the_sine(c, pl):
    np.testing.assert_allclose(constants(SinePL(c)).pl, pl, rtol=5e-9)
    assert constants(SinePL(3)).pl > 1 / 32  # the constant usually quoted: valid, 5.6 times too small


def test_a_rate_three_times_faster_fails_by_half():
    loss = losses(parabola(1), run(parabola(1), USAM(0.01, 0.1), [0.7], 50))
    claimed = (1 - 3 * 0.01) ** 50 * loss[0]
    assert 1.50 <= loss[-1] / claimed < 1.52
    assert loss[-1] <= usam_pl_bound(50, 1, 1, 0.01, 0.1, loss[0])


# ------------------------------------------------------------------------------------ samtheory/sam-cycle


@pytest.mark.parametrize(
    ("lam", "eta", "rho", "mix", "amplitude"), [(2, 0.3, 0.1, 1, 0.0428571429), (1, 1.5, 0.2, 1, 0.6)]
)
def test_cycle_of_unified_sam(lam, eta, rho, mix, amplitude):
    x = run(parabola(lam), UnifiedSAM(eta, rho, mix), [0.37], 200)[-1, 0]
    np.testing.assert_allclose(unified_cycle_amplitude(eta, rho, lam, mix), amplitude, rtol=1e-9)
    np.testing.assert_allclose(abs(x), unified_cycle_amplitude(eta, rho, lam, mix), rtol=1e-14)


@pytest.mark.parametrize(
    ("lam", "eta", "rho", "path"),
    [(1, 0.5, 1, [1, 0, 0]), (1, 0.5, 1, [7, 3, 1, 0, 0]), (4, 0.2, 0.5, [2, 0, 0])],
    ids=["one step", "three steps", "round numbers"],
)
def test_exact_hits_of_the_minimum_stay_there(lam, eta, rho, path):
    np.testing.assert_array_equal(run(parabola(lam), UnifiedSAM(eta, rho, 1), [path[0]], len(path) - 1)[:, 0], path)


def test_at_the_edge_of_stability_the_amplitude_grows_by_two_rho_a_step():
    x = run(parabola(4), SAM(0.5, 0.25), [0.125], 100)[:, 0]
    np.testing.assert_array_equal(np.abs(x), 0.125 + 0.5 * np.arange(101))
