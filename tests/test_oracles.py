"""Stochastic gradients: NumPy replicates every draw from the member's stream (`oracles/naive.py`), and the samplings
have the distributions they are said to have.

False alarms: bits cannot fail by chance.  Every chi-squared test has a fixed seed; with another seed it would fail
with probability 1e-6.
"""

import itertools

import numpy as np
import pytest
import scipy.stats
from oracles import naive
from oracles.points import Points, Spy

from samtheory.kernel import call, interpreted
from samtheory.oracles import (
    Batch,
    EverySample,
    FactorNoise,
    GaussianNoise,
    Importance,
    Reshuffled,
    WithoutReplacement,
    WithReplacement,
    gradient,
    importance,
    value,
)
from samtheory.problems.finite_sum import LeastSquares
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate

FALSE_ALARM = 1e-6
D, N, STEPS, SEED, MEMBERS = 3, 8, 21, 11, 3
X0 = np.array([1.0, -2.0, 0.5])
ETA, RHO = 0.3, 0.2
rng = np.random.default_rng(6)
POINTS = Points(rng.standard_normal((N, D)), 0.2 + rng.random((N, D)))
PARABOLA = Diagonal([0.2, 0.5, 1.0], [0.0, 1.0, 2.0])
FACTOR = rng.standard_normal((D, 2))
P = np.array([0.05, 0.1, 0.15, 0.2, 0.05, 0.05, 0.3, 0.1])


def parabola_gradient(x):
    return np.array([0.2, 0.5, 1.0]) * (x - np.array([0.0, 1.0, 2.0]))


def sample_gradient(i, x):
    return POINTS.weight[i] * (x - POINTS.point[i])


# name -> (oracle, its noise by NumPy)
CASES = {
    "gaussian": (
        lambda shared: GaussianNoise(PARABOLA, 0.3, shared),
        lambda rng, shared: naive.additive(rng, parabola_gradient, D, 0.3, shared),
    ),
    "factor": (
        lambda shared: FactorNoise(PARABOLA, FACTOR, shared),
        lambda rng, shared: naive.factor(rng, parabola_gradient, FACTOR, shared),
    ),
    "with replacement": (
        lambda shared: WithReplacement(POINTS, 4, shared),
        lambda rng, shared: naive.with_replacement(rng, sample_gradient, N, 4, shared),
    ),
    "without replacement": (
        lambda shared: WithoutReplacement(POINTS, 4, shared),
        lambda rng, shared: naive.without_replacement(rng, sample_gradient, N, 4, shared),
    ),
    "importance": (
        lambda shared: importance(POINTS, P, 4, shared),
        lambda rng, shared: naive.importance(rng, sample_gradient, P, 4, shared),
    ),
    "every sample": (
        lambda shared: EverySample(POINTS, shared),
        lambda rng, shared: naive.every_sample(sample_gradient, N),
    ),
}


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_every_draw_is_replicated_by_numpy(name, shared):
    make, noise = CASES[name]
    run = simulate(make(shared), SAM(ETA, RHO), X0, STEPS, members=MEMBERS, seed=SEED)
    with interpreted():
        plain = simulate(make(shared), SAM(ETA, RHO), X0, STEPS, members=MEMBERS, seed=SEED)
    np.testing.assert_array_equal(run.states, plain.states)
    formula = naive.plain(lambda t: ETA, naive.sam_direction(lambda t: RHO))
    for m in range(MEMBERS):
        expected = naive.run(formula, noise(naive.generator(SEED, m), shared), X0, STEPS)
        np.testing.assert_array_equal(run.states[m], expected)
    if name != "every sample":
        assert len(np.unique(run.states[:, 1], axis=0)) == MEMBERS  # members differ


@pytest.mark.parametrize("size", [1, 2, 4, 8, 3])
def test_reshuffled_draws_are_replicated_by_numpy(size):
    run = simulate(Reshuffled(POINTS, size), SAM(ETA, RHO), X0, STEPS, members=MEMBERS, seed=SEED)
    with interpreted():
        plain = simulate(Reshuffled(POINTS, size), SAM(ETA, RHO), X0, STEPS, members=MEMBERS, seed=SEED)
    np.testing.assert_array_equal(run.states, plain.states)
    formula = naive.plain(lambda t: ETA, naive.sam_direction(lambda t: RHO))
    for m in range(MEMBERS):
        noise = naive.reshuffled(naive.generator(SEED, m), sample_gradient, N, size)
        expected = naive.run(formula, noise, X0, STEPS)
        # a third is no binary fraction, so that a mean over three samples is rounded differently
        tolerance = 1e-14 * np.abs(expected).max() if size == 3 else 0.0
        np.testing.assert_allclose(run.states[m], expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("size", [3, 5, 7])
@pytest.mark.parametrize("name", ["with", "without"])
def test_batches_of_odd_size(name, size):
    oracle = {"with": WithReplacement, "without": WithoutReplacement}[name]
    noise = {"with": naive.with_replacement, "without": naive.without_replacement}[name]
    run = simulate(oracle(POINTS, size), GD(ETA), X0, STEPS, seed=SEED)
    expected = naive.run(naive.gd(lambda t: ETA), noise(naive.generator(SEED, 0), sample_gradient, N, size), X0, STEPS)
    np.testing.assert_allclose(run.states, expected, rtol=0, atol=1e-14 * np.abs(expected).max())


# ------------------------------------------------------------------------------------ unbiased, exactly


def _gradient(oracle, x, batch, out, work):
    gradient(oracle, x, batch, out, work)


def mean_over_batches(oracle, batches, probabilities):
    """The expectation of the gradient at X0, every batch (idx, weights) taken with its probability."""
    total = np.zeros(D)
    for (idx, z), q in zip(batches, probabilities):
        out = np.empty(D)
        call(_gradient, oracle, X0, Batch(np.array(z, dtype=float), np.array(idx)), out, np.empty(D))
        total += q * out
    return total


FULL = np.mean([sample_gradient(i, X0) for i in range(N)], axis=0)


def test_with_replacement_is_unbiased():
    batches = [(idx, (1.0, 1.0)) for idx in itertools.product(range(N), repeat=2)]
    mean = mean_over_batches(WithReplacement(POINTS, 2), batches, [N**-2] * len(batches))
    np.testing.assert_allclose(mean, FULL, rtol=1e-13)


def test_without_replacement_is_unbiased():
    batches = [(idx, (1.0, 1.0, 1.0)) for idx in itertools.permutations(range(N), 3)]
    mean = mean_over_batches(WithoutReplacement(POINTS, 3), batches, [1 / len(batches)] * len(batches))
    np.testing.assert_allclose(mean, FULL, rtol=1e-13)


def test_importance_sampling_is_unbiased():
    oracle = importance(POINTS, P, 2)
    pairs = list(itertools.product(range(N), repeat=2))
    batches = [(pair, oracle.weight[list(pair)]) for pair in pairs]
    mean = mean_over_batches(oracle, batches, [P[i] * P[j] for i, j in pairs])
    np.testing.assert_allclose(mean, FULL, rtol=1e-13)


def test_every_sample_is_the_full_gradient():
    np.testing.assert_allclose(mean_over_batches(EverySample(POINTS), [(range(N), [1.0] * N)], [1.0]), FULL, rtol=1e-14)


# ------------------------------------------------------------------------------------ distributions


def draws(oracle, size, steps=600, members=150):
    """Samples drawn, int[members, steps, 2 (first, second), size], through the whole driver."""
    run = simulate(oracle, Spy(), np.zeros(oracle.problem.point.shape[1]), steps, members=members, seed=SEED)
    shown = run.states[:, 1:, : 2 * size].astype(int)
    return shown.reshape(members, steps, 2, size)


def cloud(n, d=4):
    return Points(np.zeros((n, d)), np.ones((n, d)))


def assert_uniform(cells, number, probabilities=None):
    """`cells` (integers in [0, number)) have these probabilities (default: equal)."""
    counts = np.bincount(np.ravel(cells), minlength=number)
    expected = counts.sum() * (np.full(number, 1 / number) if probabilities is None else np.asarray(probabilities))
    assert counts.size == number
    assert expected.min() > 20
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert statistic < scipy.stats.chi2.isf(FALSE_ALARM, number - 1)


def code(columns, n):
    """One integer for each tuple of samples; last axis: the tuple."""
    return (columns * n ** np.arange(columns.shape[-1])).sum(axis=-1)


def test_with_replacement_draws_are_independent_and_uniform():
    n = 5
    shown = draws(WithReplacement(cloud(n), 2, shared=False), 2)
    assert_uniform(code(shown.reshape(150, 600, 4), n), n**4)  # the four draws of a step
    ahead = np.concatenate([shown[:, :-1, 0], shown[:, 1:, 0]], axis=-1)
    assert_uniform(code(ahead, n), n**4)  # this step and the next


def test_shared_draws_are_one_draw():
    for oracle in (WithReplacement, WithoutReplacement):
        shown = draws(oracle(cloud(5), 2), 2, steps=50, members=10)
        assert (shown[:, :, 0] == shown[:, :, 1]).all()
        shown = draws(oracle(cloud(5), 2, shared=False), 2, steps=50, members=10)
        assert (shown[:, :, 0] != shown[:, :, 1]).any()


def test_members_draw_independently():
    shown = draws(WithReplacement(cloud(5), 2), 2)[:, :, 0]
    assert_uniform(code(np.concatenate([shown[:-1], shown[1:]], axis=-1), 5), 5**4)


def test_without_replacement_draws_subsets_uniformly_and_afresh():
    """Each step goes on from the order that the last one left, which must not show."""
    n = 4
    shown = draws(WithoutReplacement(cloud(n), 2, shared=False), 2)
    assert (shown[..., 0] != shown[..., 1]).all()
    pairs = {code(np.array(pair), n): k for k, pair in enumerate(itertools.permutations(range(n), 2))}
    number = np.vectorize(pairs.get)(code(shown, n))  # [members, steps, 2], below 12
    assert_uniform(code(number, 12), 144)  # ascent and descent of a step
    ahead = np.stack([number[:, :-1, 1], number[:, 1:, 0]], axis=-1)
    assert_uniform(code(ahead, 12), 144)  # this descent and the next ascent


def test_whole_batches_without_replacement_are_permutations():
    shown = draws(WithoutReplacement(cloud(4, 8), 4), 4, steps=100)[:, :, 0]
    assert (np.sort(shown, axis=-1) == np.arange(4)).all()
    assert len(np.unique(code(shown, 4))) == 24


def test_reshuffled_epochs_are_uniform_independent_permutations():
    n = 3
    shown = draws(Reshuffled(cloud(n), 1), 1)
    assert (shown[:, :, 0] == shown[:, :, 1]).all()
    epochs = shown[:, :, 0, 0].reshape(150, -1, n)
    assert (np.sort(epochs, axis=-1) == np.arange(n)).all()
    orders = {code(np.array(order), n): k for k, order in enumerate(itertools.permutations(range(n)))}
    number = np.vectorize(orders.get)(code(epochs, n))
    assert_uniform(code(np.stack([number[:, :-1], number[:, 1:]], axis=-1), 6), 36)


def test_reshuffled_drops_the_remainder():
    shown = draws(Reshuffled(cloud(5), 2), 2, steps=400)[:, :, 0].reshape(150, 200, 4)
    assert all(len(set(epoch)) == 4 for epoch in shown.reshape(-1, 4).tolist())
    assert_uniform(shown, 5)  # whoever is left out changes from epoch to epoch


def test_importance_draws_have_their_probabilities():
    p = np.array([0.5, 0.3, 0.15, 0.05])
    shown = draws(importance(cloud(4), p, 2, shared=False), 2)
    assert_uniform(code(shown.reshape(150, 600, 4)[..., 1:3], 4), 16, np.outer(p, p).ravel())


def test_every_sample_comes_in_order():
    assert (draws(EverySample(cloud(4, 8)), 4, steps=5, members=2) == np.arange(4)).all()


def test_additive_noise_has_its_covariance():
    """Covariance of z -> factor z is factor factor': exactly, because standard normals are NumPy's own."""
    still = Diagonal(np.zeros(D), np.zeros(D))
    run = simulate(FactorNoise(still, FACTOR), GD(1.0), np.zeros(D), 1, members=40_000, seed=SEED)
    noise = -run.x
    whitened = np.linalg.lstsq(FACTOR, noise.T, rcond=None)[0]
    np.testing.assert_allclose(FACTOR @ whitened, noise.T, atol=1e-12)  # it lies in the range of the factor
    # |z|^2 is chi-squared with 2 degrees of freedom: its sum over the members with 80000
    low, high = scipy.stats.chi2.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], whitened.size)
    assert low < (whitened**2).sum() < high


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("size", [0, -1, 2.5, True, None])
@pytest.mark.parametrize("oracle", [WithReplacement, WithoutReplacement, Reshuffled])
def test_empty_or_fractional_batches_are_refused(oracle, size):
    with pytest.raises(ValueError, match="size"):
        oracle(POINTS, size)


@pytest.mark.parametrize("oracle", [WithoutReplacement, Reshuffled])
def test_more_samples_than_there_are(oracle):
    with pytest.raises(ValueError, match="size = 9 is more than the 8"):
        simulate(oracle(POINTS, N + 1), GD(0.1), X0, 1)


def test_reshuffled_has_one_block_a_step():
    with pytest.raises(ValueError, match="shared = False"):
        simulate(Reshuffled(POINTS, 2, shared=False), GD(0.1), X0, 1)


def test_probabilities_are_checked():
    with pytest.raises(ValueError, match="sums to"):
        importance(POINTS, np.full(N, 0.1))
    with pytest.raises(ValueError, match=r"p\[3\] = .*0\.0.*must be > 0"):
        importance(POINTS, [0.2, 0.2, 0.1, 0.0, 0.1, 0.1, 0.1, 0.2])
    with pytest.raises(ValueError, match="must be > 0"):
        importance(POINTS, [-0.2, 0.2, 0.1, 0.4, 0.1, 0.1, 0.1, 0.2])
    with pytest.raises(ValueError, match="shape"):
        importance(POINTS, [0.5, 0.5])
    with pytest.raises(ValueError, match="size = 0"):
        importance(POINTS, P, 0)
    made = importance(POINTS, P)
    assert isinstance(made, Importance)
    with pytest.raises(ValueError, match=r"weight has shape \(1,\); the problem has 8 samples"):
        made._replace(weight=[1.0])  # compiled code would read beyond its end


def test_shared_is_true_or_false():
    with pytest.raises(ValueError, match="shared = 'no' is not allowed"):
        WithReplacement(POINTS, 2, "no")
    with pytest.raises(ValueError, match="shared = None is not allowed"):
        GaussianNoise(PARABOLA, 0.1, None)


def test_noise_parameters_are_checked():
    for bad in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="sigma"):
            GaussianNoise(PARABOLA, bad)
    with pytest.raises(ValueError, match="factor"):
        FactorNoise(PARABOLA, [1.0, 2.0])
    with pytest.raises(ValueError, match="factor has 2 rows; the problem has dimension 3"):
        simulate(FactorNoise(PARABOLA, np.ones((2, 2))), GD(0.1), X0, 1)


def test_samples_of_a_problem_without_samples():
    with pytest.raises(TypeError, match="samples is not registered for Diagonal"):
        simulate(WithReplacement(PARABOLA, 2), GD(0.1), X0, 1)


def test_one_realisation_is_the_weighted_mean_of_the_samples():
    from samtheory.evaluate import sample_gradients
    from samtheory.oracles import OneRealisation
    from samtheory.problems.finite_sum import LeastSquares
    from samtheory.rules.gd import GD
    from samtheory.simulate import simulate

    rng = np.random.default_rng(0)
    problem = LeastSquares(rng.standard_normal((4, 2)), rng.standard_normal(4), 0.2)
    x, weight = rng.standard_normal(2), np.array([0.0, 1.5, 0.5, 3.0])
    moved = simulate(OneRealisation(problem, weight), GD(1.0), x, 1).x
    np.testing.assert_allclose(x - moved, weight @ sample_gradients(problem, x) / 4, rtol=1e-13)
    with pytest.raises(ValueError, match=r"weight has shape \(3,\)"):
        OneRealisation(problem, weight[:3])


SQUARES = LeastSquares(POINTS.point, POINTS.point[:, 0], 0.3)


@pytest.mark.parametrize(
    "oracle, z, idx",
    [
        (GaussianNoise(PARABOLA, 0.7), [1.0, -2.0, 0.5], []),
        (FactorNoise(PARABOLA, FACTOR), [1.5, -0.4], []),
        (WithReplacement(SQUARES, 3), [1.0, 1.0, 1.0], [2, 2, 5]),
        (importance(SQUARES, P, 2), [2.5, 0.4], [0, 6]),
    ],
    ids=lambda v: type(v).__name__,
)
def test_values_are_those_whose_gradient_the_oracle_gives(oracle, z, idx):
    """Quadratic in x: central differences have only round-off."""
    batch, work, out = Batch(np.array(z), np.array(idx, dtype=np.int64)), np.empty(20), np.empty(D)
    gradient(oracle, X0, batch, out, work)
    slope = [value(oracle, X0 + e, batch, work) - value(oracle, X0 - e, batch, work) for e in np.eye(D)]
    np.testing.assert_allclose(np.array(slope) / 2, out, rtol=1e-13)
