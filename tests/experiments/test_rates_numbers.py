"""Reference numbers of the rates of Unified SAM and of USAM: one ridge, one spectrum, and the slips of a script."""

import numpy as np
import pytest

from samtheory.evaluate import grad_norms, losses, sample_gradients
from samtheory.oracles import WithoutReplacement, WithReplacement, importance
from samtheory.problems.core import constants, sample_constants
from samtheory.problems.finite_sum import LeastSquares
from samtheory.problems.quadratic import Diagonal
from samtheory.problems.separable import SinePL
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.samplings import expected_residual, optimal_probabilities, realisations
from samtheory.sde.batch_moments import expected_gaps, scheduled_gaps
from samtheory.simulate import simulate
from samtheory.theory import bounds, unified
from samtheory.worst_case.sdp import available, worst_case


def reference():
    """The ridge of the reference numbers, started at x* + 1."""
    rng = np.random.default_rng(3)
    A, w, noise = rng.standard_normal((20, 4)), rng.standard_normal(4), rng.standard_normal(20)
    return LeastSquares(A, A @ w + 0.3 * noise, 0.5)


RIDGE = reference()
KNOWN, SAMPLES = constants(RIDGE), sample_constants(RIDGE)
X0 = KNOWN.minimiser + 1
GAP0 = float(losses(RIDGE, X0)) - KNOWN.f_star
UNIFORM = WithoutReplacement(RIDGE, 1)
WEIGHTED = importance(RIDGE, optimal_probabilities(SAMPLES.L))


def known(oracle):
    er = expected_residual(oracle, KNOWN.f_star)
    return er, (KNOWN.pl, max(KNOWN.L, er.lipschitz), er.A, er.B)


def test_constants_of_the_ridge():
    values = (KNOWN.pl, KNOWN.L, SAMPLES.L.max(), SAMPLES.L.mean(), KNOWN.f_star - SAMPLES.f_inf.mean(), GAP0)
    expected = (0.97197188, 2.66633818, 13.24677989, 5.27601213, 0.58006938, 2.80601956)
    np.testing.assert_allclose(values, expected, rtol=1e-8)
    assert pytest.approx(15.36810280, rel=5e-9) == expected_residual(UNIFORM, KNOWN.f_star).C


@pytest.mark.parametrize(
    ("oracle", "pair", "floor", "late", "factor"),
    [
        (UNIFORM, (0.00133575060, 0.00138388884), 0.569805, 0.00127473859, 0.9959921),
        (WEIGHTED, (0.00799309, 0.00869842), 0.555607, 0.00565024, 0.9747510),
    ],
    ids=["uniform", "importance"],
)
def test_usam_with_constant_steps(oracle, pair, floor, late, factor):
    er, at = known(oracle)
    rho, eta = unified.pl_pair(*at, 0.0)
    np.testing.assert_allclose((rho, eta), pair, rtol=1e-6)
    assert unified.pl_floor(at[0], at[1], er.C, eta, rho, 0.0) == pytest.approx(floor, rel=2e-6)
    times = np.unique([20, *np.geomspace(1, 20_000, 60).astype(int)])
    gaps = expected_gaps(oracle, X0, eta, rho, times)
    assert gaps[-1] == pytest.approx(late, rel=1e-6)
    assert (gaps[times == 20][0] / GAP0) ** (1 / 20) == pytest.approx(factor, abs=1e-7)
    ratio = gaps / unified.pl_bound(times, *at, er.C, eta, rho, 0.0, GAP0)
    assert ratio.max() < 0.84 and ratio[-1] < 0.011  # the neighbourhood is a hundred times too large


def test_equal_row_norms_give_the_same_steps():
    rows = RIDGE.A / np.linalg.norm(RIDGE.A, axis=1, keepdims=True)
    same = RIDGE._replace(A=rows)
    pairs = []
    for oracle in (WithoutReplacement(same, 1), importance(same, optimal_probabilities(sample_constants(same).L))):
        er = expected_residual(oracle, constants(same).f_star)
        pairs.append(unified.pl_pair(constants(same).pl, er.lipschitz, er.A, er.B, 0.3))
    np.testing.assert_allclose(*pairs, rtol=1e-12)


def test_decreasing_steps():
    er, at = known(UNIFORM)
    assert unified.switch_time(*at, 0.0) == 2971
    T = 100_000
    for mix, limit in ((0.0, 1089), (0.5, 937), (1.0, 895)):
        assert T * unified.decreasing_recursion(T, *at, er.C, mix, GAP0)[-1] == pytest.approx(limit, rel=1e-3)
    rhos, etas = unified.decreasing_schedule(T, *at, 0.0)
    gaps = scheduled_gaps(UNIFORM, X0, etas, rhos)
    lam, V = np.linalg.eigh(RIDGE.A.T @ RIDGE.A / 20 + RIDGE.reg * np.eye(4))
    noise = V.T @ np.cov(sample_gradients(RIDGE, KNOWN.minimiser).T, bias=True) @ V
    limit = np.sum(lam * np.diag(4 / at[0] ** 2 * noise / (2 / at[0] * (lam[:, None] + lam) - 1))) / 2
    # eta_t = 2/(mu t): C = V/t, -V = -(2/mu)(HV + VH) + 4 Sigma/mu^2
    assert T * gaps[T] == pytest.approx(limit, rel=2e-3)
    assert gaps[T] == pytest.approx(2.16623e-5, rel=1e-5)
    assert np.log10(gaps[T] / gaps[T // 10]) == pytest.approx(-1, abs=0.1)


def test_sam_on_a_spectrum_ends_far_below_both_neighbourhoods():
    bowl = Diagonal(np.logspace(-1, 1, 100), np.zeros(100))
    end = simulate(bowl, SAM(0.025, 0.05), np.ones(100), 10_000, every=10_000, threads=1).x
    assert float(losses(bowl, end)) == pytest.approx(2.5510204081633e-4, rel=1e-9)
    assert bounds.sam_pl_bound(1e9, 0.1, 10, 0.025, 0.05, 0.0) == pytest.approx(1.25)
    assert unified.pl_bound(1e9, 0.1, 10, 0, 1, 0, 0.025, 0.05, 1.0, 0.0) == pytest.approx(6.25)


def test_mean_gradient_of_usam_on_the_sine_loss():
    sine, x0, T = SinePL(3.0, 3), [3.0, -2.0, 1.5], 10_000
    eta, rho = unified.usam_nonconvex_pair(T, 8.0)
    assert float(losses(sine, x0)) == pytest.approx(20.775199, rel=1e-7)
    mean = (grad_norms(sine, simulate(sine, USAM(eta, rho), x0, T - 1, threads=1).states) ** 2).mean()
    assert mean / unified.usam_nonconvex_bound(T, 8.0, 0.0, 1, 20.775199) == pytest.approx(0.248, abs=5e-4)


@pytest.mark.skipif(not available(), reason="needs the extra pep")
@pytest.mark.parametrize(("T", "worst"), [(1, 2.0), (2, 1.78765), (3, 1.40171), (4, 1.14581)])
def test_worst_mean_gradient_of_all_smooth_functions(T, worst):
    found = worst_case(USAM(*unified.usam_nonconvex_pair(T, 1.0)), "smooth", L=1.0, steps=T, metric="mean-gradient")
    assert found.value == pytest.approx(worst, abs=2e-5)


def test_slips_of_a_published_script_are_not_ours():
    # importance sampling without its weights minimises sum p_i f_i: its fixed point has a positive gap, ours none
    gap = {}
    for name, v in (
        ("ours", realisations(WEIGHTED).weights),
        ("script", realisations(WEIGHTED).weights / WEIGHTED.weight),
    ):
        mean = realisations(WEIGHTED).mean(v)
        H = (RIDGE.A.T * mean) @ RIDGE.A + RIDGE.reg * mean.sum() * np.eye(4)
        gap[name] = float(losses(RIDGE, np.linalg.solve(H, RIDGE.A.T @ (mean * RIDGE.b)))) - KNOWN.f_star
    assert abs(gap["ours"]) < 1e-14 and gap["script"] > 1e-3
    # batches drawn with replacement do not obey the constants of those drawn without
    drawn, claimed = WithReplacement(RIDGE, 2), WithoutReplacement(RIDGE, 2)
    theirs, right = (expected_residual(o, KNOWN.f_star) for o in (claimed, drawn))
    assert theirs.A < right.A and theirs.C < right.C
