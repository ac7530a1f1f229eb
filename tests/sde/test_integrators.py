"""Every integrator's weak and strong order on equations with known solutions; refusals; blow-up with path and step.

The weak errors are exact (quadrature over the increments of the very step).  The strong errors are sampled with
coupled refinement; each of those tests has a false alarm of 1e-6, split over its parts.
"""

import math

import numpy as np
import pytest

from samtheory.kernel import interpreted
from samtheory.problems.cosine_bowl import CosineBowl
from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.core import drift_at, factor_at, integrate
from samtheory.sde.linear import ConstantSDE, LinearSDE, geometric_brownian, ornstein_uhlenbeck
from samtheory.sde.order import FALSE_ALARM, mean_interval, slope
from samtheory.sde.pushes import USAMPush
from samtheory.sde.scheme_moments import affine_maps, normal_nodes, one_step, scheme_moments
from samtheory.sde.schemes import DriftHeun, EulerMaruyama, Milstein, PlatenWeak2, StratonovichHeun
from samtheory.simulate import Divergence

A, B = -1.0, 0.8
GBM = geometric_brownian(A, B)
OU = ornstein_uhlenbeck([[1.0]], [[0.5]])
WIENER = LinearSDE([[0.0]], [[[0.0]]], [[1.0]])
SCHEMES = [EulerMaruyama(), DriftHeun(), Milstein(), PlatenWeak2()]

# E X_n - E X_T and E X_n^2 - E X_T^2 of GBM for n = 8, 16, 32, T = 1, X_0 = 1, with four digits
REFERENCE = {
    EulerMaruyama: [(-2.427e-2, 4.810e-3), (-1.181e-2, 1.767e-3), (-5.824e-3, 7.389e-4)],
    Milstein: [(-2.427e-2, 1.283e-2), (-1.181e-2, 5.390e-3), (-5.824e-3, 2.463e-3)],
    PlatenWeak2: [(1.054e-3, 3.485e-4), (2.511e-4, 7.217e-5), (6.130e-5, 1.638e-5)],
}


def weak_errors(model, scheme, steps, x0=(1.0,)):
    """|E X_n - E X_T| and |E X_n X_n' - E X_T X_T'| (largest entry), exact."""
    mean, second = model.moments(x0, 1.0)
    mean_n, second_n = scheme_moments(model, scheme, x0, 1.0, steps)
    return float(np.abs(mean_n - mean).max()), float(np.abs(second_n - second).max())


@pytest.mark.parametrize("scheme", REFERENCE)
def test_reference_numbers(scheme):
    mean, second = GBM.moments([1.0], 1.0)
    for steps, expected in zip((8, 16, 32), REFERENCE[scheme]):
        m, s = scheme_moments(GBM, scheme(), [1.0], 1.0, steps)
        assert (m[0] - mean[0], s[0, 0] - second[0, 0]) == pytest.approx(expected, rel=6e-4)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_weak_order(scheme):
    levels = 2.0 ** -np.arange(5, 11)
    errors = np.array([weak_errors(GBM, scheme, round(1 / h)) for h in levels]).max(axis=1)
    assert slope(levels, errors).local[-1] == pytest.approx(scheme.weak_order, abs=0.01)


@pytest.mark.parametrize("scheme, order", [(EulerMaruyama(), 1), (DriftHeun(), 2), (Milstein(), 1), (PlatenWeak2(), 2)])
def test_weak_order_with_additive_noise(scheme, order):
    levels = 2.0 ** -np.arange(5, 11)
    errors = np.array([weak_errors(OU, scheme, round(1 / h)) for h in levels]).max(axis=1)
    assert slope(levels, errors).local[-1] == pytest.approx(order, abs=0.01)


def test_weak_order_in_several_dimensions():
    rng = np.random.default_rng(0)
    model = LinearSDE(
        rng.normal(size=(2, 2)) - 1.5 * np.eye(2), 0.4 * rng.normal(size=(3, 2, 2)), rng.normal(size=(3, 2))
    )
    levels = 2.0 ** -np.arange(5, 11)
    for scheme, order in ((EulerMaruyama(), 1), (DriftHeun(), 1)):
        errors = np.array([weak_errors(model, scheme, round(1 / h), (1.0, -0.5)) for h in levels]).max(axis=1)
        assert slope(levels, errors).local[-1] == pytest.approx(order, abs=0.02)
    additive = LinearSDE(model.drift, 0 * model.slopes, model.offsets)
    errors = np.array([weak_errors(additive, DriftHeun(), round(1 / h), (1.0, -0.5)) for h in levels]).max(axis=1)
    assert slope(levels, errors).local[-1] == pytest.approx(2, abs=0.02)


def test_small_noise_error_of_drift_heun():
    """Noise of size sqrt(eta): error O(h^2 + eta h), so at h = eta/4 it falls with eta^2."""
    etas = 2.0 ** -np.arange(4, 9)
    models = [geometric_brownian(A, math.sqrt(eta) * B) for eta in etas]
    heun, euler = (
        [max(weak_errors(model, scheme, round(4 / eta))) for model, eta in zip(models, etas)]
        for scheme in (DriftHeun(), EulerMaruyama())
    )
    assert slope(etas, heun).local[-1] == pytest.approx(2, abs=0.05)
    assert slope(etas, euler).local[-1] == pytest.approx(1, abs=0.05)


def test_stratonovich_heun_goes_to_the_stratonovich_solution():
    for steps, error in ((8, 0.158), (16, 0.148), (32, 0.143)):
        assert weak_errors(GBM, StratonovichHeun(), steps)[0] == pytest.approx(error, abs=6e-4)
    converted = geometric_brownian(A + B * B / 2, B)  # the Ito form of its limit
    ito = converted.moments([1.0], 1.0)[0][0]
    assert ito == pytest.approx(0.50662, abs=1e-5)
    levels = 2.0 ** -np.arange(5, 11)
    errors = [abs(scheme_moments(GBM, StratonovichHeun(), [1.0], 1.0, round(1 / h))[0][0] - ito) for h in levels]
    assert slope(levels, errors).local[-1] == pytest.approx(1, abs=0.02)
    levels_ito = [weak_errors(GBM, StratonovichHeun(), round(1 / h))[0] for h in levels]
    assert slope(levels, levels_ito).local[-1] == pytest.approx(0, abs=0.02)  # as an Ito scheme it is refuted


def test_mutated_integrators_lose_their_order():
    """Half the step in the drift; Milstein whose increments have the wrong variance in Ito's term."""
    z, weights = normal_nodes(1, 12)
    levels = 2.0 ** -np.arange(5, 11)
    exact = GBM.moments([1.0], 1.0)

    def order(scheme, drift_share):
        errors = []
        for h in levels:
            m = affine_maps(GBM, scheme, math.sqrt(h) * z, drift_share * h)[:, 0, 0]
            errors.append(
                max(abs((weights @ m) ** (1 / h) - exact[0][0]), abs((weights @ m**2) ** (1 / h) - exact[1][0, 0]))
            )
        return slope(levels, errors).local[-1]

    for scheme in SCHEMES:
        assert order(scheme, 1.0) == pytest.approx(scheme.weak_order, abs=0.01)
        assert abs(order(scheme, 0.5)) < 0.05


# ------------------------------------------------------------------------------------ sampled: strong orders

PATHS, LEVELS = 12_800, (8, 16, 32, 64, 128)


def square_errors(scheme, model, solution, seed):
    """Intervals of E (X_n - X_T)^2 for the step numbers of LEVELS, each from its own paths."""
    out = []
    for level, steps in enumerate(LEVELS):
        run = integrate(model, scheme, [1.0], 1.0, steps, paths=PATHS, seed=seed + level, every=steps)
        truth = solution(steps, seed + level)
        out.append(mean_interval(((run.x - truth) ** 2).sum(axis=1), FALSE_ALARM / len(LEVELS)))
    return out


def gbm_solution(steps, seed):
    """X_T from the same Brownian path: its W_T is the sum of the very increments."""
    w = integrate(WIENER, EulerMaruyama(), [0.0], 1.0, steps, paths=PATHS, seed=seed, every=steps).x
    return np.exp(A - B * B / 2 + B * w)


def ou_solution(steps, seed):
    """X_T to the accuracy of a grid 16 times finer, on the same path."""
    return integrate(OU, DriftHeun(), [1.0], 1.0, 16 * steps, paths=PATHS, seed=seed, every=16 * steps).x


def exact_square_error(scheme, steps):
    """E (X_n - X_T)^2 of GBM, by quadrature: X+ = m(DW) X against e^{(a - b^2/2) h + b DW} X."""
    z, weights = normal_nodes(1, 40)
    h = 1 / steps
    dw = math.sqrt(h) * z
    m, g = affine_maps(GBM, scheme, dw, h)[:, 0, 0], np.exp((A - B * B / 2) * h + B * dw[:, 0])
    return (weights @ m**2) ** steps - 2 * (weights @ (m * g)) ** steps + (weights @ g**2) ** steps


@pytest.mark.parametrize("scheme", SCHEMES)
def test_strong_order_under_multiplicative_noise(scheme):
    """The sampled errors agree with the exact ones, whose local slope is the order."""
    intervals = square_errors(scheme, GBM, gbm_solution, seed=100)
    exact = np.array([exact_square_error(scheme, steps) for steps in LEVELS])
    for interval, truth in zip(intervals, exact):
        assert interval.low <= truth <= interval.high
    h = 1 / np.array(LEVELS)
    fine = np.array([exact_square_error(scheme, 64 * steps) for steps in LEVELS])
    assert slope(h / 64, np.sqrt(fine)).local[-1] == pytest.approx(scheme.strong_order, abs=0.01)
    sampled = slope(h, [float(i.estimate) for i in intervals], [float(i.standard_error) for i in intervals])
    low, high = (0.5 * end for end in sampled.interval())
    assert low <= scheme.strong_order + 0.1 and scheme.strong_order - 0.1 <= high  # pre-asymptotic, n from 8
    other = 1.5 - scheme.strong_order  # 1 for 1/2 and 1/2 for 1 is refuted
    assert not low <= other <= high


@pytest.mark.parametrize("scheme", [EulerMaruyama(), DriftHeun()])
def test_strong_order_under_additive_noise(scheme):
    """Coarse and fine run share the path (`refine`): strong order 1 for both."""
    out = []
    for level, steps in enumerate(LEVELS):
        coarse = integrate(OU, scheme, [1.0], 1.0, steps, paths=PATHS, seed=200 + level, refine=16, every=steps)
        difference = coarse.x - ou_solution(steps, 200 + level)
        out.append(mean_interval((difference**2).sum(axis=1), FALSE_ALARM / len(LEVELS)))
    found = slope(1 / np.array(LEVELS), [float(i.estimate) for i in out], [float(i.standard_error) for i in out])
    low, high = (0.5 * end for end in found.interval())
    assert low <= 1 <= high and high - low < 0.3 and not low <= 0.5 <= high


def test_reference_strong_errors():
    """Root mean squares for GBM that were sampled once with 4e4 paths, good to a few per cent (heavy fourth moment)."""
    root = [math.sqrt(exact_square_error(EulerMaruyama(), n)) for n in (8, 128)]
    assert root == pytest.approx([0.0952, 0.0200], rel=0.04)
    root = [math.sqrt(exact_square_error(Milstein(), n)) for n in (8, 128)]
    assert root == pytest.approx([0.0560, 0.00336], rel=0.04)


def test_mirrored_path_and_refinement_share_the_noise():
    coarse = integrate(WIENER, EulerMaruyama(), [0.0], 2.0, 5, paths=3, seed=7, refine=4)
    fine = integrate(WIENER, EulerMaruyama(), [0.0], 2.0, 20, paths=3, seed=7)
    mirrored = integrate(WIENER, EulerMaruyama(), [0.0], 2.0, 5, paths=3, seed=7, refine=4, sign=-1.0)
    assert coarse.states == pytest.approx(fine.states[:, ::4], rel=1e-13)
    assert (mirrored.states == -coarse.states).all()
    assert coarse.t.tolist() == pytest.approx([0, 0.4, 0.8, 1.2, 1.6, 2.0])


# ------------------------------------------------------------------------------------ one step, bad input


@pytest.mark.parametrize("scheme", [*SCHEMES, StratonovichHeun()])
def test_one_step_is_the_formula(scheme):
    """Interpreted and compiled, against the scheme written with scalars for dX = aX dt + bX dW."""
    x, dw, h = 1.3, 0.21, 0.1
    b = B * x
    predictor = x + A * x * h + b * dw
    heun = x + h / 2 * (A * x + A * predictor)
    formula = {
        EulerMaruyama: predictor,
        DriftHeun: heun + b * dw,
        Milstein: predictor + B * b * (dw * dw - h) / 2,
        PlatenWeak2: heun + dw / 4 * (2 * B * (x + A * x * h) + 2 * b) + B * b * (dw * dw - h) / 2,
        StratonovichHeun: heun + dw / 2 * (b + B * predictor),
    }[type(scheme)]
    assert one_step(GBM, scheme, [[x]], [[dw]], h)[0, 0] == pytest.approx(formula, rel=1e-14)
    with interpreted():
        assert one_step(GBM, scheme, [[x]], [[dw]], h)[0, 0] == pytest.approx(formula, rel=1e-14)


def test_interpreted_and_compiled_give_the_same_bits():
    for scheme in (*SCHEMES, StratonovichHeun()):
        compiled = integrate(GBM, scheme, [1.0], 1.0, 20, paths=2, seed=3)
        with interpreted():
            plain = integrate(GBM, scheme, [1.0], 1.0, 20, paths=2, seed=3)
        assert (compiled.states == plain.states).all()


def test_noise_free_drift_heun_is_of_order_two():
    still = LinearSDE([[A]], [[[0.0]]], [[0.0]])
    errors = [abs(integrate(still, DriftHeun(), [1.0], 1.0, n).x[0] - math.exp(A)) for n in (16, 32, 64, 128)]
    assert slope(1 / np.array([16, 32, 64, 128]), errors).local[-1] == pytest.approx(2, abs=0.02)


class Broken:
    """No model at all."""


TWO_NOISES = LinearSDE([[A]], [[[B]], [[B]]], [[0.0], [0.0]])


@pytest.mark.parametrize(
    "wrong, error, message",
    [
        (lambda: integrate(GBM, EulerMaruyama(), [1.0], 0.0, 8), ValueError, r"t1 = 0.0 must be above t0 = 0.0"),
        (lambda: integrate(GBM, EulerMaruyama(), [1.0], -1.0, 8), ValueError, r"t1 = -1.0 must be above"),
        (lambda: integrate(GBM, EulerMaruyama(), [1.0], math.nan, 8), ValueError, r"t1 = nan is not finite"),
        (lambda: integrate(GBM, EulerMaruyama(), [1.0], 1.0, 0), ValueError, r"steps = 0"),
        (lambda: integrate(GBM, EulerMaruyama(), [1.0], 1.0, 2.5), ValueError, r"steps = 2.5"),
        (lambda: integrate(GBM, EulerMaruyama(), [1.0], 1.0, 8, refine=0), ValueError, r"refine = 0"),
        (lambda: integrate(GBM, EulerMaruyama(), [1.0], 1.0, 8, sign=0.5), ValueError, r"sign = 0.5"),
        (lambda: integrate(GBM, EulerMaruyama(), [1.0, 2.0], 1.0, 8), ValueError, r"x0 has shape \(2,\)"),
        (lambda: integrate(TWO_NOISES, Milstein(), [1.0], 1.0, 8), ValueError, r"Milstein .* one driving .* has 2"),
        (lambda: integrate(TWO_NOISES, PlatenWeak2(), [1.0], 1.0, 8), ValueError, r"PlatenWeak2 .* has 2"),
        (lambda: integrate(Broken(), EulerMaruyama(), [1.0], 1.0, 8), TypeError, r"Broken has no drift and spread"),
        (
            lambda: integrate(LinearSDE([[A]], [[[B]]], [[0.0, 1.0]]), EulerMaruyama(), [1.0], 1.0, 8),
            ValueError,
            r"offsets \(1, 2\)",
        ),
        (
            lambda: integrate(
                AdditiveSDE(CosineBowl(1.0, 1.0), np.eye(2), 0.1, 0.1, USAMPush()), EulerMaruyama(), [1.0], 1.0, 8
            ),
            ValueError,
            "factor has 2 rows; the problem has dimension 1",
        ),
        (lambda: factor_at(GBM, [1.0, 2.0]), ValueError, r"x has shape \(2,\)"),
        (lambda: scheme_moments(AdditiveSDE(CosineBowl(1.0, 1.0), np.eye(1), 0.1, 0.1, USAMPush()), EulerMaruyama(),
                                [1.0], 1.0, 8), TypeError, "AdditiveSDE"),
        (lambda: one_step(GBM, EulerMaruyama(), [[1.0]], [[0.1, 0.2]], 0.1), ValueError, r"dw \(1, 2\)"),
    ],
)  # fmt: skip
def test_bad_input_is_named_before_any_step(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()


def test_unstable_step_reports_path_and_step():
    stiff = LinearSDE([[-50.0]], [[[0.1]]], [[0.0]])
    with pytest.raises(Divergence, match=r"3 of 3 members diverged .* the first is member \d at step \d+") as caught:
        integrate(stiff, EulerMaruyama(), [1.0], 100.0, 200, paths=3, seed=1, limit=1e6)
    trajectory = caught.value.trajectory
    assert (trajectory.diverged > 0).all() and np.isnan(trajectory.states[:, -1]).all()
    reported = integrate(stiff, EulerMaruyama(), [1.0], 100.0, 200, paths=3, seed=1, limit=1e6, on_divergence="report")
    assert (reported.diverged == trajectory.diverged).all()


def test_constant_sde_is_the_linear_one_without_slopes():
    rng = np.random.default_rng(1)
    A, S = rng.normal(size=(3, 3)) - 2 * np.eye(3), rng.normal(size=(3, 5))
    constant, linear = ConstantSDE(A, S), LinearSDE(A, np.zeros((5, 3, 3)), S.T)
    assert factor_at(constant, [1.0, 2.0, 3.0]) == pytest.approx(S)
    runs = [integrate(m, EulerMaruyama(), [1.0, 2.0, 3.0], 1.0, 20, paths=4, seed=2).states for m in (constant, linear)]
    assert runs[0] == pytest.approx(runs[1], rel=1e-13)
    with pytest.raises(ValueError, match=r"factor \(2, 2\); they must be \(d, d\), \(d, k\)"):
        integrate(ConstantSDE(A, np.eye(2)), EulerMaruyama(), [1.0, 2.0, 3.0], 1.0, 20)


def test_dense_linear_noise_is_the_formula():
    rng = np.random.default_rng(2)
    A, C, c = rng.normal(size=(3, 3)), rng.normal(size=(4, 3, 3)), rng.normal(size=(4, 3))
    x = rng.normal(size=(5, 3))
    assert drift_at(LinearSDE(A, C, c), x) == pytest.approx(x @ A.T)
    assert factor_at(LinearSDE(A, C, c), x) == pytest.approx(np.einsum("kij,nj->nik", C, x) + c.T)
