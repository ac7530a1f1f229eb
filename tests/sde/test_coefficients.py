"""Coefficients of every model against what defines them: difference quotients, all batches, limits, mpmath."""

import itertools

import mpmath as mp
import numpy as np
import pytest

from samtheory.evaluate import gradients, hessian, losses, sample_gradients, sample_losses
from samtheory.kernel import interpreted
from samtheory.problems.cosine_bowl import CosineBowl
from samtheory.problems.finite_sum import TanhFit
from samtheory.problems.quadratic import Quadratic, orthogonal
from samtheory.problems.quadratic_sum import QuadraticSum
from samtheory.problems.washboard import Washboard
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.samplings import every_batch
from samtheory.sde.additive import AdditiveSDE, truncated_covariance
from samtheory.sde.batches import batch_sde
from samtheory.sde.core import CoupledNoise, covariance_at, drift_at, factor_at, integrate
from samtheory.sde.moments import linear_of, usam
from samtheory.sde.pushes import (
    DNSAMPush,
    FullSAM,
    FullUSAM,
    GaussianSAMPush,
    NoPush,
    SAMPush,
    USAMPush,
    expected_direction,
    expected_direction_slope,
    kummer,
    mean_length,
)
from samtheory.sde.schemes import EulerMaruyama
from samtheory.simulate import simulate

LUO = TanhFit([[1, 0.5], [-0.5, 1], [0.8, -0.3], [0.2, 0.9], [-1, -0.4], [0.6, 0.6]], [0.5, -0.2, 0.9, 0.1, -0.6, 0.3])
LUO_POINT = np.array([0.4, -0.7])
seeds = pytest.mark.parametrize("seed", range(4))


@pytest.fixture(autouse=True)
def plain_python(request):
    """Small problems and many pairs of model and problem: compiling would take minutes.  The bits are the same."""
    if "compiled" in request.node.name:
        yield
    else:
        with interpreted():
            yield


def test_compiled_bits_are_the_interpreted_bits():
    for model in (batch_sde(LUO, 0.1, 0.3, SAMPush(), 2), AdditiveSDE(LUO, np.eye(2), 0.1, 0.3, DNSAMPush())):
        compiled = drift_at(model, LUO_POINT), factor_at(model, LUO_POINT)
        with interpreted():
            plain = drift_at(model, LUO_POINT), factor_at(model, LUO_POINT)
        for one, two in zip(compiled, plain):
            assert one.tobytes() == two.tobytes()
    model = AdditiveSDE(LUO, np.eye(2), 0.1, 0.3, GaussianSAMPush(0.8))  # the logarithm of Gamma differs by an ulp
    compiled = factor_at(model, LUO_POINT)
    with interpreted():
        np.testing.assert_allclose(factor_at(model, LUO_POINT), compiled, rtol=1e-14, atol=1e-16)


def random_problem(seed, family="tanh"):
    rng = np.random.default_rng([seed, 7])
    if family == "washboard":
        return Washboard(rng.uniform(0.5, 1.5, 3), rng.uniform(0, 1, 3), rng.uniform(0, 6, 3)), rng.uniform(0, 6, 1)
    if family == "quadratics":
        half = rng.standard_normal((4, 2, 2))
        return QuadraticSum(half + half.transpose(0, 2, 1), rng.standard_normal((4, 2))), rng.standard_normal(2)
    d = int(rng.integers(1, 4))
    return TanhFit(rng.standard_normal((4, d)), rng.uniform(-1, 1, 4)), rng.standard_normal(d)


def batch_norms(problem, x, size, replace, power):
    """E|g_b|^power by enumeration, at points x [..., d]."""
    index, weights = every_batch(sample_losses(problem, x).shape[-1], size, replace)
    g = sample_gradients(problem, x)[..., index, :].mean(axis=-2)
    return np.linalg.norm(g, axis=-1) ** power @ weights


def difference_quotient(f, x, h=1e-3):
    """Gradient of f by central differences of fourth order."""
    moves = h * np.eye(x.size)

    def slope(scale):
        return (f(x + scale * moves) - f(x - scale * moves)) / (2 * scale * h)

    return (4 * slope(1) - slope(2)) / 3


# ------------------------------------------------------------ 1. drift = -grad f~

MODIFIED = {
    "SGD": (NoPush(), lambda p, x, rho, *b: 0.0),
    "USAM": (USAMPush(), lambda p, x, rho, *b: rho / 2 * batch_norms(p, x, *b, 2)),
    "SAM": (SAMPush(), lambda p, x, rho, *b: rho * batch_norms(p, x, *b, 1)),
    "n-USAM": (FullUSAM(), lambda p, x, rho, *b: rho / 2 * np.sum(gradients(p, x) ** 2, axis=-1)),
    "n-SAM": (FullSAM(), lambda p, x, rho, *b: rho * np.linalg.norm(gradients(p, x), axis=-1)),
}


@seeds
@pytest.mark.parametrize("family", ["tanh", "washboard"])
@pytest.mark.parametrize(("size", "replace"), [(1, True), (2, True), (2, False)])
@pytest.mark.parametrize("name", MODIFIED)
def test_drift_on_batches_is_the_gradient_of_the_modified_loss(seed, family, size, replace, name):
    problem, x = random_problem(seed, family)
    kind, extra = MODIFIED[name]
    index, _ = every_batch(sample_losses(problem, x).size, size, replace)
    smallest = np.linalg.norm(sample_gradients(problem, x)[index].mean(axis=1), axis=1).min()
    if "SAM" in name and "U" not in name and smallest < 0.05:
        pytest.skip("a batch gradient is nearly zero: its norm is not smooth at this scale")
    rho = 0.4
    want = -difference_quotient(lambda y: losses(problem, y) + extra(problem, y, rho, size, replace), x)
    got = drift_at(batch_sde(problem, 0.1, rho, kind, size, replace), x)
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-7)


def gaussian_length(v, s):
    """E|v + s z| in 30 digits."""
    d = v.size
    with mp.workdps(30):
        m = mp.sqrt(2) * mp.gamma(mp.mpf(d + 1) / 2) / mp.gamma(mp.mpf(d) / 2)
        q = mp.fsum(mp.mpf(float(t)) ** 2 for t in v) / (2 * mp.mpf(s) ** 2)
        return float(s * m * mp.hyp1f1(-0.5, mp.mpf(d) / 2, -q))


ADDITIVE = {
    "SGD": (NoPush(), lambda g: 0.0),
    "USAM": (USAMPush(), lambda g: g @ g / 2),
    "DNSAM": (DNSAMPush(), np.linalg.norm),
    "SAM": (GaussianSAMPush(0.8), lambda g: gaussian_length(g, 0.8)),
    "n-USAM": (FullUSAM(), lambda g: g @ g / 2),
    "n-SAM": (FullSAM(), np.linalg.norm),
}


@seeds
@pytest.mark.parametrize("name", ADDITIVE)
def test_drift_under_additive_noise_is_the_gradient_of_the_modified_loss(seed, name):
    rho, (kind, extra) = 0.4, ADDITIVE[name]
    for problem, x in (random_problem(seed), (CosineBowl(1.0, 1.7), np.array([1.0 + seed]))):

        def modified(points, problem=problem):
            return losses(problem, points) + rho * np.array([extra(g) for g in gradients(problem, points)])

        got = drift_at(AdditiveSDE(problem, 0.8 * np.eye(x.size), 0.1, rho, kind), x)
        np.testing.assert_allclose(got, -difference_quotient(modified, x), rtol=1e-6, atol=1e-7)


# ------------------------------------------------------------ 2. one-step moments


def one_step(problem, x, rho, normalised):
    """Mean and covariance of -(x+ - x)/eta over single samples, from the algorithm's own gradients."""
    g = sample_gradients(problem, x)
    push = g / np.linalg.norm(g, axis=1, keepdims=True) if normalised else g
    u = np.array([sample_gradients(problem, x + rho * p)[i] for i, p in enumerate(push)])
    return u.mean(axis=0), np.cov(u.T, bias=True).reshape(x.size, x.size)


def slope_of(errors, levels):
    return np.polyfit(np.log(levels), np.log(errors), 1)[0]


@seeds
@pytest.mark.parametrize("kind", [USAMPush(), SAMPush()], ids=["USAM", "SAM"])
def test_one_step_moments_agree_to_second_order_in_the_radius(seed, kind):
    problem, x = random_problem(seed)
    normalised = isinstance(kind, SAMPush)
    levels, mean_errors, full, plain = 2.0 ** -np.arange(7, 12), [], [], []
    for rho in levels:
        mean, cov = one_step(problem, x, rho, normalised)
        model, sgd = batch_sde(problem, 0.1, rho, kind), batch_sde(problem, 0.1, rho, NoPush())
        mean_errors.append(np.linalg.norm(mean + drift_at(model, x)))
        full.append(np.linalg.norm(cov - covariance_at(model, x) / 0.1))
        plain.append(np.linalg.norm(cov - covariance_at(sgd, x) / 0.1))
    assert slope_of(mean_errors, levels) == pytest.approx(2, abs=0.1)
    assert slope_of(full, levels) == pytest.approx(2, abs=0.1)
    assert slope_of(plain, levels) == pytest.approx(1, abs=0.1)  # the control


@seeds
def test_one_step_moments_of_usam_on_quadratics_are_exact(seed):
    problem, x = random_problem(seed, "quadratics")
    for rho in (0.1, 1.0):
        mean, cov = one_step(problem, x, rho, False)
        model = batch_sde(problem, 0.1, rho, USAMPush())
        np.testing.assert_allclose(drift_at(model, x), -mean, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(covariance_at(model, x) / 0.1, cov, rtol=1e-11, atol=1e-11)


def test_truncation_leaves_out_the_square_of_the_radius():
    problem, x = random_problem(1)
    H, factor = hessian(problem, x), np.random.default_rng(3).standard_normal((x.size, 2))
    for rho in (0.1, 0.7):
        model = AdditiveSDE(problem, factor, 0.2, rho, USAMPush())
        rest = covariance_at(model, x) - truncated_covariance(model, x)
        np.testing.assert_allclose(rest, 0.2 * rho**2 * H @ factor @ factor.T @ H, rtol=1e-10, atol=1e-13)


def test_covariance_under_additive_noise_is_that_of_the_linearised_step():
    """Gauss-Hermite over the noise: Cov(g + S z, H p) of each push is what enters, at first order in rho."""
    problem, s = CosineBowl(1.0, 1.7), 0.8
    x, rho = np.array([0.9]), 1e-4
    z, w = np.polynomial.hermite_e.hermegauss(80)
    g, bend = gradients(problem, x)[0], hessian(problem, x)[0, 0]
    noisy = g + s * z
    pushes = [(USAMPush(), noisy), (DNSAMPush(), noisy / abs(g)), (FullUSAM(), g + 0 * z), (NoPush(), 0 * z)]
    for kind, push in pushes:
        total = s * z + rho * bend * push
        w_total = w / w.sum()
        want = 0.1 * (w_total @ total**2 - (w_total @ total) ** 2)
        got = covariance_at(AdditiveSDE(problem, [[s]], 0.1, rho, kind), x)[0, 0]
        assert got == pytest.approx(want, rel=1e-11)


# ------------------------------------------------------------ 3. semidefinite


@seeds
def test_factored_covariances_are_semidefinite_for_every_radius(seed):
    problem, x = random_problem(seed)
    factor = np.random.default_rng(seed).standard_normal((x.size, 1))
    for rho in (0.0, 0.3, 5.0, 100.0):
        for model in (
            AdditiveSDE(problem, factor, 0.1, rho, USAMPush()),
            AdditiveSDE(problem, factor, 0.1, rho, DNSAMPush()),
            batch_sde(problem, 0.1, rho, USAMPush()),
            batch_sde(problem, 0.1, rho, SAMPush()),
        ):
            covariance = covariance_at(model, x)
            low, high = np.linalg.eigvalsh(covariance)[[0, -1]]
            assert (covariance == covariance.T).all()
            assert low >= -1e-13 * high


def test_truncated_covariance_can_be_indefinite():
    """Sigma = ones does not commute with H = diag(2, 0.2): indefinite although H > 0."""
    problem = Quadratic(np.diag([2.0, 0.2]), [0, 0])
    model = AdditiveSDE(problem, [[1.0], [1.0]], 1.0, 0.05, USAMPush())
    cut = truncated_covariance(model, [0, 0])
    assert np.linalg.eigvalsh(cut)[0] == pytest.approx(-0.0036427, abs=1e-7)
    np.testing.assert_allclose(cut, usam(problem.matrix, np.ones((2, 2)), 0.05, diffusion="truncated").noise)
    saddle = AdditiveSDE(Quadratic([[-1.0]], [0.0]), [[1.0]], 1.0, 0.6, USAMPush())
    assert truncated_covariance(saddle, [0.0])[0, 0] == pytest.approx(-0.2)  # 1 + 2 rho lam < 0
    assert covariance_at(saddle, [0.0])[0, 0] == pytest.approx(0.16)


# ------------------------------------------------------------ 4. reductions


@seeds
def test_zero_radius_is_sgd_and_zero_noise_is_the_flow_bit_for_bit(seed):
    problem, x = random_problem(seed)
    S = np.random.default_rng(seed).standard_normal((x.size, x.size))
    plain = AdditiveSDE(problem, S, 0.1, 0.0, NoPush())
    for kind in (USAMPush(), DNSAMPush(), FullSAM(), FullUSAM(), GaussianSAMPush(1.0)):
        model = AdditiveSDE(problem, S, 0.1, 0.0, kind)
        assert drift_at(model, x).tobytes() == drift_at(plain, x).tobytes()
        assert factor_at(model, x).tobytes() == factor_at(plain, x).tobytes()
        quiet = AdditiveSDE(problem, 0 * S, 0.1, 0.3, kind)
        assert not factor_at(quiet, x).any()
    plain = batch_sde(problem, 0.1, 0.0, NoPush(), 2)
    for kind in (USAMPush(), SAMPush(), DNSAMPush(), FullSAM(), FullUSAM()):
        model = batch_sde(problem, 0.1, 0.0, kind, 2)
        assert drift_at(model, x).tobytes() == drift_at(plain, x).tobytes()
        assert factor_at(model, x).tobytes() == factor_at(plain, x).tobytes()
        # a batch of all samples has no noise
        assert np.abs(factor_at(batch_sde(problem, 0.1, 0.3, kind, 4, replace=False), x)).max() < 1e-16
    noise = CoupledNoise(problem, S)
    runs = [simulate(noise, rule, x, 20, members=3, seed=5).states for rule in (USAM(0.1, 0.0), GD(0.1))]
    assert runs[0].tobytes() == runs[1].tobytes()


# ------------------------------------------------------------ 5. coupling


@seeds
def test_euler_of_step_eta_is_usam_pathwise_on_quadratics(seed):
    rng = np.random.default_rng(seed)
    basis = orthogonal(rng, 3)
    H = (basis * rng.uniform(-1, 2, 3)) @ basis.T
    problem, S, x0 = Quadratic((H + H.T) / 2, rng.standard_normal(3)), rng.standard_normal((3, 2)), np.ones(3)
    eta, rho, k = 0.1, 0.3, 25
    model = AdditiveSDE(problem, S, eta, rho, USAMPush())
    path = integrate(model, EulerMaruyama(), x0, k * eta, k, paths=4, seed=seed).states
    run = simulate(CoupledNoise(problem, S), USAM(eta, rho), x0, k, members=4, seed=seed).states
    assert np.abs(path - run).max() < 1e-12
    assert len({one.tobytes() for one in path}) == 4
    wrong = simulate(CoupledNoise(problem, S, sign=-1.0), USAM(eta, rho), x0, k, members=4, seed=seed).states
    assert np.abs(path - wrong).max() > 0.1  # the control: the other sign of the noise
    read, want = (
        linear_of(model._replace(problem=Quadratic(problem.matrix, 0 * x0))),
        usam(problem.matrix, S @ S.T, rho),
    )
    np.testing.assert_allclose(read.rate, want.rate, atol=1e-13)


@seeds
def test_euler_of_step_eta_is_dnsam_pathwise_on_quadratics(seed):
    rng = np.random.default_rng(seed)
    lam, S, eta, rho = rng.uniform(-1, 2, 3), rng.standard_normal((3, 3)), 0.1, 0.3
    model = AdditiveSDE(Quadratic(np.diag(lam), np.zeros(3)), S, eta, rho, DNSAMPush())
    x = y = np.ones(3)
    for _ in range(20):
        dw = np.sqrt(eta) * rng.standard_normal(3)
        z = -S @ dw / np.sqrt(eta)
        g = lam * x + z
        x = x - eta * (lam * (x + rho * g / np.linalg.norm(lam * x)) + z)
        y = y + eta * drift_at(model, y) + factor_at(model, y) @ dw
        assert np.abs(x - y).max() < 1e-12 * (1 + np.abs(x).max())


# ------------------------------------------------------------ 6. E|v + s z| and its derivatives


@pytest.mark.parametrize("d", [1, 2, 3, 10, 100])
def test_kummer_function_against_mpmath(d):
    for a, b in ((0.5, d / 2 + 1), (1.5, d / 2 + 2)):
        for q in (0.0, 1e-12, 1e-3, 0.5, 3.0, 20.0, 50 + 10 * b - 1e-9, 50 + 10 * b, 400.0, 1e4, 1e9):
            with mp.workdps(40):
                want = float(mp.hyp1f1(a, b, -mp.mpf(q)))
            assert kummer(a, b, q) == pytest.approx(want, rel=1e-11), (a, b, q)


def test_quoted_mean_lengths_and_directions():
    quoted = {1: 0.7978845608, 2: 1.2533141373, 3: 1.5957691216, 10: 3.0843277598, 100: 9.9750316396}
    for d, want in quoted.items():
        assert mean_length(d) == pytest.approx(want, rel=1e-10)
    assert gaussian_length(np.eye(10)[0], 1.0) == pytest.approx(3.2354417365, rel=1e-10)
    assert gaussian_length(np.array([0.7, 0]), 1.3) == pytest.approx(1.7453195558, rel=1e-10)
    assert expected_direction(1.0, 1.0, 10) == pytest.approx(0.2962356865, rel=1e-9)


@pytest.mark.parametrize("d", [1, 2, 3, 7])
def test_direction_is_the_derivative_of_the_mean_length(d):
    s = 0.7
    for r in (0.05, 0.7, 3.0, 20.0):
        with mp.workdps(40):
            m = mp.sqrt(2) * mp.gamma(mp.mpf(d + 1) / 2) / mp.gamma(mp.mpf(d) / 2)
            length = lambda t: mp.mpf(s) * m * mp.hyp1f1(-0.5, mp.mpf(d) / 2, -(t**2) / (2 * mp.mpf(s) ** 2))  # noqa: E731,B023
            first, second = float(mp.diff(length, r)), float(mp.diff(length, r, 2))
        along, straight = expected_direction(r * r, s, d), expected_direction_slope(r * r, s, d)
        assert r * along == pytest.approx(first, rel=1e-10)
        assert along + straight * r * r == pytest.approx(second, rel=1e-7, abs=1e-12)  # Hess phi along v


@pytest.mark.parametrize("d", [1, 2, 5, 50])
def test_large_noise_is_linear_and_small_noise_is_normalised(d):
    r = np.array([0.1, 0.05, 0.025])
    linear = [abs(t * expected_direction(t * t, 1.0, d) - t * mean_length(d) / d) for t in r]
    assert slope_of(linear, r) == pytest.approx(3, abs=0.02)
    if d > 1:
        s = np.array([0.01, 0.005])
        short = np.array([1 - expected_direction(1.0, t, d) for t in s])
        np.testing.assert_allclose(short, (d - 1) * s**2 / 2, rtol=2e-2)
    else:
        assert expected_direction(1.0, 0.1, 1) == pytest.approx(1.0, abs=1e-14)


# ------------------------------------------------------------ quoted numbers of the mini-batch drifts


@pytest.mark.parametrize(
    ("kind", "size", "replace", "want"),
    [
        (USAMPush(), 2, True, (-0.20445354, -0.08673681)),
        (USAMPush(), 3, True, (-0.18776504, -0.08106943)),
        (USAMPush(), 1, True, (-0.25451902, -0.10373896)),
        (FullUSAM(), 1, True, (-0.15438805, -0.06973466)),
        (USAMPush(), 2, False, (-0.19444044, -0.08333638)),
        (USAMPush(), 3, False, (-0.17441424, -0.07653552)),
        (SAMPush(), 2, True, (-0.51696743, -0.20085114)),
        (FullSAM(), 1, True, (-0.48946596, -0.22108410)),
    ],
)
def test_quoted_drifts(kind, size, replace, want):
    drift = drift_at(batch_sde(LUO, 0.1, 1.0, kind, size, replace), LUO_POINT)
    np.testing.assert_allclose(-drift - gradients(LUO, LUO_POINT), want, atol=1e-8)


def test_quoted_mean_norms_of_batch_gradients():
    for replace, want in (
        (True, (0.39528768, 0.34982961, 0.33799139, 0.33205857, 0.32859398)),
        (False, (0.39528768, 0.34073800, 0.32780370, 0.32149092, 0.31781364)),
    ):
        got = [batch_norms(LUO, LUO_POINT, size, replace, 1) for size in range(1, 6)]
        np.testing.assert_allclose(got, want, atol=1e-8)
    g = sample_gradients(LUO, LUO_POINT)
    assert np.trace(np.cov(g.T, bias=True)) == pytest.approx(0.0656805468, abs=1e-10)


def test_shards_of_a_batch_have_m_over_B_times_the_covariance():
    """All ordered batches of 4 in shards of 2, with replacement, against the model with `shrink`."""
    g = np.array(
        [sample_gradients(LUO, LUO_POINT)[list(pair)].mean(axis=0) for pair in itertools.product(range(6), repeat=2)]
    )
    pairs = list(itertools.product(range(6), repeat=2))
    rho = 1e-3
    u = np.array([sample_gradients(LUO, LUO_POINT + rho * one)[list(pair)].mean(axis=0) for one, pair in zip(g, pairs)])
    whole = np.array([(u[i] + u[j]) / 2 for i in range(36) for j in range(36)])
    model = batch_sde(LUO, 1.0, rho, USAMPush(), 2, shrink=0.5)
    np.testing.assert_allclose(np.cov(whole.T, bias=True), covariance_at(model, LUO_POINT), rtol=1e-5)
