"""Reference numbers of zhang2025, mi2022, khanh2024 and the toys beside them."""

import numpy as np
import pytest

from samtheory.evaluate import grad_norms, losses
from samtheory.oracles import GaussianNoise
from samtheory.problems.log_squares import LogSquares
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.asam import ASAM
from samtheory.rules.fisher_sam import FisherSAM
from samtheory.rules.prescribed import Prescribed
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import InverseRoot, Table
from samtheory.rules.sparse_sam import SparseSAM
from samtheory.simulate import simulate
from samtheory.theory.alignment import precision_gain, valley_rest, valley_rest_noisy
from samtheory.theory.presam import decaying_gradient_bound, presam_gradient_bound

F, X0 = LogSquares(np.eye(6), np.zeros(6)), np.linspace(1, 3, 6)
GAP = float(losses(F, X0))


def mean_square(rule, T, sigma=1.0, x0=X0, members=32, seed=0):
    run = simulate(GaussianNoise(F, sigma / 6**0.5), rule, x0, T, members=members, seed=seed, threads=1)
    return (grad_norms(F, run.states[:, :-1]) ** 2).mean()


@pytest.mark.parametrize("T, seen, bound", [(100, 1.0329, 1.6585), (1000, 0.3272, 0.4050), (10_000, 0.1035, 0.1195)])
def test_theorem_1_on_the_log_bowl(T, seen, bound):
    root = T**0.5
    members = 256 if T < 1000 else 16
    np.testing.assert_allclose(presam_gradient_bound(T, GAP, 2, 1, 0.5, 1), bound, atol=6e-5)
    np.testing.assert_allclose(mean_square(SAM(1 / root, 0.5 / root), T, members=members), seen, rtol=0.015)


def test_theorem_1_with_other_preconditioners():
    np.testing.assert_allclose(mean_square(ASAM(0.1, 0.05, 0.0), 100, members=256), 1.032, rtol=0.015)
    np.testing.assert_allclose(presam_gradient_bound(100, GAP, 2, 1, 0.5, 1, 3.0), 1.974, rtol=0.005)
    fisher = mean_square(FisherSAM(0.1, 0.05, 0.1), 100, members=256)
    assert fisher < presam_gradient_bound(100, GAP, 2, 1, 0.5, 1, 10**0.5)
    np.testing.assert_allclose(fisher / presam_gradient_bound(100, GAP, 2, 1, 0.5, 1, 10**0.5), 0.517, rtol=0.03)


def test_what_theorem_1_needs():
    e1 = np.eye(6)[:1]
    fixed = simulate(F, Prescribed(0.01, 1.0, e1), np.zeros(6), 10_000, threads=1)
    np.testing.assert_allclose((grad_norms(F, fixed.states[:-1]) ** 2).mean(), 0.9951, atol=1e-4)
    np.testing.assert_allclose(presam_gradient_bound(10_000, 0, 2, 1, 1, 0), 0.0103, atol=6e-5)
    np.testing.assert_allclose(presam_gradient_bound(2000, 0, 2, 1, 0.01, 1), 0.04794, atol=1e-5)
    np.testing.assert_allclose(presam_gradient_bound(2000, 0, 2, 1, 0.01, 0), 2.4e-6, rtol=0.03)
    root = 2000**0.5
    np.testing.assert_allclose(mean_square(SAM(1 / root, 0.01 / root), 2000, x0=np.zeros(6)), 0.02288, rtol=0.02)


@pytest.mark.parametrize("keep, seen", [(6, 3.114), (3, 3.115), (0, 3.121)])
def test_sparse_sam_with_decaying_steps(keep, seen):
    mask = (np.arange(6) < keep).astype(float)
    found = mean_square(SparseSAM(InverseRoot(0.125), InverseRoot(0.2), mask), 100, members=256)
    np.testing.assert_allclose(found, seen, rtol=0.01)


def test_the_bound_of_sparse_sam():
    bounds = [decaying_gradient_bound(T, GAP, 2, 0.125, 0.2, 1) for T in (100, 1000, 10_000)]
    np.testing.assert_allclose(bounds, [30.5, 9.72, 3.10], rtol=5e-3)


@pytest.mark.parametrize("spread, predicted", [(0.0, 1.0), (0.5, 1.506), (1.0, 7.16)])
def test_the_gain_of_precision_weights(spread, predicted):
    """exp(2 spread^2) in the mean; the reference numbers are of one draw of 200."""
    s = np.exp(spread * np.random.default_rng(0).standard_normal(200_000))
    np.testing.assert_allclose(precision_gain(s), np.exp(2 * spread**2), rtol=0.1)
    assert abs(np.log(predicted) - 2 * spread**2) < 0.15


def test_the_asymmetric_valley():
    assert [valley_rest_noisy(10, 1, 0.5), 0.5 * 9 / 11] == pytest.approx([0.4091, 0.4091], abs=1e-4)
    rest = [valley_rest(10, 1, 0.5, sigma) for sigma in (0.01, 0.1, 1.0)]
    np.testing.assert_allclose(
        rest, [0.0140, 0.1107, 0.3507], atol=1e-3
    )  # measured at eta = 1e-3; a step is up to 5e-3


BOWL, START = Diagonal([1, 3, 10], [0, 0, 0]), [1.1, -0.7, 0.9]
K = np.arange(1.0, 100_001)


@pytest.mark.parametrize(
    "t, rho, seen",
    [
        (0.05, 0.1, [None, 0.33333333333, 0.33333333333, 0.33333333333]),
        (np.minimum(0.1, 1 / K), 0.1, [0.0524, 0.0050, 5.0e-4, 5.0e-5]),
        (0.1 / K**0.5, 0.1, [0.0728, 0.0161, 0.0050, 0.0016]),
        (0.05, 0.1 / K**0.001, [0.3318, 0.3310, 0.3303, 0.3295]),
    ],
)
def test_steps_and_radii_that_diminish(t, rho, seen):
    t, rho = (v if np.isscalar(v) else Table(v) for v in (t, rho))
    run = simulate(BOWL, SAM(t, rho), START, 100_000, threads=1)
    found = grad_norms(BOWL, run.states[[100, 1000, 10_000, 100_000]])
    for k, (one, number) in enumerate(zip(found, seen)):
        if number is not None and k > 0:  # after a hundred steps the start is still seen
            np.testing.assert_allclose(one, number, rtol=0.02 if number < 0.1 else 2e-4)
