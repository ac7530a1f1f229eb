"""Reference numbers of small tanh networks: where methods land, and how closely SAM follows its edge."""

import numpy as np
import pytest

from samtheory.evaluate import grad_norms, hessian
from samtheory.problems.tanh_mlp import sign_network
from samtheory.rules.gd import GD
from samtheory.rules.hessian_usam import HessianUSAM
from samtheory.rules.sam import SAM
from samtheory.rules.two_step_usam import TwoSeqUSAM
from samtheory.simulate import simulate
from samtheory.theory.edges import sam_edge


@pytest.mark.parametrize(
    ("rule", "top"), [(GD(0.4), 4.9987), (TwoSeqUSAM(0.4, 0.05), 3.5935), (HessianUSAM(0.4, 0.05), 3.2628)]
)
def test_methods_land_on_their_edges(rule, top):
    problem, start = sign_network(1)
    x = simulate(problem, rule, start, 40_000, every=40_000, threads=1).x
    # still oscillating by a few thousandths where the edge is approached from outside
    assert np.linalg.eigvalsh(hessian(problem, x))[-1] == pytest.approx(top, abs=5e-3)


@pytest.mark.parametrize(
    ("eta", "rho", "seed", "ratio"),
    [(0.2, 0.05, 1, 1.007), (0.2, 0.1, 1, 0.990), (0.1, 0.1, 0, 0.991), (0.05, 0.2, 1, 1.035), (0.1, 0.3, 1, 1.017)],
)
def test_sam_follows_its_edge(eta, rho, seed, ratio):
    problem, start = sign_network(seed)
    x = simulate(problem, SAM(eta, rho), start, 20_000, every=1000, threads=1).states[11:]
    found = np.linalg.eigvalsh(hessian(problem, x))[:, -1] / sam_edge(eta, rho, grad_norms(problem, x))
    assert np.median(found) == pytest.approx(
        ratio, abs=0.04
    )  # the orbit is chaotic: medians of 10 times differ by .035
