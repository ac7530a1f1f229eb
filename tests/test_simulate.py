"""What `simulate` promises: bits that depend on nothing but the seed, exact resumption, divergence and stops reported
at the right step, refusals before any compute."""

import dataclasses
import importlib
import math
import subprocess
import sys

import numpy as np
import pytest
from oracles import naive
from oracles.points import Points, Spy

from samtheory.kernel import interpreted
from samtheory.oracles import GaussianNoise, Reshuffled, WithoutReplacement, WithReplacement
from samtheory.problems.quadratic import Diagonal, quadratic
from samtheory.rules.gd import GD
from samtheory.rules.momentum import HeavyBall
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import Divergence, Interrupted, simulate, states
from samtheory.stopping import LossBelow, Never

engine = importlib.import_module("samtheory.simulate")

D, N = 3, 8
LAM, CENTRE, X0 = np.array([0.1, 0.5, 1.0]), np.array([0.0, 1.0, -1.0]), np.array([1.0, -2.0, 0.5])
P = Diagonal(LAM, CENTRE)
POINTS = Points(np.random.default_rng(0).standard_normal((N, D)), np.ones((N, D)))
# something of everything: memory, noise, an order that is kept from step to step, stops
RUNS = {
    "noise": (GaussianNoise(P, 0.3, shared=False), HeavyBall(SAM(0.2, 0.1), 0.5), {"stop": LossBelow(0.05)}),
    "reshuffled": (Reshuffled(POINTS, 2), HeavyBall(SAM(0.2, 0.1), 0.5), {}),
    "subsets": (WithoutReplacement(POINTS, 3, shared=False), HeavyBall(SAM(0.2, 0.1), 0.5), {}),
}
STEPS, MEMBERS = 37, 7


def run(name, steps=STEPS, members=MEMBERS, **options):
    oracle, rule, more = RUNS[name]
    return simulate(oracle, rule, X0, steps, members=members, seed=5, **more, **options)


def assert_same(a, b):
    for field in dataclasses.fields(a):
        one, two = getattr(a, field.name), getattr(b, field.name)
        if field.name == "data":
            assert set(one) == set(two)
            for key in one:
                np.testing.assert_array_equal(one[key], two[key])
        elif field.name == "state":
            for piece in dataclasses.fields(one):
                np.testing.assert_array_equal(getattr(one, piece.name), getattr(two, piece.name))
        else:
            np.testing.assert_array_equal(one, two)


@pytest.fixture(params=RUNS)
def name(request):
    return request.param


# ------------------------------------------------------------------------------------ the same bits


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("chunk", [None, 1, 2, 3, 100])
def test_threads_and_chunks_do_not_show(name, threads, chunk):
    assert_same(run(name, threads=threads, chunk=chunk), run(name))


@pytest.mark.parametrize("work", [1, 50, 400, 3000])
def test_segments_do_not_show(name, work, monkeypatch):
    whole, sparse = run(name), run(name, every=4)
    monkeypatch.setattr(engine, "_SEGMENT_WORK", work)
    assert_same(run(name), whole)
    assert_same(run(name, every=4), sparse)
    monkeypatch.setattr(engine, "_SEGMENT_BYTES", 8 * MEMBERS * D * 5)
    assert_same(run(name, threads=2, chunk=2), whole)


def test_interpreted_bits_are_compiled_bits(name):
    compiled = run(name)
    with interpreted():
        assert_same(run(name), compiled)


def test_a_member_does_not_depend_on_how_many_there_are(name):
    many, few = run(name), run(name, members=2)
    np.testing.assert_array_equal(few.states, many.states[:2])
    assert len(np.unique(many.x, axis=0)) == MEMBERS


def test_the_seed_decides(name):
    oracle, rule, more = RUNS[name]
    assert_same(run(name), simulate(oracle, rule, X0, STEPS, members=MEMBERS, seed=5, **more))
    other = simulate(oracle, rule, X0, STEPS, members=MEMBERS, seed=6, **more)
    assert (other.states[:, 1] != run(name).states[:, 1]).any()
    big = simulate(oracle, rule, X0, 2, seed=2**200 + 3, **more)
    assert big.seed == 2**200 + 3 and np.isfinite(big.states).all()


def test_environment_may_set_the_threads(name, monkeypatch):
    monkeypatch.setenv("SAMTHEORY_THREADS", "3")
    assert_same(run(name), run(name, threads=1))


@pytest.mark.parametrize("value", ["abc", "-2", "1.5"])
def test_a_wrong_number_of_threads_in_the_environment(value, monkeypatch):
    monkeypatch.setenv("SAMTHEORY_THREADS", value)
    with pytest.raises(ValueError, match=f"SAMTHEORY_THREADS = '{value}' is not allowed"):
        simulate(P, GD(0.1), X0, 1)


# ------------------------------------------------------------------------------------ resuming


@pytest.mark.parametrize("cuts", [(10, 27), (0, 37), (1, 1, 35), (37, 0)])
def test_resumed_runs_are_one_run(name, cuts):
    whole = run(name)
    part = run(name, steps=cuts[0])
    for steps in cuts[1:]:
        part = run(name, steps=steps, resume=part)
    assert_same(part, whole)


def test_resuming_a_single_run():
    whole = simulate(P, SAM(0.2, 0.1), X0, 20)
    part = simulate(P, SAM(0.2, 0.1), X0, 12, resume=simulate(P, SAM(0.2, 0.1), X0, 8))
    assert_same(part, whole)
    assert part.states.shape == (21, D) and part.x.shape == (D,)


def test_resuming_with_another_spacing():
    first = simulate(P, GD(0.2), X0, 6, every=2)
    more = simulate(P, GD(0.2), X0, 9, every=3, resume=first)
    assert more.t.tolist() == [0, 2, 4, 6, 9, 12, 15]
    np.testing.assert_array_equal(more.states, simulate(P, GD(0.2), X0, 15).states[more.t])


def test_what_cannot_be_resumed():
    with pytest.raises(ValueError, match="ended at step 25, but its last record is of step 20"):
        simulate(P, GD(0.2), X0, 5, resume=simulate(P, GD(0.2), X0, 25, every=10))
    done = simulate(P, GD(0.2), X0, 5)
    with pytest.raises(ValueError, match="recorded"):
        simulate(P, GD(0.2), X0, 5, record={"y": states}, resume=done)
    for problem, rule in (
        (Diagonal([1.0, 2.0], [0.0, 0.0]), GD(0.2)),
        (P, HeavyBall(GD(0.2), 0.5)),
        (Reshuffled(POINTS, 2), GD(0.2)),
    ):
        with pytest.raises(ValueError, match="another problem, oracle or rule"):
            simulate(problem, rule, X0, 5, resume=done)


@pytest.mark.parametrize("work", [1, 100])
def test_an_interrupted_run_goes_on_with_the_same_bits(name, work, monkeypatch):
    whole = run(name)
    monkeypatch.setattr(engine, "_SEGMENT_WORK", work * MEMBERS * D)
    calls = []

    def interrupt(done, total):
        calls.append((done, total))
        if len(calls) == 3 or done == total:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=r"interrupted after \d+ steps") as caught:
        run(name, progress=interrupt)
    part = caught.value.trajectory
    done = int(part.t[-1])
    assert calls[-1] == (done, STEPS) and done > 0
    np.testing.assert_array_equal(part.states, whole.states[:, : done + 1])
    assert_same(run(name, steps=STEPS - done, resume=part), whole)
    assert isinstance(caught.value, KeyboardInterrupt)


def test_an_interrupt_inside_a_statistic_leaves_whole_segments(monkeypatch):
    monkeypatch.setattr(engine, "_segment", lambda *sizes: 5)
    calls = []

    def interrupting(x):
        calls.append(x.shape)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return x

    with pytest.raises(Interrupted) as caught:
        simulate(P, GD(0.2), X0, 30, record={"x": states, "y": interrupting})
    part = caught.value.trajectory
    assert part.t[-1] == part.state.t == 5
    assert part["x"].shape == part["y"].shape == (6, D)
    whole = simulate(P, GD(0.2), X0, 30, record={"x": states, "y": states})
    assert_same(simulate(P, GD(0.2), X0, 25, record={"x": states, "y": states}, resume=part), whole)


def test_progress_counts_up_to_the_end(monkeypatch):
    monkeypatch.setattr(engine, "_segment", lambda *sizes: 10)
    seen = []
    simulate(P, GD(0.2), X0, 35, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(10, 35), (20, 35), (30, 35), (35, 35)]


def test_an_error_in_progress_is_not_swallowed():
    def fail(done, total):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        simulate(P, GD(0.2), X0, 5, progress=fail)


# ------------------------------------------------------------------------------------ recording


@pytest.mark.parametrize("every", [1, 2, 5, 37, 40])
def test_every(name, every):
    sparse, dense = run(name, every=every), run(name)
    assert sparse.t.tolist() == list(range(0, STEPS + 1, every))
    np.testing.assert_array_equal(sparse.states, dense.states[:, sparse.t])
    np.testing.assert_array_equal(sparse.x, dense.x)


def test_shapes():
    single = simulate(P, GD(0.2), X0, 4)
    assert single.states.shape == (5, D) and single.x.shape == (D,) and single.stopped.shape == (1,)
    one = simulate(P, GD(0.2), X0, 4, members=1)
    assert one.states.shape == (1, 5, D)
    ensemble = simulate(P, GD(0.2), np.stack([X0, CENTRE]), 4)
    assert ensemble.states.shape == (2, 5, D)
    np.testing.assert_array_equal(ensemble.states[0], single.states)
    np.testing.assert_array_equal(single.x, single.states[-1])
    np.testing.assert_array_equal(single.states[0], X0)


def test_no_steps_at_all():
    still = simulate(GaussianNoise(P, 0.1), SAM(0.2, 0.1), X0, 0, members=3)
    assert still.t.tolist() == [0] and still.states.shape == (3, 1, D)
    assert (still.states == X0).all() and (still.stopped == -1).all() and (still.diverged == -1).all()
    assert_same(
        simulate(GaussianNoise(P, 0.1), SAM(0.2, 0.1), X0, 9, resume=still),
        simulate(GaussianNoise(P, 0.1), SAM(0.2, 0.1), X0, 9, members=3),
    )


def test_statistics_of_the_user(monkeypatch):
    record = {
        "size": lambda x: np.linalg.norm(x, axis=-1),
        "outer": lambda x: x[..., :, None] * x[..., None, :],
        "sign": lambda x: x[..., 0] > 0,
        "x": states,
    }
    expected = simulate(P, GD(0.2), np.stack([X0, -X0]), 20).states
    for work in (1, 1e9):
        monkeypatch.setattr(engine, "_SEGMENT_WORK", work)
        seen = simulate(P, GD(0.2), np.stack([X0, -X0]), 20, record=record)
        np.testing.assert_array_equal(seen.states, expected)
        np.testing.assert_array_equal(seen["size"], np.linalg.norm(expected, axis=-1))
        assert seen["outer"].shape == (2, 21, D, D)
        assert seen["sign"].dtype == bool
    single = simulate(P, GD(0.2), X0, 20, record=record)
    assert single["size"].shape == (21,) and single["outer"].shape == (21, D, D)
    assert simulate(P, GD(0.2), X0, 3, record={}).data == {}


def test_statistics_never_see_empty_pieces():
    """The last two of these eight steps record nothing."""
    seen = simulate(P, GD(0.2), X0, 8, every=3, record={"top": lambda x: x.max(axis=(1, 2))[:, None] + 0 * x[..., 0]})
    assert seen["top"].shape == (3,)


def test_statistics_of_a_wrong_shape_are_refused_before_any_step():
    taken = []
    for bad in (lambda x: np.linalg.norm(x), lambda x: x[0], lambda x: x.T):
        with pytest.raises(ValueError, match=r"record\['bad'\] gave an array of shape"):
            simulate(P, GD(0.2), X0, 3, members=2, record={"bad": bad}, progress=lambda *a: taken.append(a))
    assert not taken


def test_a_statistic_cannot_change_the_run():
    with pytest.raises(ValueError, match="read-only"):
        simulate(P, GD(0.1), X0, 3, record={"bad": lambda x: x.fill(5.0)})


def test_what_was_not_recorded():
    with pytest.raises(KeyError, match=r"'loss' was not recorded; there are \['x'\]"):
        simulate(P, GD(0.2), X0, 1)["loss"]


def test_trajectories_are_read_only():
    done = simulate(P, GD(0.2), X0, 5, members=2)
    for a in (done.states, done.x, done.omitted, done.state.x, done.state.streams):
        with pytest.raises(ValueError, match="read-only"):
            a[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        done.seed = 3  # type: ignore[misc]


def test_the_start_is_not_written_to():
    x0 = X0.copy()
    simulate(P, GD(0.2), x0, 5)
    ensemble = np.stack([x0, x0])
    simulate(P, GD(0.2), ensemble, 5)
    assert (x0 == X0).all() and (ensemble == X0).all()


# ------------------------------------------------------------------------------------ divergence


def doubling(limit, starts, **options):
    """x -> 2 x in each coordinate: member m leaves [-limit, limit] at the first t with 2^t |x| > limit."""
    return simulate(Diagonal([1.0, 1.0], [0.0, 0.0]), GD(3.0), starts, 20, limit=limit, **options)


STARTS = np.array([[0.0, 1.0], [0.0, 0.0], [3.0, -1.0], [0.0, 1e-9]])


def test_divergence_is_reported_at_its_step():
    report = doubling(1000.0, STARTS, on_divergence="report")
    assert report.diverged.tolist() == [10, -1, 9, -1]  # 2^10 > 1000, 3 * 2^9 > 1000
    assert (report.stopped == -1).all()
    for m, step in enumerate(report.diverged):
        gone = report.t >= step if step > 0 else np.zeros(21, dtype=bool)
        assert np.isnan(report.states[m, gone]).all() and np.isfinite(report.states[m, ~gone]).all()
    free = doubling(1e150, STARTS).states
    kept = np.isfinite(report.states)
    assert (np.abs(report.states[kept]) == np.abs(free[kept])).all()
    assert np.abs(report.x[0]).max() == 1024.0  # the iterate that left


def test_the_limit_itself_is_inside():
    assert doubling(1024.0, STARTS, on_divergence="report").diverged.tolist() == [11, -1, 9, -1]


def test_divergence_is_raised_with_step_and_member():
    with pytest.raises(Divergence, match=r"2 of 4 members diverged.*1000\); the first is member 2 at step 9") as caught:
        doubling(1000.0, STARTS)
    assert_same(caught.value.trajectory, doubling(1000.0, STARTS, on_divergence="report"))
    assert isinstance(caught.value, ArithmeticError)


def test_divergence_across_segments_and_resumption(monkeypatch):
    whole = doubling(1000.0, STARTS, on_divergence="report", every=3)
    monkeypatch.setattr(engine, "_SEGMENT_WORK", 1)
    with interpreted():
        assert_same(doubling(1000.0, STARTS, on_divergence="report", every=3), whole)
    monkeypatch.undo()
    p, options = Diagonal([1.0, 1.0], [0.0, 0.0]), dict(limit=1000.0, on_divergence="report")
    part = simulate(p, GD(3.0), STARTS, 12, **options)
    part = simulate(p, GD(3.0), STARTS, 8, resume=part, **options)
    assert_same(part, doubling(1000.0, STARTS, on_divergence="report"))


def test_overflow_and_nan_are_divergence():
    for lam in (1e308, math.nan):
        bad = Points(np.zeros((1, 2)), np.array([[1.0, lam]]))
        run = simulate(WithReplacement(bad, 1), GD(10.0), [1.0, 2.0], 3, on_divergence="report")
        assert run.diverged.tolist() == [1]
        assert np.isnan(run.states[1:]).all()


def test_a_diverged_member_disturbs_nobody():
    alone = simulate(GaussianNoise(P, 0.1), SAM(0.2, 0.1), X0, 50, seed=1)
    huge = np.stack([X0, np.full(D, 1e200)])
    both = simulate(GaussianNoise(P, 0.1), SAM(0.2, 0.1), huge, 50, seed=1, on_divergence="report")
    np.testing.assert_array_equal(both.states[0], alone.states)
    assert both.diverged.tolist() == [-1, 1]


# ------------------------------------------------------------------------------------ against NumPy


def test_a_dense_ensemble_against_numpy():
    """Seven members, noise of their own, both gradients with the same noise: every bit of every iterate."""
    p = quadratic([0.2, 0.5, 1.0], centre=CENTRE, rotation=np.random.default_rng(1))
    ours = simulate(GaussianNoise(p, 0.2), SAM(0.3, 0.1), X0, 60, members=MEMBERS, seed=9).states
    formula = naive.plain(lambda t: 0.3, naive.sam_direction(lambda t: 0.1))
    for m in range(MEMBERS):
        noise = naive.additive(naive.generator(9, m), lambda x: naive.times(p.matrix, x - CENTRE), D, 0.2)
        np.testing.assert_array_equal(ours[m], naive.run(formula, noise, X0, 60))


def test_stationary_variance_of_noisy_gradient_descent():
    """x' = (1 - eta lam) x - eta sigma z from 0: after t steps the variance is eta^2 sigma^2 sum_s (1 - eta lam)^2s.

    The sum of squares over the members is chi-squared; with another seed this fails with probability 1e-6.
    """
    import scipy.stats

    eta, sigma, t, members = 0.4, 0.7, 30, 20_000
    run = simulate(GaussianNoise(Diagonal(LAM, np.zeros(D)), sigma), GD(eta), np.zeros(D), t, every=t, members=members)
    shrink = (1 - eta * LAM) ** 2
    variance = eta**2 * sigma**2 * (1 - shrink**t) / (1 - shrink)
    low, high = scipy.stats.chi2.ppf([0.5e-6, 1 - 0.5e-6], members * D)
    assert low < (run.x**2 / variance).sum() < high


# ------------------------------------------------------------------------------------ refusals

BAD = [
    (dict(x0=[1.0, 2.0]), ValueError, r"x0 has shape \(2,\); it must be \(3\)"),
    (dict(x0=np.ones((2, 4))), ValueError, r"x0 has shape \(2, 4\)"),
    (dict(x0=np.ones((2, 3)), members=2), ValueError, "x0 has shape"),
    (dict(x0=np.ones((0, 3))), ValueError, "x0 has shape"),
    (dict(x0=1.0), ValueError, "x0 has shape"),
    (dict(x0=[1.0, math.nan, 0.0]), ValueError, "x0 has entries that are not finite"),
    (dict(x0=["a", "b", "c"]), ValueError, "x0 is not an array of numbers"),
    (dict(steps=-1), ValueError, "steps = -1"),
    (dict(steps=1.5), ValueError, "steps = 1.5"),
    (dict(every=0), ValueError, "every = 0"),
    (dict(members=0), ValueError, "members = 0"),
    (dict(members=-2), ValueError, "members = -2"),
    (dict(members=2.0), ValueError, "members = 2.0"),
    (dict(seed=-1), ValueError, "seed = -1"),
    (dict(seed=0.5), ValueError, "seed = 0.5"),
    (dict(limit=0.0), ValueError, "limit = 0"),
    (dict(limit=math.inf), ValueError, "limit = inf"),
    (dict(threads=0), ValueError, "threads = 0"),
    (dict(threads=-1), ValueError, "threads = -1"),
    (dict(chunk=0), ValueError, "chunk = 0"),
    (dict(on_divergence="ignore"), ValueError, "on_divergence = 'ignore'"),
    (dict(rule=0.1), TypeError, "rule = float has no direction"),
    (dict(rule=P), TypeError, "rule = Diagonal has no direction"),
    (dict(rule=GD), TypeError, "no direction"),
    (dict(problem=3.0), TypeError, "problem = float has no"),
    (dict(problem=GD(0.1)), TypeError, "problem = GD has no"),
    (dict(problem=GaussianNoise(4.0, 0.1)), TypeError, "problem = float has no"),
    (dict(stop=1e-3), TypeError, "stop = float is no stop condition"),
    (dict(stop=Never), TypeError, "stop = the class Never itself, not an instance"),
    (dict(rule=USAM), TypeError, "rule = the class USAM itself, not an instance"),
    (dict(problem=Diagonal), TypeError, "problem = the class Diagonal itself, not an instance"),
    (dict(problem=GaussianNoise(GaussianNoise(P, 0.1), 0.1)), TypeError, "not around another oracle"),
    (dict(x0=[[1.0], [1.0, 2.0]]), ValueError, "x0 is not an array of numbers"),
    (dict(x0=[10**400, 0.0, 0.0]), ValueError, "x0 is not an array of numbers"),
    (dict(steps=2**70), ValueError, "steps = 1180591620717411303424 is not allowed"),
    (dict(every=2**70), ValueError, "every = 1180591620717411303424 is not allowed"),
    (dict(record="x"), TypeError, "record = 'x' is not allowed; it must map names to functions"),
    (dict(record={"x": 3}), TypeError, "it must map names to functions"),
    (dict(record=lambda x: x), TypeError, "it must map names to functions"),
    (dict(progress=3), TypeError, "progress = 3 is not allowed"),
    (dict(resume="run"), TypeError, "resume = 'run' is not allowed"),
]


@pytest.mark.parametrize("change, error, message", BAD, ids=[str(i) for i in range(len(BAD))])
def test_unusable_arguments_are_refused_before_any_step(change, error, message, monkeypatch):
    monkeypatch.setattr(engine, "_advance", lambda *a: pytest.fail("a step was taken"))
    arguments = dict(problem=P, rule=USAM(0.1, 0.1), x0=X0, steps=3) | change
    with pytest.raises(error, match=message):
        simulate(**arguments)


def test_a_problem_without_a_gradient_is_fine_for_a_mini_batch_only():
    with pytest.raises(TypeError, match=r"problem = Points has no .*grad"):
        simulate(POINTS, GD(0.1), X0, 3)
    assert simulate(WithReplacement(POINTS, 1), GD(0.1), X0, 3).t[-1] == 3


def test_a_rule_with_a_step_of_its_own():
    shown = simulate(WithReplacement(Points(np.zeros((5, 4)), np.ones((5, 4))), 2), Spy(), np.zeros(4), 10)
    assert set(np.unique(shown.states[1:])) <= set(range(5))


def test_importing_is_light():
    code = (
        "import sys, samtheory, samtheory.simulate, samtheory.problems, samtheory.rules\n"
        "print(*({'numba', 'scipy', 'sympy', 'matplotlib', 'torch', 'rich'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == ""


def test_running_interpreted_needs_no_numba():
    code = (
        "import sys\n"
        "from samtheory.problems.quadratic import quadratic\n"
        "from samtheory.rules.sam import SAM\n"
        "from samtheory.simulate import simulate\n"
        "simulate(quadratic([1.0, 0.5]), SAM(0.1, 0.1), [1.0, 1.0], 5)\n"
        "print('numba' in sys.modules)"
    )
    environment = {**__import__("os").environ, "SAMTHEORY_JIT": "0"}
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    assert out.stdout.strip() == "False"
