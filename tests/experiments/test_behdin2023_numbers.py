"""Reference numbers of the claims of behdin2023: a sine by a Gaussian kernel, two levels, a saddle, wide nets."""

import numpy as np
import pytest

from samtheory.measures.smoother import bias_and_variance, smoother
from samtheory.problems.kernel_regression import Energy, gaussian_kernel
from samtheory.problems.lazy_relu import HeadlessReLU, doubled, outputs, tangent_kernel
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.kernel_regression import best_stopped_error, bias_variance, fitted, path_exponent, saddle_errors

N, NOISE = 30, 0.5
POINTS = (np.arange(N) + 0.5) / N
K = gaussian_kernel(POINTS, 0.2)
LAM, U = np.linalg.eigh(K)
F = np.sin(2 * np.pi * POINTS)
ETA, RHO = 0.5 / LAM[-1], 1 / LAM[-1]


def total(k, rho):
    return sum(bias_variance(1 - ETA * LAM * (1 + rho * LAM), k, U.T @ F, NOISE))


def test_spectrum_and_steps():
    np.testing.assert_allclose(LAM[:-6:-1], [13.215065, 8.995997, 4.793453, 2.032729, 0.700677], atol=5e-7)
    np.testing.assert_allclose([ETA, RHO], [0.0378356, 0.0756712], atol=5e-8)


def test_loop_in_coefficients_against_the_formula():
    y = F + NOISE * np.random.default_rng(0).standard_normal(N)
    run = simulate(Energy(K, y), USAM(ETA, RHO), np.zeros(N), 200, threads=1)
    np.testing.assert_allclose(run.states @ K, fitted(K, y, ETA, RHO, run.t), atol=1e-13)


def test_table_of_bias_and_variance():
    want = {
        1: (0.2413730732, 0.0033785235, 0.1283357535, 0.0116422066),
        5: (0.0338449957, 0.0185849176, 0.0241707097, 0.0225280339),
        20: (0.0049303336, 0.0316221236, 0.0040619055, 0.0326214302),
        100: (0.0009434100, 0.0431868328, 0.0009255570, 0.0433836944),
    }
    features = U * np.sqrt(np.maximum(LAM, 0))
    gd, sam = (bias_and_variance(smoother(features, rule, 100), F, NOISE) for rule in (GD(ETA), USAM(ETA, RHO)))
    for k, row in want.items():
        np.testing.assert_allclose([gd[0][k], gd[1][k], sam[0][k], sam[1][k]], row, atol=6e-11)


def test_where_sam_wins_and_the_best_steps():
    k = np.arange(1, 200)
    gd, sam = total(k, 0.0), total(k, RHO)
    assert (k[sam < gd] == np.arange(1, 18)).all()
    assert (k[gd.argmin()], k[sam.argmin()]) == (19, 18)
    np.testing.assert_allclose([gd.min(), sam.min()], [0.0365478, 0.0365920], atol=5e-8)
    np.testing.assert_allclose([gd[49], sam[49]], [0.0403424, 0.0407024], atol=5e-8)


def test_orders_at_every_step_up_to_200_000():
    k = np.arange(1, 200_001)
    gd, sam = (bias_variance(1 - ETA * LAM * (1 + rho * LAM), k, U.T @ F, NOISE) for rho in (0.0, RHO))
    assert (sam[0] <= gd[0]).all()
    assert (sam[1] >= gd[1] * (1 - 1e-12)).all()


def test_just_beyond_the_condition():
    eta = 2.01 / (LAM[-1] * 3)
    np.testing.assert_allclose([1 - eta * LAM[-1], 1 - 2 * eta * LAM[-1]], [0.330, -0.340], atol=5e-4)


@pytest.mark.parametrize(
    ("low", "B", "rho", "gd", "sam"),
    [(0.1, (4, 0.01), 1, 0.82869267, 0.81548379), (0.5, (0.05, 4), 2, 1.67798163, 1.78030928)],
)
def test_best_stopped_errors(low, B, rho, gd, sam):
    found = [best_stopped_error(path_exponent(radius, 1, low), B, (1, 1), 1) for radius in (0, rho)]
    np.testing.assert_allclose(found, [gd, sam], atol=6e-9)


def test_two_levels_at_random():
    rng, counts = np.random.default_rng(0), [0, 0, 0]
    for _ in range(600):
        low, rho = rng.uniform(0.02, 0.9), 10 ** rng.uniform(-1, 1.5)
        m, B = rng.integers(1, 5, 2), 10 ** rng.uniform(-2, 2, 2)
        q = np.divide(*np.log(m / (m + B))[::-1])
        exponents = [path_exponent(radius, 1, low) for radius in (rho, 0)]
        sam, gd = (best_stopped_error(kappa, B, m, 1) for kappa in exponents)
        case = 0 if q <= exponents[0] else 1 if q >= exponents[1] else 2
        counts[case] += 1
        assert case == 2 or (sam - gd) * (1 - 2 * case) <= 1e-9
    assert min(counts) > 0


def test_saddle():
    lam, k = np.array([2, 1, 0.3, -0.5, -1]), np.array([10, 100, 1000])

    def errors(rho):
        return saddle_errors(1 - 0.1 * lam * (1 + rho * lam), k, np.ones(5), 0.1, lam)

    bias, variance = errors(3)
    np.testing.assert_allclose(bias.sum(axis=1), [9.23e-1, 6.33e-3, 1.0e-22], rtol=0.03)
    np.testing.assert_allclose(variance[-1].sum(), 0.1736111, atol=5e-8)
    np.testing.assert_allclose(errors(2)[0][-1].sum(), 1.0, rtol=1e-12)
    np.testing.assert_allclose(errors(1.9)[0][-1].sum(), 147.5, rtol=1e-3)
    np.testing.assert_allclose(errors(0)[0][1].sum(), 1.9e8, rtol=0.01)


def deviation(seed, m, scale, radius):
    """Largest deviation of a net from its kernel over 30 steps, n = 10, d = 6."""
    rng = np.random.default_rng([seed, m])
    X = rng.standard_normal((10, 6))
    heads, start = doubled(rng.standard_normal((6, m)), scale)
    net = HeadlessReLU(X / np.linalg.norm(X, axis=1)[:, None], rng.standard_normal(10), heads)
    kernel = tangent_kernel(net, start)
    top = np.linalg.eigvalsh(kernel)[-1]
    eta, rho = 0.5 / (top * (1 + radius)), radius / top
    run = simulate(net, USAM(eta, rho), start, 30, record={"out": lambda x: outputs(net, x)}, threads=1)
    return np.abs(run["out"] - fitted(kernel, net.y, eta, rho, run.t)).max()


@pytest.mark.parametrize(
    ("power", "radius", "slope", "level"),
    [
        (-0.5, 0.0, -0.5, 0.0080),
        (-0.5, 1.0, -0.5, 0.0095),
        (-1.0, 0.0, 0.0, 0.33),  # feature learning: not lazy
        (-1.0, 1.0, 0.0, 0.8),
        (0.0, 0.0, -1.0, None),  # lazier still: no control
        (0.0, 1.0, -1.0, None),
    ],
)
def test_deviation_from_the_kernel(power, radius, slope, level):
    """Twelve nets a width: level and slope to what their spread allows (a factor of three between nets)."""
    widths = [100, 1000, 10_000] if level and power == -0.5 else [100, 1000]
    logs = np.log([[deviation(seed, m, float(m) ** power, radius) for m in widths] for seed in range(12)]).mean(axis=0)
    assert (logs[-1] - logs[0]) / np.log(widths[-1] / widths[0]) == pytest.approx(slope, abs=0.2)
    if level:
        assert logs[-1] == pytest.approx(np.log(level), abs=0.8)
