"""Identities that define the variants, and the laws of what rules draw."""

import math
from itertools import pairwise, product

import numpy as np
import pytest

from samtheory.evaluate import gradients, losses, sample_losses
from samtheory.kernel import interpreted
from samtheory.oracles import Batch, EverySample, FullBatch, GaussianNoise, Source, WithoutReplacement
from samtheory.problems.finite_sum import Logistic
from samtheory.problems.links import HalfSquare
from samtheory.problems.log_mean_exp import LogMeanExp
from samtheory.problems.product import Product
from samtheory.problems.quadratic import Quadratic
from samtheory.problems.stacked import Stacked
from samtheory.rules.asam import ASAM
from samtheory.rules.bilateral_sam import BilateralSAM
from samtheory.rules.core import direction
from samtheory.rules.esam import ESAM
from samtheory.rules.fsam import FSAM
from samtheory.rules.gd import GD
from samtheory.rules.gsam import GSAM
from samtheory.rules.looksam import LookSAM
from samtheory.rules.network import Consensus, Diffusion, metropolis
from samtheory.rules.noise import Bernoulli, ClippedNormal, Cube, Given, Normal, Sphere
from samtheory.rules.normalised_gd import NormalisedGD
from samtheory.rules.p_norm_sam import PNormSAM, ascend_in_p_norm
from samtheory.rules.progressive import ProgressiveRescaling
from samtheory.rules.random_smoothing import RandomSmoothing
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import Geometric
from samtheory.rules.sharded import Sharded
from samtheory.rules.stable_sam import StableSAM
from samtheory.rules.tsam import TSAM
from samtheory.rules.universal_sam import Determinant, Frobenius, Trace, UniversalSAM
from samtheory.simulate import simulate

Z = np.array([[1, 0.5], [0.8, -0.3], [-0.6, 1.2], [-1.1, -0.4], [0.3, -0.9], [-0.2, 0.7]])
LOGISTIC = Logistic(Z, [1, 1, 1, -1, -1, -1])
CURVED = Product(HalfSquare(1.0))
A = np.array([[4.0, 1, 0.2], [1, 1, 0], [0.2, 0, 2]])
X = np.array([1.7, 0.9])


@pytest.fixture(autouse=True)
def plain_python():
    """Mathematics; that compiled code has the same bits is test_table.py's."""
    with interpreted():
        yield


def move(rule, problem, x=X, steps=1, **options):
    """(x - x_1)/eta after `steps` steps, eta = 1."""
    return x - simulate(problem, rule, x, steps, **options).x


def perturbation(rule, g):
    """eps of one step: on |x|^2/2 around c = x - g the gradient at x + eps is g + eps."""
    x = np.linspace(-1, 2, len(g))
    return move(rule, Quadratic(np.eye(len(g)), x - g), x) - g


# ------------------------------------------------------------------------------------ the ascent


@pytest.mark.parametrize(
    "p, slope", [(1.5, 0.330574450923), (2, 0.377491721764), (3, 0.444710711113), (6, 0.534269790531)]
)
def test_p_norm_perturbation_is_the_maximum_on_the_ball(p, slope):
    g = np.array([1, -2, 0.5, 0, 3])
    eps = perturbation(PNormSAM(1.0, 0.1, p), g)
    assert (abs(eps) ** p).sum() ** (1 / p) == pytest.approx(0.1, rel=1e-13) and eps[3] == 0
    assert g @ eps == pytest.approx(slope, abs=1e-12)
    others = np.random.default_rng(0).standard_normal((10_000, 5))
    others *= 0.1 / (abs(others) ** p).sum(axis=1, keepdims=True) ** (1 / p)
    assert (others @ g).max() < g @ eps


def test_p_norm_at_infinity_and_of_tiny_gradients():
    np.testing.assert_allclose(
        perturbation(PNormSAM(1.0, 0.1, math.inf), np.array([3.0, -1e-3])), [0.1, -0.1], rtol=1e-12
    )
    y = np.empty(2)  # |g|^6 is 0 in floating point
    assert ascend_in_p_norm(np.zeros(2), np.array([1e-290, 0.0]), 0.1, 1.2, y) == 0
    np.testing.assert_allclose(y, [0.1, 0])
    assert simulate(Quadratic(np.eye(2), [0, 0]), PNormSAM(0.1, 0.1, 3.0), [0, 0], 2).omitted == 2


@pytest.mark.parametrize("a", [2.0, 5.0, 0.1])
def test_adaptive_perturbation_follows_rescalings(a):
    D = np.array([a, 1 / a])

    def eps(rule, x):  # gradient of xy at x + eps is (y, x) + swapped eps, where the slope of the link is constant
        g = gradients(CURVED, x)
        T = abs(x) + rule.shift
        e = rule.rho * T**2 * g / np.linalg.norm(T * g)
        np.testing.assert_allclose(move(rule, CURVED, x), gradients(CURVED, x + e), rtol=0, atol=1e-11)
        return e

    exact = ASAM(1.0, 0.5, 0.0)
    np.testing.assert_allclose(eps(exact, D * X), D * eps(exact, X), rtol=1e-13)
    shifted = ASAM(1.0, 0.5, 0.01)
    assert abs(eps(shifted, D * X) - D * eps(shifted, X)).max() > 1e-4


# ------------------------------------------------------------------------------------ the descent


def test_gsam_climbs_orthogonally():
    g = gradients(CURVED, X)
    gs = move(SAM(1.0, 0.1), CURVED)
    climb = gs - move(GSAM(1.0, 0.1, 0.4), CURVED)
    assert abs(climb @ gs) < 1e-14 * np.linalg.norm(gs) ** 2
    np.testing.assert_allclose(climb / 0.4, g - (g @ gs) / (gs @ gs) * gs, atol=1e-13)


def test_looksam_decomposes_the_ascended_gradient():
    eta = 0.01
    run = simulate(CURVED, LookSAM(eta, 0.1, 5, 0.7), X, 5).states
    g, gs = gradients(CURVED, run[0]), (run[0] - run[1]) / eta
    v = gs - (gs @ g) / (g @ g) * g
    assert abs(v @ g) < 1e-12
    for t in range(1, 5):  # the reuse term keeps its relative size
        g = gradients(CURVED, run[t])
        term = (run[t] - run[t + 1]) / eta - g
        np.testing.assert_allclose(term, 0.7 * np.linalg.norm(g) * v / np.linalg.norm(v), atol=1e-11)


@pytest.mark.parametrize("rho", [0.01, 0.3, 2.0])
def test_stable_sam_in_one_dimension_is_gradient_descent(rho):
    line = Quadratic([[2.0]], [0.0])
    ours = simulate(line, StableSAM(0.1, rho), [1.0], 50).states
    np.testing.assert_allclose(ours, simulate(line, GD(0.1), [1.0], 50).states, rtol=1e-12, atol=0)
    assert abs(ours - simulate(line, SAM(0.1, rho), [1.0], 50).states).max() > 1e-4


def test_unnormalised_stable_sam():
    g = gradients(CURVED, X)
    gs = gradients(CURVED, X + 0.2 * g)
    np.testing.assert_allclose(
        move(StableSAM(1.0, 0.2, False), CURVED), gs * np.linalg.norm(g) / np.linalg.norm(gs), atol=1e-13
    )


def test_friendly_sam_old_and_new_mean_give_one_direction_at_sigma_one():
    """From one m: with the old, d = g - m; with the new, d = g - lam m - (1 - lam) g = lam (g - m)."""
    batch = Batch(np.empty(0), np.empty(0, dtype=np.int64))
    source = Source(FullBatch(LOGISTIC), batch, batch, np.empty(6))

    def gs(sigma, late, out):
        memory = np.array([[0.3, -0.1]])
        direction(FSAM(1.0, 0.1, sigma, 0.9, late), source, 1, X, memory, out, np.empty((1, 2)))
        return out

    for sigma, same in ((1.0, True), (0.5, False)):
        gap = gs(sigma, False, np.empty(2)) - gs(sigma, True, np.empty(2))
        assert (abs(gap).max() < 1e-15) == same


def test_friendly_sam_leaves_out_a_perturbation_where_the_mean_is_the_gradient():
    run = simulate(LOGISTIC, FSAM(0.0, 0.1), X, 4)  # the point does not move: g = m from the second step on
    assert run.omitted == 3 and np.isfinite(run.x).all()


def test_bilateral_sam_on_quadratics_and_on_the_line():
    f, x = Quadratic(A, [0, 0, 0]), np.array([1.0, -0.5, 0.3])
    np.testing.assert_allclose(move(BilateralSAM(1.0, 0.1, 0.1, False), f, x), move(SAM(1.0, 0.2), f, x), atol=1e-14)
    off = move(BilateralSAM(1.0, 0.1, 0.05, False), f, x) - move(SAM(1.0, 0.2), f, x)
    assert abs(off).max() > 1e-3
    line = Quadratic([[2.0]], [0.0])
    np.testing.assert_allclose(move(BilateralSAM(1.0, 0.1, 0.05), line, np.array([0.7])), [1.4], atol=1e-15)


# ------------------------------------------------------------------------------------ samples and draws


def test_esam_mask_is_unbiased_and_enlarges():
    """All masks of three coordinates with their probabilities: E eps = rho u(g), E |eps|^2 = rho^2/beta."""
    g, beta, rho = np.array([0.4, -1.5, 0.9]), 0.6, 0.1
    mean, square = 0.0, 0.0
    for mask in product([0, 1], repeat=3):
        chance = math.prod(beta if m else 1 - beta for m in mask)
        eps = perturbation(ESAM(1.0, rho, Given([np.array(mask) / beta])), g)
        mean, square = mean + chance * eps, square + chance * eps @ eps
    np.testing.assert_allclose(mean, rho * g / np.linalg.norm(g), atol=1e-15)
    assert square == pytest.approx(rho**2 / beta, rel=1e-13)


@pytest.mark.parametrize("gamma", [0.1, 0.34, 0.5, 0.99, 1.0])
def test_esam_descends_on_the_samples_that_rise_most(gamma):
    x, rho = np.array([0.2, -0.1]), 0.4
    g = gradients(LOGISTIC, x)
    y = x + rho * g / np.linalg.norm(g)
    rise = sample_losses(LOGISTIC, y) - sample_losses(LOGISTIC, x)
    keep = np.argsort(-rise)[: max(1, math.floor(gamma * 6))]
    assert rise[keep].mean() >= rise.mean()
    part = Logistic(Z[keep], LOGISTIC.y[keep])
    ours = move(ESAM(1.0, rho, gamma=gamma), EverySample(LOGISTIC), x)
    np.testing.assert_allclose(ours, gradients(part, y), atol=1e-15)
    sharded = move(Sharded(ESAM(1.0, rho, gamma=gamma), 6), EverySample(LOGISTIC), x)
    np.testing.assert_array_equal(sharded, ours)


def stream(seed=3, member=0):
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(0, member))))


def test_draws_are_the_streams_after_those_of_the_oracle():
    """Random smoothing on a linear objective under noise: x moves by the noise of the oracle and by nothing else."""
    rng, x = stream(), np.array([0.5, -1.0, 2.0])
    f = Quadratic(np.eye(3), x)
    rule = RandomSmoothing(1.0, 0.1, 1e9, 1.0, Normal(2.0))
    run = simulate(GaussianNoise(f, 0.3), rule, x, 1, seed=3)
    z = 0.3 * rng.standard_normal(3)
    v = 0.1 * 2.0 * rng.standard_normal(3) + z
    np.testing.assert_allclose(x - run.x, v - (v @ z) / (z @ z) * z, atol=1e-14)


NOISES = {  # noise -> its vector, from NumPy's generator
    Normal(0.5): lambda rng: 0.5 * rng.standard_normal(3),
    Sphere(0.7): lambda rng: 0.7 * unit(rng.standard_normal(3)),
    Cube(0.6): lambda rng: rng.uniform(-0.6, 0.6, 3),
    ClippedNormal(0.8): lambda rng: 0.8 * clipped(rng.standard_normal(3) / 3**0.5),
    Bernoulli(0.4): lambda rng: (rng.random(3) < 0.4) / 0.4,
}


def unit(v):
    return v / np.linalg.norm(v)


def clipped(v):
    return v / max(1.0, np.linalg.norm(v))


@pytest.mark.parametrize("noise", NOISES)
def test_noises_are_functions_of_the_members_stream(noise):
    """On |x|^2/2 at 0 the trace's step with rho = lam = 1 is the displacement itself."""
    x = np.zeros(3)
    run = simulate(Quadratic(np.eye(3), x), UniversalSAM(1.0, 1.0, 1.0, Trace(), noise), x, 1, members=20, seed=3)
    np.testing.assert_allclose(-run.x, [NOISES[noise](stream(member=m)) for m in range(20)], rtol=1e-13, atol=1e-15)


def test_given_displacements_take_turns_from_step_to_step():
    for rule in (TSAM(0.1, 0.1, 1.0, 2), UniversalSAM(0.1, 0.3, samples=2)):
        steps = simulate(CURVED, rule._replace(noise=Given(np.vstack([V, -V[:1]]))), X, 2).states
        for t, rows in ((0, V[:2]), (1, np.vstack([V[2:], -V[:1]]))):
            alone = simulate(CURVED, rule._replace(noise=Given(rows)), steps[t], 1).x
            np.testing.assert_array_equal(alone, steps[t + 1])


def test_esam_leaves_the_batch_as_it_was():
    batch = Batch(np.ones(6), np.arange(6))
    source = Source(EverySample(LOGISTIC), batch, batch, np.empty(8))
    direction(ESAM(0.1, 0.4, gamma=0.5), source, 0, X, np.empty((0, 2)), np.empty(2), np.empty((1, 2)))
    assert (batch.z == 1).all()


def slope(f, x, h=1e-5):
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in np.eye(len(x))])


V = np.array([[0.3, -0.8], [1.1, 0.4], [-0.2, 0.9]])
PENALTIES = {
    Trace: lambda q: q.mean(),
    Frobenius: lambda q: (q**2).mean() / 2 - q.mean() ** 2 / 2,
    Determinant: lambda q: np.exp(-q).mean() ** -2,
}


@pytest.mark.parametrize("measure", PENALTIES)
def test_universal_sam_is_the_gradient_of_its_penalised_objective(measure):
    rho, lam = 0.4, 0.7

    def objective(x):
        q = (losses(CURVED, x + rho * V) - losses(CURVED, x)) / rho**2
        return losses(CURVED, x) + lam * rho**2 * PENALTIES[measure](q)

    ours = move(UniversalSAM(1.0, rho, lam, measure(), Given(V), 3), CURVED)
    np.testing.assert_allclose(ours, slope(objective, X), atol=1e-7)


def test_tilted_sam_without_ascent_is_the_gradient_of_the_tilted_loss():
    def tilted(x, t=3.0):
        return np.log(np.exp(t * losses(CURVED, x + V)).mean()) / t

    np.testing.assert_allclose(move(TSAM(1.0, 0.0, 3.0, 3, Given(V)), CURVED), slope(tilted, X), atol=1e-7)
    steep = move(TSAM(1.0, 0.0, 1e4, 3, Given(V)), CURVED)  # the largest loss alone, without overflow
    top = V[losses(CURVED, X + V).argmax()]
    np.testing.assert_allclose(steep, gradients(CURVED, X + top), atol=1e-12)
    batch = WithoutReplacement(LOGISTIC, 6)  # a batch of every sample is the full batch
    np.testing.assert_allclose(
        move(TSAM(1.0, 0.1, 3.0, 3, Given(V)), batch), move(TSAM(1.0, 0.1, 3.0, 3, Given(V)), LOGISTIC), atol=1e-14
    )


# ------------------------------------------------------------------------------------ margins, networks


def test_descent_on_the_logarithm_is_descent_normalised_by_the_loss():
    S = 0.96**0.5
    margins = np.array([[0.2, S], [0.2, S], [0.2, -S]])
    run = simulate(LogMeanExp(margins), GD(1.0), [0, 0], 20).states
    for w, after in pairwise(run):
        weight = np.exp(-margins @ w)
        np.testing.assert_allclose(after - w, weight @ margins / weight.sum(), atol=1e-13)
    ngd = simulate(LOGISTIC, NormalisedGD(1.0), X, 1).x
    np.testing.assert_allclose(X - ngd, gradients(LOGISTIC, X) / losses(LOGISTIC, X), atol=1e-15)
    unit = move(NormalisedGD(1.0, True), LOGISTIC)
    np.testing.assert_allclose(unit, gradients(LOGISTIC, X) / np.linalg.norm(gradients(LOGISTIC, X)), atol=1e-15)


def test_progressive_rescaling_contracts_the_angle_by_the_ratio():
    S = 0.96**0.5
    margins = np.array([[0.2, S], [0.2, S], [0.2, -S]])
    rule = ProgressiveRescaling(GD(1.0), Geometric(20.0, 1.5), 50, 5)
    run = simulate(LogMeanExp(margins), rule, [0, 0], 50 + 30 * 6).states
    ends = run[50 + 6 * np.arange(1, 31)]
    assert np.linalg.norm(ends, axis=1) == pytest.approx(20 * 1.5 ** np.arange(30), rel=1e-12)
    angle = abs(ends[:, 1]) / np.linalg.norm(ends, axis=1)
    np.testing.assert_allclose(angle[21:] / angle[20:-1], 1 / 1.5, atol=2e-5)


RING = metropolis(np.roll(np.eye(8), 1, axis=1) + np.roll(np.eye(8), -1, axis=1))


@pytest.mark.parametrize("rule, expected", [(Diffusion, 0.0181853992), (Consensus, 0.0547084976)])
def test_stationary_excess_risk_on_a_ring(rule, expected):
    """h = 2, mu = 0.2, unit noise: the step is linear, probed by unit vectors; its covariance by iteration."""
    h, mu = 2.0, 0.2
    f = Stacked(Quadratic([[h]], [0.0]), 8)
    step = simulate(f, rule(GD(mu), RING), np.eye(8), 1).x.T
    into = RING if rule is Diffusion else np.eye(8)  # gradient noise passes the combination, or does not
    np.testing.assert_allclose(step, RING - mu * h * into, atol=1e-15)
    cov = np.zeros((8, 8))
    for _ in range(400):
        cov = step @ cov @ step.T + mu**2 * into @ into.T
    assert 0.5 * h * np.trace(cov) / 8 == pytest.approx(expected, abs=1e-10)


def test_diffusion_over_the_complete_graph_is_centralised_descent():
    noise, equal = GaussianNoise(Stacked(Quadratic(A[:2, :2], [0, 0]), 3), 0.5), np.full((3, 3), 1 / 3)
    run = simulate(noise, Diffusion(GD(0.1), equal), np.tile(X, 3), 1, seed=3)
    z = stream().standard_normal(6).reshape(3, 2)
    np.testing.assert_allclose(run.x, np.tile(X - 0.1 * (A[:2, :2] @ X + 0.5 * z.mean(axis=0)), 3), atol=1e-14)


@pytest.mark.parametrize("rule", [Diffusion, Consensus])
def test_agents_hear_those_of_their_row(rule):
    A = np.roll(np.eye(3), 1, axis=1) * 0.7 + np.eye(3) * 0.3  # doubly stochastic, not symmetric
    f, w = Stacked(LOGISTIC, 3), np.arange(6.0).reshape(3, 2) / 5
    u = gradients(LOGISTIC, w)
    expected = A @ (w - 0.5 * u) if rule is Diffusion else A @ w - 0.5 * u
    np.testing.assert_allclose(simulate(f, rule(GD(0.5), A), w.ravel(), 1).x, expected.ravel(), atol=1e-15)


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: PNormSAM(0.1, 0.1, 1.0), "p = 1.0 is not allowed"),
        (lambda: simulate(LOGISTIC, ESAM(0.1, 0.1, gamma=0.5), X, 1), "gamma = 0.5 chooses"),
        (lambda: simulate(EverySample(LOGISTIC, False), ESAM(0.1, 0.1, gamma=0.5), X, 1), "gamma = 0.5 chooses"),
        (lambda: Bernoulli(0.0), "beta = 0.0"),
        (lambda: ESAM(0.1, 0.1, 0.5), "mask = float is no noise"),
        (lambda: simulate(LOGISTIC, TSAM(0.1, 0.1, noise=Given([[1.0]])), X, 1), "noise has 1 entries"),
        (lambda: simulate(FullBatch(LOGISTIC), Diffusion(GD(0.1), np.eye(3)), X, 1), "A has 3 agents"),
        (lambda: Diffusion(GD(0.1), [[1, 1], [0, 0]]), "doubly stochastic"),
        (lambda: metropolis([[0, 1], [0, 0]]), "no symmetric"),
        (lambda: UniversalSAM(0.1, measure=0.5), "measure = float"),
        (lambda: Stacked(3.0, 2), "problem = float"),
    ],
)
def test_what_cannot_run_is_refused(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
