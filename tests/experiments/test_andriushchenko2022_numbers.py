"""Reference numbers of the claims on diagonal linear networks: the deterministic instance and the authors' tables."""

import numpy as np
import pytest
from scipy.linalg import hadamard

from samtheory.evaluate import losses
from samtheory.flows.diagonal import limit
from samtheory.measures.interpolators import minimise_entropy
from samtheory.measures.recovery import error_slopes
from samtheory.oracles import EverySample
from samtheory.problems.diagonal_net import (
    effective,
    layered_net,
    legacy_regression,
    sparse_regression,
    squared_net,
)
from samtheory.rules.gd import GD
from samtheory.rules.sharded import Sharded
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.potentials import entropy_gradient, hyperbolic_entropy, limit_response

X = hadamard(8)[1:5].astype(float)
TARGET = np.array([1, 0, 0, 0.5, 0, 0, 0, 0])
Y, ALPHA = X @ TARGET, 0.1


def err(beta):
    return 0.5 * ((beta - TARGET) ** 2).sum()


def close(got, wanted, digits=8):
    np.testing.assert_allclose(got, wanted, rtol=0, atol=0.6 * 10**-digits)


def test_gradient_flow():
    plain = limit(X, Y, ALPHA)
    b, c = 0.01394418, 0.33798139
    close(plain.beta, [0.64807443, 0, 0, 0.17596278, b, -c, -c, -b])
    close(err(plain.beta), 0.2288517231, 10)
    close(hyperbolic_entropy(plain.beta, ALPHA), 2.087861508054, 10)
    close(plain.loss_integral, 2.087861508054, 9)
    close(plain.delta_n, [1.6045537, 0, 0, 0.4833078, 0.09394467, 0.94998608, 0.94998608, 0.09394467], 7)
    close(plain.delta_1, 2.08786151)
    a, b, c, e = 0.06071998, 0.01182688, 0.02444655, 0.03627343
    response = limit_response(X, plain.beta, ALPHA, plain.delta_n)
    close(response, [-a, 0, 0, -b, c, -e, -e, -c])
    a, b, c, e = 0.07211675, 0.03605838, 0.05408757, 0.01802919
    close(limit_response(X, plain.beta, ALPHA, plain.delta_1), [a, 0, 0, -b, -c, e, e, c])
    close(error_slopes(X, TARGET, ALPHA)[:2], [0.0504025, -0.0273909], 4)  # at the coarse accuracy of recovery


@pytest.mark.parametrize(
    ("kind", "first", "fourth", "fifth", "sixth", "error", "alpha"),
    [
        ("n-SAM", 0.63291948, 0.1732666, 0.02017356, -0.34690696, 0.2415028226, 0.0683812),
        ("1-SAM", 0.66023961, 0.16988019, 0.00482029, -0.3349401, 0.2244162078, 0.05738587),
    ],
)
def test_sam_flows(kind, first, fourth, fifth, sixth, error, alpha):
    end = limit(X, Y, ALPHA, 0.2, kind)
    close(end.beta, [first, 0, 0, fourth, fifth, sixth, sixth, -fifth])
    close(err(end.beta), error, 9)
    close(end.alpha[0], alpha, 7)
    best = minimise_entropy(X, Y, end.alpha)
    close(best.beta, end.beta)
    assert max(best.infeasibility, best.stationarity) < 1e-15


@pytest.mark.parametrize(("rho", "n_error", "one_error"), [(1e-1, 0.110, 0.067), (1e-3, 1.01e-3, 5.6e-4)])
def test_forward_differences_converge_at_first_order(rho, n_error, one_error):
    plain = limit(X, Y, ALPHA)
    for kind, delta, wanted in (("n-SAM", plain.delta_n, n_error), ("1-SAM", plain.delta_1, one_error)):
        exact = limit_response(X, plain.beta, ALPHA, delta)
        slope = (limit(X, Y, ALPHA, rho, kind).beta - plain.beta) / rho
        np.testing.assert_allclose(np.linalg.norm(slope - exact) / np.linalg.norm(exact), wanted, rtol=0.02)


def test_the_ratio_n_needs_orthogonal_rows():
    ratio = {}
    for design in ("orthogonal", "gaussian"):
        A, target = sparse_regression(np.random.default_rng(0), design, 20, 30, 3)
        end = limit(A, A @ target, 0.05)
        ratio[design] = end.delta_1.sum() / end.delta_n.sum()
    assert ratio["orthogonal"] == pytest.approx(20, rel=1e-8)
    assert 10 < ratio["gaussian"] < 17


def test_the_limit_of_descent_minimises_the_entropy_to_first_order_in_the_step():
    A, target = sparse_regression(np.random.default_rng(3), "gaussian", 3, 5, 2)
    net, off = squared_net(A, A @ target), []
    for gamma in (0.02, 0.01):
        w = simulate(net, GD(gamma), np.full(10, ALPHA), round(1600 / gamma), every=10_000, threads=1).x
        off.append(np.abs(np.linalg.svd(A)[2][3:] @ entropy_gradient(effective(net, w), ALPHA)).max())
    assert off[0] / off[1] == pytest.approx(2, rel=0.01)


# ------------------------------------------------------------------------------------ the authors' experiment

DATA = legacy_regression(0, 20, 30, 3)


def run(method, rho, gamma_d, start, steps=10_001):
    """rho is theirs: half of ours for 1-SAM."""
    A, _, target = DATA
    net, rule = layered_net(A, A @ target), USAM(gamma_d / 30, 2 * rho if method == "1-SAM" else rho)
    source, rule = (EverySample(net), Sharded(rule, 1)) if method == "1-SAM" else (net, rule)
    return simulate(source, rule, start, steps, every=steps, threads=1, on_divergence="report").x


def held_out(w):
    return float(losses(layered_net(DATA[1], DATA[1] @ DATA[2]), w))


@pytest.mark.parametrize(
    ("c", "gamma_d", "method", "rho", "wanted", "digits"),
    [
        (0.1, 5, "n-SAM", 0.0, 0.015056044189, 12),
        (0.1, 5, "n-SAM", 0.3, 0.018241642036, 12),
        (0.1, 5, "n-SAM", 1.0, 0.0360649449, 10),
        (0.02, 5, "n-SAM", 0.0, 0.000633788571, 12),
        (0.02, 5, "1-SAM", 0.1, 1.5396958e-5, 12),
        (0.1, 10, "n-SAM", 0.0, 0.015747762612, 12),
        (0.1, 10, "1-SAM", 0.03, 9.12793e-3, 8),
        (0.1, 10, "1-SAM", 0.1, 1.52354122e-3, 11),
        (0.1, 10, "1-SAM", 0.2, 1.562224e-5, 11),
        (0.1, 10, "1-SAM", 0.3, 1.3166e-8, 12),
        (0.1, 15, "n-SAM", 0.0, 0.016445781, 9),
        (0.1, 10, "n-SAM", 0.1, 0.016696, 6),
        (0.1, 15, "1-SAM", 0.01, 0.013855, 6),
    ],
)
def test_the_authors_table(c, gamma_d, method, rho, wanted, digits):
    close(held_out(run(method, rho, gamma_d, np.repeat([c, 0.0], 30))), wanted, digits)


def test_too_large_a_radius_diverges():
    assert np.isnan(held_out(run("1-SAM", 0.9, 15, np.repeat([0.1, 0.0], 30))))


def test_switching_between_plain_and_1_sam():
    plain = run("n-SAM", 0.0, 1, np.repeat([0.1, 0.0], 30))
    close(held_out(plain), 0.0148656, 7)
    close(held_out(run("1-SAM", 10.0, 1, plain)), 1.4269e-4, 8)
    sam = run("1-SAM", 0.175, 1, np.repeat([0.1, 0.0], 30))
    close(held_out(sam), 1.2458e-4, 8)
    close(held_out(run("n-SAM", 0.0, 1, sam)), 9.8348e-5, 9)
