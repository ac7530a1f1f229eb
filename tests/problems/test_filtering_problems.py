"""The problems of eigenvalue filtering: derivatives against the textbook formula in 60 digits, and the runs of the
theory notes on them."""

import contextlib
import math

import mpmath as mp
import numpy as np
import pytest

from samtheory.evaluate import gradients, hessian, hessian_vector, losses, sample_gradients, sample_losses
from samtheory.kernel import call, interpreted
from samtheory.problems.beale import Beale
from samtheory.problems.core import constants, dim, grad, hess, hvp, loss, sample_hvp, scratch
from samtheory.problems.deep_product import DeepProduct
from samtheory.problems.double_well import DoubleWell
from samtheory.problems.hermite import ExceptionalStep
from samtheory.problems.links import HalfSquare, LogCosh, PseudoHuber
from samtheory.problems.product import Product
from samtheory.problems.quadratic_regression import (
    QuadraticRegression,
    jacobians,
    random_regression,
    residuals,
)
from samtheory.problems.sub_quadratic import LinkValley, SuperQuadratic
from samtheory.problems.tanh_mlp import TanhMLP, sign_network
from samtheory.rules.gd import GD
from samtheory.rules.hessian_usam import HessianUSAM
from samtheory.rules.two_step_usam import TwoSeqUSAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory import filters

RNG = np.random.default_rng(11)
REGRESSION = random_regression(RNG, 3, 4, 0.7)
NETWORK = TanhMLP(RNG.standard_normal((4, 2)), RNG.standard_normal(4), 2)


def regression(p, x):
    total = mp.mpf(0)
    for y, G, Q in zip(p.y, p.G, p.Q):
        z = mp.mpf(y) + mp.fsum(mp.mpf(g) * t for g, t in zip(G, x))
        z += mp.fsum(x[i] * mp.mpf(Q[i, j]) * x[j] for i in range(len(x)) for j in range(len(x))) / 2
        total += z**2
    return total / 2


def hermite(p, x):
    """f' integrated from 3, where f' on [1, 3] is the cubic with the prescribed values and slopes at the ends."""
    t = x[0]
    a, m = mp.mpf(p.step), mp.mpf(p.m)
    # the cubic of values -2/a, 0 and slopes 1/a, -m at 1 and 3, solved for
    rows = mp.matrix([[1, s, s**2, s**3] for s in (1, 3)] + [[0, 1, 2 * s, 3 * s**2] for s in (1, 3)])
    cubic = mp.lu_solve(rows, mp.matrix([-2 / a, 0, 1 / a, -m]))

    def integral(s):
        return sum(cubic[k] * s ** (k + 1) / (k + 1) for k in range(4))

    if t >= 3:
        return -m * (t - 3) ** 2 / 2
    inside = integral(max(t, mp.mpf(1))) - integral(mp.mpf(3))
    return inside if t >= 1 else inside + ((t - 3) ** 2 - 4) / (2 * a)


def network(p, x, i=None):
    n, d = p.X.shape
    total = mp.mpf(0)
    rows = range(n) if i is None else [i]
    for row in rows:
        units = [
            mp.tanh(x[d * p.width + k] + mp.fsum(mp.mpf(p.X[row, j]) * x[j * p.width + k] for j in range(d)))
            for k in range(p.width)
        ]
        total += (mp.fsum(x[(d + 1) * p.width + k] * units[k] for k in range(p.width)) - mp.mpf(p.y[row])) ** 2 / 2
    return total / len(rows)


PROBLEMS = {
    "regression": (REGRESSION, regression),
    "deep 1": (DeepProduct(1, 0.7), lambda p, x: (mp.fprod(x) - p.target) ** 2 / 2),
    "deep 3": (DeepProduct(3, 1.0), lambda p, x: (mp.fprod(x) - p.target) ** 2 / 2),
    "deep 5": (DeepProduct(5, -2.0), lambda p, x: (mp.fprod(x) - p.target) ** 2 / 2),
    "double well": (DoubleWell(2.5), lambda p, x: mp.mpf(p.scale) * (x[0] ** 2 - 1) ** 2 / 4),
    "exceptional step": (ExceptionalStep(), hermite),
    "other step": (ExceptionalStep(0.3, 0.7), hermite),
    "valley": (LinkValley(LogCosh()), lambda p, x: mp.log(mp.cosh(x[0]))),
    "steep valley": (LinkValley(SuperQuadratic()), lambda p, x: x[0] ** 2 / 2 + x[0] ** 4 / 4),
    "Beale": (
        Beale(),
        lambda p, x: mp.fsum((mp.mpf(c) - x[0] + x[0] * x[1] ** k) ** 2 for k, c in zip((1, 2, 3), (1.5, 2.25, 2.625))),
    ),
    "network": (NETWORK, network),
}
every_problem = pytest.mark.parametrize("name", PROBLEMS)
STEP = mp.mpf(10) ** -15


@pytest.fixture(autouse=True, scope="module")
def digits():
    with mp.workdps(60):
        yield


def points(p, n=4):
    spread = 2.0 if dim(p) > 1 else 3.0
    return np.concatenate([spread * np.random.default_rng(3).standard_normal((n, dim(p))), np.zeros((1, dim(p)))])


def differences(f, x):
    """Gradient and Hessian by central differences in 60 digits."""
    d = len(x)

    def moved(*moves):
        out = [mp.mpf(float(t)) for t in x]
        for i, s in moves:
            out[i] += s * STEP
        return f(out)

    g = [float((moved((i, 1)) - moved((i, -1))) / (2 * STEP)) for i in range(d)]
    H = np.zeros((d, d))
    for i in range(d):
        for j in range(i + 1):
            H[i, j] = H[j, i] = float(
                sum(s * t * moved((i, s), (j, t)) for s in (1, -1) for t in (1, -1)) / (4 * STEP**2)
            )
    return np.array(g), H


@every_problem
@interpreted()
def test_derivatives_are_those_of_the_formula(name):
    p, formula = PROBLEMS[name]
    X = points(p, 2 if dim(p) > 5 else 5)
    V = np.random.default_rng(4).standard_normal(X.shape)
    f, g, H, turned = losses(p, X), gradients(p, X), hessian(p, X), hessian_vector(p, X, V)
    for k, x in enumerate(X):
        wanted = float(formula(p, [mp.mpf(float(t)) for t in x]))
        g_wanted, H_wanted = differences(lambda z: formula(p, z), x)
        scale = 1e-13 * (1 + abs(wanted) + np.abs(g_wanted).max() + np.abs(H_wanted).max())
        np.testing.assert_allclose(f[k], wanted, rtol=1e-12, atol=scale)
        np.testing.assert_allclose(g[k], g_wanted, rtol=1e-12, atol=scale)
        np.testing.assert_allclose(H[k], H_wanted, rtol=1e-12, atol=scale)
        np.testing.assert_allclose(turned[k], H_wanted @ V[k], rtol=1e-11, atol=10 * scale)
        assert (H[k] == H[k].T).all()


def _everything(p, x, v, g, H, turned, work):
    for k in range(x.shape[0]):
        grad(p, x[k], g[k], work)
        hess(p, x[k], H[k], work)
        hvp(p, x[k], v, turned[k], work)
        g[k, 0] += loss(p, x[k], work)


@every_problem
def test_interpreted_bits_are_the_compiled_bits(name):
    """One driver for all pieces: the same bodies, fewer compilations."""
    p, _ = PROBLEMS[name]
    X, d, outcomes = points(p), dim(p), []
    for how in (contextlib.nullcontext, interpreted):
        out = [np.empty((len(X), d)), np.empty((len(X), d, d)), np.empty((len(X), d))]
        with how():
            call(_everything, p, X, np.linspace(-1, 2, d), *out, np.empty(scratch(p)))
        outcomes.append([part.tobytes() for part in out])
    assert outcomes[0] == outcomes[1]


@every_problem
@interpreted()
def test_constants(name):
    p, _ = PROBLEMS[name]
    known = constants(p)
    assert known.L is None and known.how
    if known.minimiser is not None:
        assert losses(p, known.minimiser) == pytest.approx(known.f_star, abs=1e-15)
        assert np.abs(gradients(p, known.minimiser)).max() < 1e-14
        assert (losses(p, points(p)) >= known.f_star).all()


# ------------------------------------------------------------------------------------ regression


@interpreted()
def test_readers_give_residuals_and_jacobian():
    X = points(REGRESSION)
    z, J = residuals(REGRESSION, X), jacobians(REGRESSION, X)
    assert z.shape == (5, 3) and J.shape == (5, 3, 4)
    np.testing.assert_allclose((z * z).sum(-1) / 2, losses(REGRESSION, X), rtol=1e-13)
    np.testing.assert_allclose(np.einsum("kap,ka->kp", J, z), gradients(REGRESSION, X), rtol=1e-12)
    small = 1e-6 * np.eye(4)[1]
    slope = (residuals(REGRESSION, X[0] + small) - residuals(REGRESSION, X[0] - small)) / 2e-6
    np.testing.assert_allclose(J[0, :, 1], slope, rtol=1e-8)


def uv_map(z, lam, a, r):
    """One USAM step on (uv - 1)^2/2 in the variables z = uv - 1, lam = u^2 + v^2 (theory notes)."""
    w = z + 1
    zt = w + r * z * lam + r**2 * z**2 * w - 1
    p, c = zt + 1, 2 * w + r * z * lam
    q, e = lam + 4 * r * z * w + r**2 * z**2 * lam, lam + 2 * r * z * w
    return w - a * zt * e + a**2 * zt**2 * p - 1, lam - 2 * a * zt * c + a**2 * zt**2 * q


@interpreted()
def test_two_parameters_and_one_output_are_the_product():
    p = QuadraticRegression([-1.0], [[0.0, 0.0]], [[[0.0, 1.0], [1.0, 0.0]]])
    ours = simulate(p, USAM(0.1, 0.2), [1.5, 0.5], 3).states
    product = simulate(Product(HalfSquare(1.0)), USAM(0.1, 0.2), [1.5, 0.5], 3).states
    np.testing.assert_allclose(ours, product, rtol=1e-14)
    z, lam = 1.5 * 0.5 - 1, 1.5**2 + 0.5**2
    published = [(-0.1586444379, 2.6058897996), (-0.0968228530, 2.6842913730), (-0.0573023276, 2.7369602312)]
    for x, numbers in zip(ours[1:], published):
        z, lam = uv_map(z, lam, 0.1, 0.2)
        assert (x[0] * x[1] - 1, x @ x) == pytest.approx((z, lam), rel=1e-12)
        assert (z, lam) == pytest.approx(numbers, abs=1e-10)


def test_usam_lands_on_its_edge_and_not_on_that_of_gradient_descent():
    p = random_regression(np.random.default_rng(0), 40, 80, 0.15)
    for rule, end, edge in (
        (GD(0.02), 5.798, math.inf),
        (USAM(0.3, 0.1), 4.5605, filters.edge("usam", 0.3, 0.1)),
    ):
        x = simulate(p, rule, np.zeros(80), 3000).x
        J = jacobians(p, x)
        assert np.linalg.eigvalsh(J @ J.T)[-1] == pytest.approx(end, abs=6e-4)
        assert end <= edge


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0], [[0.0, 1.0]], [[[0, 1], [2, 0]]]), "not symmetric"),
        (([0.0], [[0.0, 1.0]], [[[0, 1, 1], [1, 0, 1]]]), "must be"),
        (([0.0], [[0.0]], [[[0, 1], [1, 0]]]), "both must have P columns"),
        (([0.0, 1.0], [[0.0]], [[[0.0]]]), "first axes must agree"),
        (([0.0], [[0.0]], [[[math.nan]]]), "not finite"),
    ],
)
def test_bad_regressions(arguments, message):
    with pytest.raises(ValueError, match=message):
        QuadraticRegression(*arguments)


# ------------------------------------------------------------------------------------ one dimension


@interpreted()
def test_deep_product_of_depth_two_is_the_product():
    X = points(Product(HalfSquare(1.0)))
    np.testing.assert_allclose(hessian(DeepProduct(2, 1.0), X), hessian(Product(HalfSquare(1.0)), X), rtol=1e-13)
    w = np.array([2.0, 0.5, 1.0])  # minimum of depth 3: top eigenvalue is the sum of p_i^2
    assert np.linalg.eigvalsh(hessian(DeepProduct(3, 1.0), w))[-1] == pytest.approx(0.25 + 4 + 1)


@interpreted()
def test_the_exceptional_step_jumps_onto_the_maximum():
    starts = np.arange(0, 1024, 16)[:, None] / 1024
    for eta, fraction in ((0.5, 1.0), (0.495, 0.0), (0.505, 0.0), (0.51, 0.0)):
        x = simulate(ExceptionalStep(), GD(eta), starts, 100, every=100, limit=1e6, on_divergence="report").x
        assert (x == 3.0).mean() == fraction
    assert hessian(ExceptionalStep(), [3.0])[0, 0] == -2.0


@interpreted()
def test_the_exceptional_function_is_twice_differentiable_and_no_more():
    for x, jump in ((1.0, 1), (3.0, 1)):
        near = [hessian(ExceptionalStep(), [x + s * 1e-9])[0, 0] for s in (-1, 0, 1)]
        assert near == pytest.approx([near[1]] * 3, abs=1e-7)
        third = [(hessian(ExceptionalStep(), [x + s * 1e-4])[0, 0] - near[1]) / (s * 1e-4) for s in (-1, 1)]
        assert abs(third[0] - third[1]) > jump


def test_the_maximum_of_the_double_well_attracts_usam():
    starts = np.linspace(-1.5, 1.5, 301)[:, None] + 1e-7

    def fractions(rule):
        x = simulate(DoubleWell(), rule, starts, 5000, every=5000, limit=1e6, on_divergence="report").x[:, 0]
        return [(np.abs(x - end) < 1e-6).mean() for end in (0.0, -1.0, 1.0)]

    maximum, *minima = fractions(USAM(0.2, 1.5))
    assert maximum == pytest.approx(1373 / 3001, abs=0.01) and sum(minima) == pytest.approx(1180 / 3001, abs=0.01)
    assert fractions(GD(0.2))[0] == 0 and sum(fractions(GD(0.2))) == 1


@interpreted()
def test_a_limit_of_the_hessian_rule_that_is_not_critical():
    """f = 10 (x^2 - 1)^2/4: the ascent point is 0 and f' = -3.5355 at the limit."""
    x = simulate(DoubleWell(10.0), HessianUSAM(0.005, 0.04), [0.6], 5000, every=5000).x
    assert x[0] == pytest.approx(1 / math.sqrt(2), abs=1e-9)
    assert gradients(DoubleWell(10.0), x)[0] == pytest.approx(-3.5355, abs=1e-4)


@interpreted()
def test_a_limit_of_two_steps_that_is_not_critical():
    s = math.sqrt(1 - 1 / 1.5)
    x = simulate(Product(HalfSquare(1.0)), TwoSeqUSAM(0.05, 1.5), [0.5, 0.55], 20_000, every=20_000).x
    assert x == pytest.approx([s, s], abs=1e-9)
    assert np.abs(gradients(Product(HalfSquare(1.0)), x)) == pytest.approx([0.3849, 0.3849], abs=1e-4)


@interpreted()
def test_a_sub_quadratic_valley_catches_what_escapes_its_bottom():
    run = simulate(LinkValley(PseudoHuber()), USAM(2.0, 1.0), [1e-8], 2000)
    assert run.states[1:3, 0] == pytest.approx([-3e-8, 9e-8], rel=1e-6)
    assert np.abs(run.x) == pytest.approx(0.8253787243642843, rel=1e-14)
    steep = simulate(LinkValley(SuperQuadratic()), USAM(1.0, 1.0), [0.5], 60, on_divergence="report", limit=1e6)
    assert steep.diverged[0] > 0


def test_bad_one_dimensional_problems():
    with pytest.raises(ValueError, match="no link"):
        LinkValley(3.0)
    with pytest.raises(ValueError, match="scale = 0"):
        DoubleWell(0)
    with pytest.raises(ValueError, match="step = -1"):
        ExceptionalStep(-1)
    with pytest.raises(ValueError, match="depth = 0"):
        DeepProduct(0, 1.0)


# ------------------------------------------------------------------------------------ Beale, the network


def test_the_saddle_of_beale():
    np.testing.assert_allclose(hessian(Beale(), [0.0, 1.0]), [[0, 27.75], [27.75, 0]])
    options = dict(every=100_000)
    assert simulate(Beale(), USAM(1e-4, 0.05), [0.02, 1.01], 100_000, **options).x == pytest.approx([0, 1], abs=1e-8)
    away = simulate(Beale(), GD(1e-4), [0.02, 1.01], 100_000, **options).x
    assert np.linalg.norm(away - [0, 1]) > 1


@interpreted()
def test_samples_of_the_network_are_the_terms_of_the_mean():
    x = points(NETWORK)[0]
    np.testing.assert_allclose(sample_losses(NETWORK, x).mean(), losses(NETWORK, x), rtol=1e-13)
    np.testing.assert_allclose(sample_gradients(NETWORK, x).mean(0), gradients(NETWORK, x), rtol=1e-11, atol=1e-15)
    v, out, work = np.ones(dim(NETWORK)), np.empty((4, dim(NETWORK))), np.empty(scratch(NETWORK))
    for i in range(4):
        sample_hvp(NETWORK, i, x, v, out[i], work)
    np.testing.assert_allclose(out.mean(0), hessian_vector(NETWORK, x, v), rtol=1e-11, atol=1e-14)
    assert float(network(NETWORK, [mp.mpf(float(t)) for t in x], 2)) == pytest.approx(sample_losses(NETWORK, x)[2])


def test_the_network_settles_on_the_edge_of_usam():
    p, x0 = sign_network(1)
    x = simulate(p, USAM(0.4, 0.05), x0, 40_000, every=40_000).x
    assert np.linalg.eigvalsh(hessian(p, x))[-1] == pytest.approx(4.1416, abs=2e-3)
    assert np.linalg.norm(gradients(p, x)) < 1e-2
