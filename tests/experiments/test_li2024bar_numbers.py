"""Reference numbers of the claims on balancedness (losses with 1/2: the authors' step 1e-4 is 2e-4 here)."""

import numpy as np
import pytest

from samtheory.evaluate import hessian
from samtheory.measures.balancedness import balancedness
from samtheory.oracles import DataNoise, WithReplacement
from samtheory.problems.balanced import Inner
from samtheory.problems.links import HalfSquare
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.sharded import Sharded
from samtheory.simulate import simulate

START = np.array([0.2, -0.1, 0.3, -0.6, 0.3, -0.9])
AUTHORS = Inner(HalfSquare(0.0), [0.5], 3)


def end(rule, alpha, members=16):
    x = simulate(DataNoise(AUTHORS, [alpha]), rule, START, 100_000, members=members, every=100_000, seed=1).x
    return np.abs(balancedness(x, 3) / balancedness(START, 3)), (x[:, :3] * x[:, 3:]).sum(axis=1)


def test_descent_keeps_the_balance_up_to_its_step():
    ratio, _ = end(GD(2e-4), 2.0)
    np.testing.assert_allclose(ratio, 0.984, rtol=0, atol=5e-4)


@pytest.mark.parametrize(
    ("alpha", "median", "product"), [(0.0, 0.1707, 0.5), (0.5, 5.1e-3, 0.381), (1.0, 2.2e-5, 0.225)]
)
def test_the_authors_instance(alpha, median, product):
    ratio, w = end(SAM(2e-4, 0.2), alpha)
    assert np.median(ratio) == pytest.approx(median, rel=0.1)
    assert w.mean() == pytest.approx(product, abs=0.008)


@pytest.mark.parametrize("alpha", [1.5, 2.0])
def test_the_authors_instance_collapses(alpha):
    _, w = end(SAM(2e-4, 0.2), alpha)
    assert np.abs(w).max() < 1e-7


@pytest.mark.parametrize(("rho", "rate"), [(0.05, 0.009996), (0.1, 0.03985), (0.2, 0.1558)])
def test_late_rate(rho, rate):
    """f = (x'y - 1/2)^2, f'' = 2, is twice the half-square: its time is half as long."""
    run = simulate(AUTHORS, SAM(4e-4, rho), START, 100_000, every=25_000).states
    B = balancedness(run, 3)
    found = -np.log(B[4] / B[1]) / (3 * 25_000 * 2e-4)
    assert found == pytest.approx(rate, rel=0.02)
    assert found == pytest.approx(4 * rho**2, rel=0.04)


@pytest.mark.parametrize(
    ("alpha", "sgd", "sam", "sharded"),
    [(0.0, 2.4744, 0.0412, 0.0412), (0.5, None, 1.3e-4, 5e-7), (1.0, 1.48, 2.4e-7, 2.2e-12)],
)
def test_shards_balance_faster(alpha, sgd, sam, sharded):
    labels = 1 + alpha * np.random.default_rng(0).standard_normal(20_000)
    oracle = WithReplacement(Inner(HalfSquare(0.0), labels, 2), 4)
    start = [2.0, 1.0, 0.2, 0.1]
    for rule, want in ((GD(0.01), sgd), (SAM(0.01, 0.1), sam), (Sharded(SAM(0.01, 0.1), 1), sharded)):
        if want is not None:
            B = balancedness(simulate(oracle, rule, start, 20_000, every=20_000, members=8).x, 2)
            assert np.log(np.median(B)) == pytest.approx(np.log(want), abs=0.01 + 0.03 * abs(np.log(want)))


def test_a_balanced_solution_that_is_not_the_flattest():
    t = np.pi / 3
    skew, straight = np.array([1, 0, np.cos(t), np.sin(t)]), np.sqrt(0.5) * np.array([1, 0, 1, 0])
    problem = Inner(HalfSquare(0.0), [0.5], 2)
    assert balancedness(skew, 2) == pytest.approx(0, abs=1e-15)
    top = [np.linalg.eigvalsh(hessian(problem, z))[-1] for z in (skew, straight)]
    np.testing.assert_allclose(top, [2, 1], rtol=1e-14)
