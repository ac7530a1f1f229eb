"""Closed forms of moments against recursions, quadrature, other solvers, all paths enumerated, and quoted numbers."""

import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm, solve_continuous_lyapunov, solve_discrete_lyapunov, sqrtm

from samtheory.problems.quadratic import Quadratic, orthogonal
from samtheory.problems.quadratic_sum import QuadraticSum
from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.batch_moments import batch_diffusion_law, batch_discrete_law, batch_stationary_mean, batches
from samtheory.sde.batches import batch_sde
from samtheory.sde.core import drift_at, factor_at
from samtheory.sde.limits import extrapolate
from samtheory.sde.linear import LinearSDE
from samtheory.sde.moments import (
    Law,
    Linear,
    diffusion_law,
    diffusion_stationary,
    discrete_law,
    discrete_stationary,
    dnsam_density,
    escape_time,
    expected_loss,
    hessian_aware,
    linear_of,
    modified,
    sgd,
    usam,
    wasserstein,
)
from samtheory.sde.pushes import FullUSAM, NoPush, SAMPush, USAMPush

H1, SIGMA1, START1 = np.array([[2, 0.5], [0.5, 1]]), np.array([[1, 0.3], [0.3, 0.5]]), np.array([1, -0.5])
B2 = QuadraticSum(
    [[[2, 0.5], [0.5, 1]], [[1, -0.5], [-0.5, 1.5]], np.diag([0.5, 2.5]), [[1.5, 0.3], [0.3, 0.2]]],
    [[1, 0], [-1, 0.5], [0, -1], [0.5, 1]],
)
START2 = np.array([1.5, -1])


def random_instance(rng, low=-2.0):
    d = int(rng.integers(1, 5))
    basis = orthogonal(rng, d)
    H = (basis * rng.uniform(low, 2, d)) @ basis.T
    root = rng.standard_normal((d, int(rng.integers(1, d + 1))))
    return (
        (H + H.T) / 2,
        root @ root.T,
        float(rng.uniform(0, 1.5)),
        float(rng.uniform(0.02, 0.2)),
        rng.standard_normal(d),
    )


def seeded(n=12):
    return pytest.mark.parametrize("rng", [np.random.default_rng(i) for i in range(n)], ids=range(n))


def agree(law, mean, cov, rtol=1e-11):
    np.testing.assert_allclose(law.mean, mean, rtol=rtol, atol=rtol * (1 + np.abs(mean).max()))
    np.testing.assert_allclose(law.cov, cov, rtol=rtol, atol=rtol * (np.abs(cov).max() + 1e-15))


# ------------------------------------------------------------ additive noise


@seeded()
@pytest.mark.parametrize("diffusion", ["full", "truncated", "plain", "none"])
def test_discrete_law_is_the_recursion(rng, diffusion):
    H, sigma, rho, eta, x0 = random_instance(rng)
    one = np.eye(len(H))
    mean, cov = x0, 0 * H
    noise = {
        "full": (one + rho * H) @ sigma @ (one + rho * H).T,
        "truncated": sigma + rho * (sigma @ H + H @ sigma),
        "plain": sigma,
        "none": 0 * sigma,
    }[diffusion]
    for _ in range(23):  # the update itself: w - eta g(w + rho g(w))
        mean = mean - eta * H @ (mean + rho * H @ mean)
        step = one - eta * H @ (one + rho * H)
        cov = step @ cov @ step.T + eta**2 * noise
    agree(discrete_law(usam(H, sigma, rho, diffusion=diffusion), eta, x0, 23), mean, cov)


@seeded()
def test_diffusion_law_is_the_integral_of_the_propagator(rng):
    H, sigma, rho, eta, x0 = random_instance(rng)
    A, D = H @ (np.eye(len(H)) + rho * H), (np.eye(len(H)) + rho * H) @ sigma @ (np.eye(len(H)) + rho * H)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    t = 0.7
    s, w = t * (nodes + 1) / 2, t * weights / 2
    cov = eta * sum(ws * expm(-A * u) @ D @ expm(-A * u) for u, ws in zip(s, w))
    agree(diffusion_law(usam(H, sigma, rho), eta, x0, t), expm(-A * t) @ x0, cov)


def test_zero_denominators_take_their_limits():
    """H = diag(1, -1): a_1 + a_2 = 0 at rho = 0; the cross covariance grows like t."""
    model = sgd(np.diag([1.0, -1.0]), np.ones((2, 2)))
    assert diffusion_law(model, 0.1, [0, 0], 3.0).cov[0, 1] == pytest.approx(0.3, rel=1e-14)
    flat = Linear([[0.0]], [[2.0]])
    assert discrete_law(flat, 0.1, [1.0], 50) == (pytest.approx(1.0), pytest.approx(0.1 * 2 * 5))
    assert diffusion_law(flat, 0.1, [1.0], 5.0).cov == pytest.approx(0.1 * 2 * 5)
    # discrete: r_1 r_2 = 1 needs a_1 + a_2 = eta a_1 a_2
    eta, a = 0.1, 1.0
    other = -a / (1 - eta * a)
    assert discrete_law(Linear(np.diag([a, other]), np.ones((2, 2))), eta, [0, 0], 30).cov[0, 1] == pytest.approx(0.3)


def test_no_steps_and_no_time_return_the_start():
    model = usam(H1, SIGMA1, 0.3)
    for law in (discrete_law(model, 0.1, START1, 0), diffusion_law(model, 0.1, START1, 0.0)):
        agree(law, START1, np.zeros((2, 2)))


def test_a_million_small_steps_keep_the_digits():
    """(1 - eta a)^k at eta = 2^-40: through the logarithm, not by rounding 1 - eta a."""
    eta = 2.0**-40
    law = discrete_law(Linear([[3.0]], [[1.0]]), eta, [1.0], 2**40)
    assert law.mean[0] == pytest.approx(np.exp(-3), rel=1e-11)
    assert law.cov[0, 0] == pytest.approx(eta * (1 - np.exp(-6)) / 6, rel=1e-11)


@seeded()
def test_stationary_covariances_solve_their_equations(rng):
    H, sigma, rho, eta, _ = random_instance(rng, low=0.3)
    model = usam(H, sigma, rho)
    A, D = model
    step = np.eye(len(A)) - eta * A
    if eta * np.linalg.eigvalsh(A).max() < 2:
        want = solve_discrete_lyapunov(step, eta**2 * D)
        np.testing.assert_allclose(discrete_stationary(model, eta), want, rtol=1e-10, atol=1e-10 * np.abs(want).max())
    want = solve_continuous_lyapunov(A, eta * D)
    np.testing.assert_allclose(diffusion_stationary(model, eta), want, rtol=1e-10, atol=1e-10 * np.abs(want).max())


def test_commuting_noise_at_a_minimum_and_at_an_attracting_saddle():
    for lam, rho, s, eta, discrete, diffusion in (
        (2, 0.2, 1, 0.05, 0.0188172043, 0.0175),
        (-2, 0.8, 1, 0.05, 0.0077319588, 0.0075),
        (-1, 1.5, 0.7, 0.1, 0.0125641026, 0.01225),
    ):
        model = usam([[lam]], [[s**2]], rho)
        assert discrete_stationary(model, eta)[0, 0] == pytest.approx(discrete, rel=1e-8)
        assert diffusion_stationary(model, eta)[0, 0] == pytest.approx(diffusion, rel=1e-12)


def test_quoted_laws():
    eta = 1 / 8
    model = usam(H1, SIGMA1, 0.5 * eta**0.5)
    agree(
        discrete_law(model, eta, START1, 8),
        [0.13796157, -0.2931401],
        [[0.0502702, 0.01058353], [0.01058353, 0.03452421]],
        rtol=1e-6,
    )
    agree(
        diffusion_law(model, eta, START1, 1),
        [0.16235639, -0.3029467],
        [[0.04093568, 0.00744819], [0.00744819, 0.03093313]],
        rtol=1e-6,
    )
    eta = 2.0**-7
    rho = 0.5 * eta**0.5
    exact = discrete_law(usam(H1, SIGMA1, rho), eta, START1, 128)

    def errors(model):
        law = diffusion_law(model, eta, START1, 1)
        return np.linalg.norm(exact.mean - law.mean), np.linalg.norm(exact.cov - law.cov) / eta

    quoted = {"full": 2.915114e-3, "truncated": 5.120280e-3, "plain": 5.232022e-2, "none": 0.3423837}
    for diffusion, want in quoted.items():
        assert errors(usam(H1, SIGMA1, rho, diffusion=diffusion)) == pytest.approx((1.784921e-3, want), rel=1e-6)
    assert errors(sgd(H1, SIGMA1))[0] == pytest.approx(2.058269e-2, rel=1e-6)


@seeded(4)
def test_the_model_object_has_these_matrices(rng):
    H, _, rho, eta, _ = random_instance(rng)
    factor = rng.standard_normal((len(H), 2))
    for kind, diffusion in ((USAMPush(), "full"), (FullUSAM(), "plain")):
        read = linear_of(AdditiveSDE(Quadratic(H, np.zeros(len(H))), factor, eta, rho, kind))
        for got, want in zip(read, usam(H, factor @ factor.T, rho, diffusion=diffusion)):
            np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-13 * np.abs(want).max())


# ------------------------------------------------------------ modified equations


def test_quoted_errors_of_modified_equations():
    eta, flow = 1 / 32, Linear([[2.0]], [[0.0]])
    model = sgd([[2.0]], [[1.0]])
    exact = discrete_law(model, eta, [1.0], 32)

    def errors(one):
        law = diffusion_law(one, eta, [1.0], 1.0)
        second = abs(exact.mean[0] ** 2 + exact.cov[0, 0] - law.mean[0] ** 2 - law.cov[0, 0])
        return abs(exact.mean[0] - law.mean[0]), abs(exact.cov[0, 0] - law.cov[0, 0]), second

    assert errors(model) == pytest.approx((8.5465e-3, 2.6547e-4, 1.97478e-3), rel=1e-4)
    assert errors(modified(model, eta)) == pytest.approx((3.46947e-4, 4.81573e-4, 3.93470e-4), rel=1e-5)
    assert errors(flow) == pytest.approx((8.5465e-3, 7.93488e-3, 5.69463e-3), rel=1e-4)
    assert errors(modified(model, eta, noise=True))[1] == pytest.approx(1.5737e-5, rel=1e-4)


@seeded()
def test_hessian_aware_equation_has_the_discrete_law(rng):
    H, _, rho, eta, x0 = random_instance(rng)
    model = usam(H, np.eye(len(H)), rho)
    aware = hessian_aware(model, eta)
    for k in (1, 7):
        agree(diffusion_law(aware, eta, x0, k * eta), *discrete_law(model, eta, x0, k), rtol=1e-11)


def test_hessian_aware_equation_may_not_exist():
    H = np.diag([2.0, 0.2])
    for off, lowest in ((1.0, -0.057891), (0.99, -0.050618)):
        model = sgd(H, [[1, off], [off, 1]])
        with pytest.raises(ValueError, match="no such equation exists"):
            hessian_aware(model, 0.4)
        aware = hessian_aware(model, 0.4, exists=False)
        assert np.linalg.eigvalsh(0.4 * aware.noise)[0] == pytest.approx(lowest, abs=1e-6)
        agree(diffusion_law(aware, 0.4, [1, 1], 2.0), *discrete_law(model, 0.4, [1, 1], 5))
    with pytest.raises(ValueError, match="needs it below 1"):
        hessian_aware(sgd([[2.0]], [[1.0]]), 0.5)


# ------------------------------------------------------------ finite sums


def random_sum(rng):
    n, d = int(rng.integers(2, 4)), int(rng.integers(1, 4))
    half = rng.standard_normal((n, d, d))
    return QuadraticSum(half @ half.transpose(0, 2, 1) / d, rng.standard_normal((n, d))), rng.standard_normal(d)


@seeded(6)
@pytest.mark.parametrize(
    ("kind", "size", "replace"), [(NoPush(), 1, True), (USAMPush(), 2, False), (FullUSAM(), 1, True)]
)
def test_discrete_law_on_a_finite_sum_is_the_sum_over_all_paths(rng, kind, size, replace):
    problem, x0 = random_sum(rng)
    n, eta, rho = len(problem.centre), 0.1, 0.3
    H, b = problem.curvature, problem.centre
    index = itertools.product(range(n), repeat=size) if replace else itertools.permutations(range(n), size)
    index = [list(one) for one in index]

    def gradient(batch, x):
        return np.mean([H[i] @ (x - b[i]) for i in batch], axis=0)

    ends = []
    for path in itertools.product(index, repeat=3):
        x = x0
        for batch in path:
            push = {NoPush: 0 * x, USAMPush: gradient(batch, x), FullUSAM: gradient(range(n), x)}[type(kind)]
            x = x - eta * gradient(batch, x + rho * push)
        ends.append(x)
    law = batch_discrete_law(batches(problem, kind, size, replace), rho, eta, x0, 3)
    agree(law, np.mean(ends, axis=0), np.cov(np.array(ends).T, bias=True).reshape(law.cov.shape))


@seeded(6)
@pytest.mark.parametrize("kind", [NoPush(), USAMPush(), FullUSAM()])
def test_diffusion_law_on_a_finite_sum_is_that_of_the_model(rng, kind):
    """The model's own coefficients, read at d + 1 points, put into the moments of a linear equation."""
    problem, x0 = random_sum(rng)
    d, eta, rho = len(x0), 0.1, 0.3
    model = batch_sde(problem, eta, rho, kind, 2, shrink=0.5)
    points = np.vstack([np.zeros(d), np.eye(d)])
    b, B = drift_at(model, points), factor_at(model, points)
    offset, matrix = b[0], (b[1:] - b[0]).T
    centre = np.linalg.solve(matrix, -offset)  # LinearSDE has no constant drift: move the origin to its zero
    slopes = (B[1:] - B[0]).transpose(2, 1, 0)
    linear = LinearSDE(matrix, slopes, B[0].T + slopes @ centre)
    mean, second = linear.moments(x0 - centre, 0.8)
    law = batch_diffusion_law(batches(problem, kind, 2), rho, eta, x0, 0.8, shrink=0.5)
    agree(law, mean + centre, second - np.outer(mean, mean), rtol=1e-9)
    np.testing.assert_allclose(batch_stationary_mean(batches(problem, kind, 2), rho), centre, rtol=1e-9, atol=1e-9)


def test_truncated_diffusion_on_a_finite_sum_is_the_derivative_at_zero_radius():
    maps, h = batches(B2, USAMPush()), 1e-5

    def covariance(rho, diffusion):  # with a drift that does not depend on rho, the noise alone is compared
        frozen = maps._replace(ascent=maps.ascent - maps.mean(maps.ascent))
        return batch_diffusion_law(frozen, rho, 0.1, START2, 1.0, diffusion=diffusion).cov

    slope = [(covariance(h, kind) - covariance(-h, kind)) / (2 * h) for kind in ("full", "truncated", "plain")]
    np.testing.assert_allclose(slope[1], slope[0], rtol=1e-7)
    assert np.abs(slope[2] - slope[0]).max() > 1e-2


def test_quoted_moments_on_a_finite_sum():
    maps, eta, rho = batches(B2, USAMPush()), 1 / 16, 0.125
    agree(
        batch_discrete_law(maps, rho, eta, START2, 16),
        [0.64034686, -0.30608609],
        [[0.037404, -0.02942419], [-0.02942419, 0.05990195]],
        rtol=1e-6,
    )
    for diffusion, cov in (
        ("full", [[0.03542822, -0.02807809], [-0.02807809, 0.05638019]]),
        ("truncated", [[0.03433481, -0.02704603], [-0.02704603, 0.05369744]]),
    ):
        law = batch_diffusion_law(maps, rho, eta, START2, 1.0, diffusion=diffusion)
        agree(law, [0.65777857, -0.32016626], cov, rtol=1e-6)
    law = batch_diffusion_law(batches(B2, NoPush()), 0.0, eta, START2, 1.0)
    np.testing.assert_allclose(law.mean, [0.71063396, -0.3683429], rtol=1e-7)


def test_only_linear_pushes_have_moments():
    with pytest.raises(ValueError, match="SAMPush is not linear"):
        batches(B2, SAMPush())


# ------------------------------------------------------------ loss, escape, distance, density, limits


def test_expected_loss_is_the_mean_of_the_loss():
    rng = np.random.default_rng(3)
    H, sigma, rho, eta, x0 = random_instance(rng)
    law = diffusion_law(usam(H, sigma, rho), eta, x0, 0.5)
    draws = rng.multivariate_normal(law.mean, law.cov, 200_000)
    losses = np.einsum("ni,ij,nj->n", draws, H, draws) / 2
    assert expected_loss(H, law) == pytest.approx(losses.mean(), abs=6 * losses.std() / np.sqrt(losses.size))


def test_quoted_escape_times():
    quoted = {0: 2.998229, 0.2: 3.887247, 0.5: 6.689599, 0.8: 19.014725, 1.0: np.inf, 1.2: np.inf}
    for rho, time in quoted.items():
        got = escape_time(np.diag([1.0, -1.0]), np.eye(2), rho, 0.01, [0.1, 0], -1.0)
        assert got == pytest.approx(time, rel=1e-6)
    with pytest.raises(ValueError, match="not below"):
        escape_time(np.diag([1.0, -1.0]), np.eye(2), 0.1, 0.01, [0.1, 0], 1.0)


def test_distance_of_gaussian_laws():
    """One dimension: |m - m'|^2 + (s - s')^2; several: against scipy's matrix square root."""
    assert wasserstein(Law(np.array([1.0]), np.array([[4.0]])), Law(np.array([2.0]), np.array([[9.0]]))) == (
        pytest.approx(np.sqrt(2))
    )
    rng = np.random.default_rng(5)
    roots = rng.standard_normal((2, 3, 3))
    one, two = roots @ roots.transpose(0, 2, 1)
    cross = np.trace(sqrtm(sqrtm(one) @ two @ sqrtm(one)).real)
    want = np.sqrt(np.trace(one) + np.trace(two) - 2 * cross)
    assert wasserstein(Law(np.zeros(3), one), Law(np.zeros(3), two)) == pytest.approx(want)
    assert wasserstein(Law(np.zeros(3), one), Law(np.zeros(3), one)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("lam", "rho", "eta", "s"), [(1, 0.1, 0.01, 1), (2, 0.5, 0.1, 0.3), (0.5, 1e-3, 0.2, 2)])
def test_dnsam_density_has_no_flux_unit_mass_and_the_stated_modes(lam, rho, eta, s):
    def p(x):
        return dnsam_density(x, lam, rho, eta, s)

    mode = (rho * eta * s**2 / lam) ** (1 / 3)
    assert 2 * quad(p, 0, mode)[0] + 2 * quad(p, mode, np.inf)[0] == pytest.approx(1, rel=1e-9)
    x = mode * np.linspace(0.3, 3, 50)
    h = 1e-5 * mode

    def flux(x):  # drift p - ((variance/2) p)'
        def half(x):
            return eta * s**2 * (1 + rho / x) ** 2 / 2 * p(x)

        return -lam * (x + rho) * p(x) - (half(x + h) - half(x - h)) / (2 * h)

    scale = lam * (x + rho) * p(x)
    assert np.abs(flux(x) / scale).max() < 1e-6
    assert p(0.0) == 0
    assert p(mode) > max(p(mode * (1 - 1e-3)), p(mode * (1 + 1e-3)), p(0.1 * mode), p(5 * mode))
    assert p(-mode) == p(mode)


def test_extrapolation_is_exact_on_polynomials_and_bounds_its_error():
    s = np.array([0.4, 0.2, 0.1, 0.05])
    cubic = [np.array([3 - t + 2 * t**3, 5.0]) for t in s]
    np.testing.assert_allclose(extrapolate(cubic, s).value, [3, 5], rtol=1e-13)
    value, allowance = extrapolate(np.exp(s), s)
    assert 0 < abs(value - 1) < 3e-5 < allowance < 0.1
    for bad in ([0.1, 0.2, 0.3, 0.4], [0.1], [0.2, 0.1, 0.05, 0.0], [0.2, 0.1, 0.05]):
        with pytest.raises(ValueError, match="scales"):
            extrapolate([1.0, 2.0, 3.0, 4.0], bad)


def test_bad_input_is_named():
    for call, match in (
        (lambda: usam(H1, SIGMA1, 0.1, diffusion="half"), "half"),
        (lambda: usam([[1, 2], [3, 4]], SIGMA1, 0.1), "H"),
        (lambda: discrete_law(sgd(H1, SIGMA1), 0.1, [1.0], 3), "x0"),
        (lambda: sgd(H1, [[1.0]]), "Sigma"),
        (lambda: Linear(H1, [[1.0]]), "noise"),
        (lambda: discrete_law(sgd(H1, SIGMA1), 0.0, START1, 3), "eta"),
        (lambda: discrete_stationary(sgd(-H1, SIGMA1), 0.1), "no stationary law"),
        (lambda: discrete_stationary(sgd(H1, SIGMA1), 2.0), "no stationary law"),
        (lambda: diffusion_stationary(sgd(-H1, SIGMA1), 0.1), "no stationary law"),
        (lambda: batch_discrete_law(batches(B2, NoPush()), 0.1, 0.1, [1.0], 3), "x0"),
        (lambda: batch_diffusion_law(batches(B2, NoPush()), 0.1, 0.1, START2, 1, diffusion="half"), "half"),
    ):
        with pytest.raises(ValueError, match=match):
            call()


def test_gaps_of_usam_under_any_sampling_by_brute_force():
    """All sequences of batches, the rule itself: uniform and importance sampling, constant and falling steps."""
    from samtheory.evaluate import losses
    from samtheory.oracles import OneRealisation, WithoutReplacement, importance
    from samtheory.problems.core import constants
    from samtheory.problems.finite_sum import LeastSquares
    from samtheory.rules.usam import USAM
    from samtheory.samplings import realisations
    from samtheory.sde.batch_moments import expected_gaps, scheduled_gaps
    from samtheory.simulate import simulate

    rng = np.random.default_rng(0)
    problem = LeastSquares(rng.standard_normal((3, 2)), rng.standard_normal(3), 0.3)
    x0, etas, rhos = rng.standard_normal(2), [0.2, 0.1, 0.05], [0.3, 0.2, 0.1]
    for oracle in (WithoutReplacement(problem, 2), importance(problem, [0.5, 0.2, 0.3])):
        every = realisations(oracle)

        def gap(x, t, etas, rhos, every=every):
            if t == len(etas):
                return losses(problem, x) - constants(problem).f_star
            moved = [simulate(OneRealisation(problem, 3 * w), USAM(etas[t], rhos[t]), x, 1).x for w in every.weights]
            return every.mean([gap(y, t + 1, etas, rhos) for y in moved])

        np.testing.assert_allclose(scheduled_gaps(oracle, x0, etas, rhos)[-1], gap(x0, 0, etas, rhos), rtol=1e-12)
        brute = gap(x0, 0, [0.2] * 3, [0.3] * 3)
        np.testing.assert_allclose(expected_gaps(oracle, x0, 0.2, 0.3, [0, 1, 3])[2], brute, rtol=1e-12)
    with pytest.raises(ValueError, match="t - previous t"):
        expected_gaps(oracle, x0, 0.2, 0.3, [3, 1])
