"""Every update rule against its formula written down again in NumPy (`oracles/naive.py`), to the last bit where the
operations come in the same order; guards, schedules, refusals."""

import math

import numpy as np
import pytest
from oracles import naive
from oracles.points import Points

from samtheory.kernel import interpreted
from samtheory.oracles import EverySample, FullBatch, GaussianNoise, WithReplacement
from samtheory.problems.quadratic import Diagonal, Quadratic, quadratic
from samtheory.rules.gd import GD
from samtheory.rules.momentum import HeavyBall, Nesterov
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import InverseRoot, InverseTime, Phases, Table
from samtheory.rules.sharded import Sharded
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

D, N, STEPS = 5, 8, 25
LAM = np.array([0.1, 0.3, 0.7, 1.0, 1.3])
CENTRE = np.array([0.0, -1.0, 0.5, 2.0, 0.1])
X0 = np.array([1.0, 2.0, -1.0, 0.3, 0.7])
ETA, RHO, LAMBDA, BETA = 0.4, 0.2, 0.3, 0.6
rng = np.random.default_rng(5)
POINTS = Points(rng.standard_normal((N, D)), 0.2 + rng.random((N, D)))


def const(value):
    return lambda t: value


# name -> (rule, the direction by formula, whether the operations come in the same order)
DIRECTIONS = {
    "gd": (GD(ETA), naive.gd_direction(), True),
    "sam": (SAM(ETA, RHO), naive.sam_direction(const(RHO)), True),
    "usam": (USAM(ETA, RHO), naive.usam_direction(const(RHO)), True),
    "unified": (UnifiedSAM(ETA, RHO, LAMBDA), naive.unified_direction(const(RHO), const(LAMBDA)), False),
}
RULES = {name: (rule, naive.plain(const(ETA), u), same) for name, (rule, u, same) in DIRECTIONS.items()}
for inner in ("gd", "sam"):
    rule, u, same = DIRECTIONS[inner]
    RULES[f"heavy-ball {inner}"] = HeavyBall(rule, BETA), naive.heavy_ball(const(ETA), BETA, u), same
    RULES[f"nesterov {inner}"] = Nesterov(rule, BETA), naive.nesterov(const(ETA), BETA, u), same


def assert_equal(ours, expected, same_order):
    if same_order:
        np.testing.assert_array_equal(ours, expected)
    else:
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-14 * np.abs(expected).max())


def both_ways(*args, **options):
    """The run, compiled; interpreted it must have the same bits."""
    run = simulate(*args, **options)
    with interpreted():
        plain = simulate(*args, **options)
    np.testing.assert_array_equal(run.states, plain.states)
    np.testing.assert_array_equal(run.omitted, plain.omitted)
    return run


def diagonal_gradient(x):
    return LAM * (x - CENTRE)


def sample_gradient(i, x):
    return POINTS.weight[i] * (x - POINTS.point[i])


@pytest.mark.parametrize("name", RULES)
def test_full_batch(name):
    rule, formula, same = RULES[name]
    ours = both_ways(Diagonal(LAM, CENTRE), rule, X0, STEPS).states
    assert_equal(ours, naive.run(formula, naive.exact(diagonal_gradient), X0, STEPS), same)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("name", RULES)
def test_mini_batches(name, shared):
    rule, formula, same = RULES[name]
    ours = both_ways(WithReplacement(POINTS, 4, shared), rule, X0, STEPS, members=3, seed=2).states
    for m in range(3):
        noise = naive.with_replacement(naive.generator(2, m), sample_gradient, N, 4, shared)
        assert_equal(ours[m], naive.run(formula, noise, X0, STEPS), same)


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5, 6, 7, 10, *range(15, 26), 30])
def test_dense_quadratic_of_any_dimension(d):
    """The matrix product takes d mod 4 columns, then eights (from d = 16 on), then fours."""
    p = quadratic(np.linspace(-0.2, 1, d), centre=np.linspace(-1, 1, d), rotation=np.random.default_rng(d))
    assert isinstance(p, Quadratic)
    x0 = np.linspace(1, 2, d)
    expected = naive.run(
        naive.plain(const(ETA), naive.sam_direction(const(RHO))),
        naive.exact(lambda x: naive.times(p.matrix, x - p.centre)),
        x0,
        STEPS,
    )
    np.testing.assert_array_equal(both_ways(p, SAM(ETA, RHO), x0, STEPS).states, expected)


@pytest.mark.parametrize("make", [lambda p: p, lambda p: GaussianNoise(p, 0.1), lambda p: GaussianNoise(p, 0.1, False)])
def test_unified_sam_contains_usam_and_sam_bit_for_bit(make):
    oracle = make(Diagonal(LAM, CENTRE))
    options = dict(members=4, seed=1)
    for lam, rule in ((0.0, USAM(ETA, RHO)), (1.0, SAM(ETA, RHO))):
        unified = simulate(oracle, UnifiedSAM(ETA, RHO, lam), X0, 200, **options)
        alone = simulate(oracle, rule, X0, 200, **options)
        assert unified.states.tobytes() == alone.states.tobytes()


# ------------------------------------------------------------------------------------ shards


@pytest.mark.parametrize("m", [1, 2, 4, 8])
@pytest.mark.parametrize("inner", ["sam", "usam"])
def test_shards_of_all_samples(m, inner):
    rule, direction, _ = DIRECTIONS[inner]
    ours = both_ways(EverySample(POINTS), Sharded(rule, m), X0, STEPS).states
    formula = naive.plain(const(ETA), naive.sharded_direction(m, direction))
    expected = naive.run(formula, naive.every_sample(sample_gradient, N), X0, STEPS)
    assert_equal(ours, expected, True)  # numbers of shards are powers of two: weighting is exact


@pytest.mark.parametrize("size, m", [(6, 2), (3, 1)])
def test_shards_of_a_mini_batch_with_momentum(size, m):
    rule, direction, _ = DIRECTIONS["sam"]
    ours = both_ways(WithReplacement(POINTS, size), HeavyBall(Sharded(rule, m), BETA), X0, STEPS, seed=4).states
    noise = naive.with_replacement(naive.generator(4, 0), sample_gradient, N, size)
    formula = naive.heavy_ball(const(ETA), BETA, naive.sharded_direction(m, direction))
    assert_equal(ours, naive.run(formula, noise, X0, STEPS), False)


def test_one_shard_is_the_rule_itself():
    alone = simulate(EverySample(POINTS), SAM(ETA, RHO), X0, STEPS)
    one = simulate(EverySample(POINTS), Sharded(SAM(ETA, RHO), N), X0, STEPS)
    np.testing.assert_array_equal(one.states, alone.states)


@pytest.mark.parametrize("m", [3, 5, 16])
def test_shards_must_divide_the_batch(m):
    with pytest.raises(ValueError, match=f"m = {m} does not divide the batch of 8"):
        simulate(EverySample(POINTS), Sharded(SAM(ETA, RHO), m), X0, 1)


@pytest.mark.parametrize("wrap", [lambda p: p, FullBatch, lambda p: GaussianNoise(p, 0.1)])
def test_shards_need_a_batch(wrap):
    with pytest.raises(ValueError, match="EverySample or in a mini-batch"):
        simulate(wrap(Diagonal(LAM, CENTRE)), Sharded(SAM(ETA, RHO), 1), X0, 1)
    with pytest.raises(ValueError, match="EverySample"):  # also inside momentum
        simulate(wrap(Diagonal(LAM, CENTRE)), HeavyBall(Sharded(SAM(ETA, RHO), 1), 0.5), X0, 1)


def test_shards_keep_no_memory():
    with pytest.raises((TypeError, ValueError), match="HeavyBall"):
        simulate(EverySample(POINTS), Sharded(HeavyBall(GD(ETA), 0.5), 1), X0, 1)


# ------------------------------------------------------------------------------------ zero gradients


def test_zero_gradient_perturbs_nothing_and_is_counted():
    p = Diagonal(LAM, CENTRE)
    for rule, each in ((SAM(ETA, RHO), 1), (UnifiedSAM(ETA, RHO, 0.5), 1), (USAM(ETA, RHO), 0), (GD(ETA), 0)):
        run = both_ways(p, rule, CENTRE, 7)
        assert (run.states == CENTRE).all()
        assert run.omitted.tolist() == [7 * each]
    assert both_ways(p, UnifiedSAM(ETA, RHO, 0.0), CENTRE, 7).omitted.tolist() == [0]  # it never normalises
    assert both_ways(p, SAM(ETA, RHO), X0, 7).omitted.tolist() == [0]


def test_zero_gradient_is_counted_in_every_shard():
    point = np.tile(X0, (N, 1))
    point[-1] += 1.0  # one sample of eight pulls away from X0
    run = both_ways(EverySample(Points(point, np.ones((N, D)))), Sharded(SAM(ETA, RHO), 2), X0, 1)
    assert run.omitted.tolist() == [3]


def test_zero_gradient_by_member():
    run = simulate(Diagonal(LAM, CENTRE), SAM(ETA, RHO), np.stack([X0, CENTRE, X0]), 4)
    assert run.omitted.tolist() == [0, 4, 0]


# ------------------------------------------------------------------------------------ schedules

TABLE = np.array([0.5, 0.4, 0.1, 0.0, 0.3])
SCHEDULES = {
    "inverse time": (InverseTime(0.5, 3.0), lambda t: 0.5 / (1 + t / 3.0)),
    "inverse root": (InverseRoot(0.5), lambda t: 0.5 / math.sqrt(1 + t)),
    "table": (Table(TABLE), lambda t: TABLE[min(t, 4)]),
    "phases": (Phases([0.5, 0.1, 0.3], [3, 4, 1]), lambda t: 0.5 if t < 3 else 0.1 if t < 7 else 0.3),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_scheduled_steps(name):
    schedule, formula = SCHEDULES[name]
    ours = both_ways(Diagonal(LAM, CENTRE), GD(schedule), X0, STEPS).states
    expected = naive.run(naive.gd(formula), naive.exact(diagonal_gradient), X0, STEPS)
    np.testing.assert_array_equal(ours, expected)


def test_schedules_of_everything_at_once():
    (eta, eta_of), (rho, rho_of), (lam, lam_of) = (
        SCHEDULES[name] for name in ("inverse time", "table", "inverse root")
    )
    ours = both_ways(Diagonal(LAM, CENTRE), HeavyBall(UnifiedSAM(eta, rho, lam), BETA), X0, STEPS).states
    formula = naive.heavy_ball(eta_of, BETA, naive.unified_direction(rho_of, lam_of))
    assert_equal(ours, naive.run(formula, naive.exact(diagonal_gradient), X0, STEPS), False)


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize("bad", [-0.1, math.nan, math.inf, -math.inf, None, "fast", 1j])
def test_step_sizes_and_radii_are_finite_and_not_negative(bad):
    for make in (GD, lambda v: SAM(v, 0.1), lambda v: USAM(0.1, v), lambda v: UnifiedSAM(0.1, v, 0.5)):
        with pytest.raises(ValueError, match=r"eta|rho"):
            make(bad)


@pytest.mark.parametrize("bad", [-0.01, 1.01, math.nan])
def test_lambda_is_a_fraction(bad):
    with pytest.raises(ValueError, match="lam"):
        UnifiedSAM(0.1, 0.1, bad)


@pytest.mark.parametrize("bad", [-0.1, 1.0, 1.5, math.nan, math.inf])
@pytest.mark.parametrize("momentum", [HeavyBall, Nesterov])
def test_momentum_is_below_one(momentum, bad):
    with pytest.raises(ValueError, match="beta"):
        momentum(GD(0.1), bad)


def test_schedules_are_checked_like_numbers():
    with pytest.raises(ValueError, match=r"eta at step 1 = -0\.2"):
        GD(Table([0.1, -0.2]))
    with pytest.raises(ValueError, match="eta in phase 1 = -1"):
        GD(Phases([0.1, -1], [5, 5]))
    with pytest.raises(ValueError, match=r"steps has shape \(1,\), but values has shape \(2,\)"):
        Phases([0.1, 0.2], [5])
    with pytest.raises(ValueError, match=r"lam at step 2 = 1\.5"):
        UnifiedSAM(0.1, 0.1, Table([0.1, 0.2, 1.5]))
    with pytest.raises(ValueError, match="lam at step 0"):
        UnifiedSAM(0.1, 0.1, InverseRoot(2.0))
    with pytest.raises(ValueError, match="delay = 0"):
        InverseTime(0.1, 0)
    with pytest.raises(ValueError, match="shape"):
        Table([])


@pytest.mark.parametrize("inner", [HeavyBall(GD(0.1), 0.5), 0.1, (1, 2), None])
def test_momentum_and_shards_wrap_a_rule_that_gives_a_direction(inner):
    for outer in (HeavyBall(inner, 0.5), Nesterov(inner, 0.5), Sharded(inner, 1)):
        with pytest.raises((TypeError, ValueError), match=f"{type(inner).__name__}.*(no direction|memory)"):
            simulate(EverySample(POINTS), outer, X0, 1)


def test_changed_copies_are_checked_too():
    with pytest.raises(ValueError, match="rho = -1"):
        SAM(0.1, 0.1)._replace(rho=-1)
