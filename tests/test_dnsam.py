"""DNSAM: SAM where the gradient is full, the stated formula under noise, no step at a critical point."""

import numpy as np
import pytest

from samtheory.kernel import interpreted
from samtheory.oracles import FactorNoise
from samtheory.problems.cosine_bowl import CosineBowl
from samtheory.problems.quadratic import Quadratic, quadratic
from samtheory.rules.dnsam import DNSAM
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.streams import seed_streams


def test_full_batch_is_sam():
    problem = quadratic([2.0, 1.0, 0.3], rotation=np.random.default_rng(0))
    runs = [simulate(problem, rule(0.2, 0.1), [1.0, -0.5, 2.0], 50).states for rule in (DNSAM, SAM)]
    assert runs[0] == pytest.approx(runs[1], rel=1e-12, abs=1e-12)


def test_one_noisy_step_is_the_formula():
    eta, rho, x = 0.1, 0.3, np.array([1.0, -2.0])
    H, S = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[0.4, 0.0], [0.1, 0.3]])
    state = seed_streams(3, 0, 1)[0]
    bits = np.random.SFC64(np.random.SeedSequence(3, spawn_key=(0, 0)))
    assert (bits.state["state"]["state"] == state[:4]).all()
    noise = S @ np.random.Generator(bits).standard_normal(2)
    g = H @ x
    expected = x - eta * (H @ (x + rho * (g + noise) / np.linalg.norm(g)) + noise)
    source = FactorNoise(Quadratic(H, np.zeros(2)), S)
    assert simulate(source, DNSAM(eta, rho), x, 1, seed=3).x == pytest.approx(expected, rel=1e-13)
    with interpreted():
        assert simulate(source, DNSAM(eta, rho), x, 1, seed=3).x == pytest.approx(expected, rel=1e-13)


def test_critical_point_has_no_perturbation_and_is_counted():
    run = simulate(CosineBowl(1.0, 0.5), DNSAM(0.1, 0.3), [0.0], 4)
    assert (run.states == 0).all() and run.omitted.tolist() == [4]
