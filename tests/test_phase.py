"""Phase maps against the runs that they are made of; refusals; interrupts; what is kept and what is not reused."""

import math
import signal
import threading
from typing import NamedTuple

import numpy as np
import pytest

from samtheory.kernel import interpreted
from samtheory.measures.limits import classify
from samtheory.phase import Interrupted, limits_of, phase_map
from samtheory.problems.core import dim, grad, hess
from samtheory.problems.double_well import DoubleWell
from samtheory.rules.gd import GD
from samtheory.rules.hessian_usam import HessianUSAM
from samtheory.rules.momentum import HeavyBall
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.stopping import Never, Settled

P = DoubleWell()
STARTS = np.linspace(-1.2, 1.2, 7)[:, None] + 1e-3
AXES = {"eta": [0.1, 0.2], "rho": [0.5, 1.5, 2.5]}


@pytest.fixture(autouse=True)
def plain():
    with interpreted():
        yield


def last_point(problem, rule, trajectory):
    return {"x": trajectory.state.x, "eta": np.float64(rule.eta)}


def test_every_cell_is_its_own_run():
    ours = phase_map(P, USAM, AXES, STARTS, 1500, stop=Settled(1e-12, 5), threads=2)
    assert ours.done.all() and ours["label"].shape == (2, 3, 7) and ours["point"].shape == (2, 3, 7, 1)
    for i, eta in enumerate(AXES["eta"]):
        for j, rho in enumerate(AXES["rho"]):
            rule = USAM(eta, rho)
            run = simulate(P, rule, STARTS, 1500, stop=Settled(1e-12, 5), limit=1e6, on_divergence="report")
            limits = classify(P, rule, run)
            assert ours["label"][i, j].tolist() == limits.label.tolist()
            np.testing.assert_array_equal(ours["point"][i, j], limits.point)
            assert ours.fraction("local maximum")[i, j] == (limits.label == "local maximum").mean()
    share = ours.fraction("local maximum")
    assert (share[:, 0] == 0).all() and (share[:, 1:] > 0).all()  # rho = 1 is where the maximum begins to attract


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_threads_change_nothing(threads):
    ours = phase_map(P, USAM, AXES, STARTS, 60, last_point, stop=Never(), threads=threads)
    np.testing.assert_array_equal(ours["x"], phase_map(P, USAM, AXES, STARTS, 60, last_point, stop=Never())["x"])
    np.testing.assert_array_equal(ours["eta"], np.array(AXES["eta"])[:, None] * np.ones(3))


def test_rules_and_problems_of_the_cell():
    ours = phase_map(
        lambda scale, beta: DoubleWell(scale),
        lambda scale, beta: HeavyBall(GD(0.1), beta),
        {"scale": [1.0, 2.0], "beta": [0.0, 0.5]},
        STARTS,
        200,
    )
    assert (ours.fraction("minimum") == 1).all()
    np.testing.assert_allclose(ours["lam_max"][1] / ours["lam_max"][0], 2)


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({}, "axes is empty"),
        ({"eta": [0.1], "rho": []}, r"axes\['rho'\] is empty"),
        ({"eta": [0.1], "rho": [0.1, 0.0]}, r"axes\['rho'\] has the value 0.0; it must be > 0"),
        ({"eta": [0.1, -0.1], "rho": [0.1]}, r"axes\['eta'\] has the value -0.1"),
        ({"eta": [0.1], "rho": [math.nan]}, r"axes\['rho'\] has entries that are not finite"),
        ({"eta": [0.1], "rho": [[0.1]]}, r"axes\['rho'\] has shape"),
        ({"eta": ["fast"], "rho": [0.1]}, r"axes\['eta'\] is not an array of numbers"),
        ({"eta": [0.1], "rho": [0.1, 0.1]}, r"axes\['rho'\] has a value twice"),
    ],
)
def test_bad_axes_are_named(axes, message):
    with pytest.raises(ValueError, match=message):
        phase_map(P, USAM, axes, STARTS, 10)


def test_zero_where_it_is_allowed():
    phase_map(P, USAM, {"eta": [0.1], "rho": [0.0, 0.1]}, STARTS, 10, last_point, may_be_zero=("rho",))
    with pytest.raises(ValueError, match="beta"):
        phase_map(P, lambda beta: HeavyBall(GD(0.1), beta), {"beta": [0.0, -0.1]}, STARTS, 10)
    with pytest.raises(ValueError, match=r"beta = 1\.0"):
        phase_map(P, lambda beta: HeavyBall(GD(0.1), beta), {"beta": [0.0, 1.0]}, STARTS, 10)


class Kinked(NamedTuple):
    """|x|: no Hessian."""


@dim.register(Kinked)
def _dim(p):
    return 1


@grad.register(Kinked)
def _grad(p, x, out, work):
    out[0] = 1.0 if x[0] > 0.0 else -1.0


def test_what_cannot_run_is_refused_before_any_cell():
    done = []
    with pytest.raises(TypeError, match="HessianUSAM needs"):
        phase_map(Kinked(), HessianUSAM, AXES, STARTS, 10, last_point, progress=lambda *a: done.append(a))
    with pytest.raises(ValueError, match="x0 has shape"):
        phase_map(P, USAM, AXES, np.ones((3, 2)), 10, progress=lambda *a: done.append(a))
    for arguments in ({"steps": 0}, {"threads": 0}, {"limit": -1.0}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            phase_map(P, USAM, AXES, STARTS, **{"steps": 10, **arguments}, progress=lambda *a: done.append(a))
    assert done == []
    with pytest.raises(ValueError, match="same in every cell"):
        phase_map(P, USAM, AXES, STARTS, 10, lambda p, r, t: {"x": np.zeros(int(10 * r.rho))})
    with pytest.raises(ZeroDivisionError):
        phase_map(P, USAM, AXES, STARTS, 10, lambda p, r, t: {"x": 1 / 0}, threads=2)


# ------------------------------------------------------------------------------------ progress, interrupts, store


def test_progress_streams():
    seen = []
    phase_map(P, USAM, AXES, STARTS, 10, last_point, progress=lambda *a: seen.append(a), threads=1)
    assert seen[0] == (0, 6) and seen[-1] == (6, 6) and [k for k, _ in seen] == sorted(k for k, _ in seen)
    assert len(seen) >= 3


def test_an_interrupt_loses_no_finished_cell(tmp_path):
    ran = []

    def counted(problem, rule, trajectory):
        ran.append(rule)
        return {"x": trajectory.state.x, "label": np.full(7, "minimum"), "period": np.ones(7, dtype=int)}

    def interrupt(finished, total):
        if finished >= 2:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="of 6 cells finished") as caught:
        phase_map(P, USAM, AXES, STARTS, 30, counted, progress=interrupt, threads=1, store=tmp_path)
    part, first = caught.value.map, len(ran)
    assert 2 <= part.done.sum() == first < 6 == part.done.size
    assert np.isnan(part["x"][~part.done]).all() and np.isfinite(part["x"][part.done]).all()
    assert (part["period"][~part.done] == -1).all() and (part["label"][~part.done] == "").all()
    assert np.isnan(part.fraction("minimum")[~part.done]).all()
    whole = phase_map(P, USAM, AXES, STARTS, 30, counted, threads=1, store=tmp_path)
    assert len(ran) == 6 and whole.done.all()
    np.testing.assert_array_equal(whole["x"][part.done], part["x"][part.done])
    again = phase_map(P, USAM, AXES, STARTS, 30, counted, threads=1, store=tmp_path)
    assert len(ran) == 6
    np.testing.assert_array_equal(again["x"], phase_map(P, USAM, AXES, STARTS, 30, counted)["x"])


def test_a_signal_in_the_middle_of_a_cell(tmp_path):
    """Ctrl-C while a cell runs: it is left, the finished ones are there."""
    timers = []

    def start_clock(finished, total):
        if not timers:
            timers.append(threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]))
            timers[0].start()

    axes = {"eta": np.linspace(0.01, 0.2, 500)}
    run = {"stop": Never(), "threads": 2, "store": tmp_path, "progress": start_clock}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    try:
        with pytest.raises(Interrupted) as caught:
            phase_map(P, GD, axes, STARTS, 5000, last_point, **run)
        timers[0].join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert 0 < caught.value.map.done.sum() < 500
    assert len(list(tmp_path.glob("*.npz"))) == caught.value.map.done.sum() == len(list(tmp_path.iterdir()))


def test_the_store_tells_apart_whatever_decides_a_cell(tmp_path):
    def other(problem, rule, trajectory):
        return {"x": trajectory.state.x + 1}

    def run(problem=P, rule=USAM, axes=None, starts=STARTS, steps=20, statistic=last_point, **options):
        phase_map(
            problem, rule, axes or {"eta": [0.1], "rho": [0.5]}, starts, steps, statistic, store=tmp_path, **options
        )
        return len(list(tmp_path.iterdir()))

    assert run() == run() == 1
    changes = (
        dict(problem=DoubleWell(2.0)),
        dict(rule=HessianUSAM),
        dict(rule=lambda eta, rho: USAM(eta, 2 * rho)),
        dict(axes={"eta": [0.1], "rho": [0.6]}),
        dict(starts=STARTS + 1e-12),
        dict(steps=21),
        dict(statistic=other),
        dict(stop=Never()),
        dict(seed=1),
        dict(limit=1e5),
    )
    for k, change in enumerate(changes):
        assert run(**change) == k + 2 == run(**change)
    assert run(rule=lambda rho, eta: USAM(eta, rho)) == len(changes) + 1  # the same rules
    with pytest.raises(TypeError, match="no plain function"):
        import functools

        run(statistic=functools.partial(last_point))


def test_the_store_sees_the_code_of_a_problem(tmp_path):
    """Two classes of one name and the same fields whose gradients differ."""
    sizes = []
    for power in (1.0, 2.0):

        class Bowl(NamedTuple):
            scale: float

        dim.register(Bowl)(_dim)

        def slope(p, x, out, work, power=power):
            out[0] = power * p.scale * x[0]

        if power == 1.0:
            grad.register(Bowl)(lambda p, x, out, work: slope(p, x, out, work))
        else:
            grad.register(Bowl)(lambda p, x, out, work: slope(p, 2.0 * x, out, work))
        phase_map(Bowl(1.0), GD, {"eta": [0.1]}, STARTS, 5, last_point, stop=Never(), store=tmp_path)
        sizes.append(len(list(tmp_path.iterdir())))
    assert sizes == [1, 2]


def test_a_torn_file_is_run_again(tmp_path):
    axes = {"eta": [0.1], "rho": [0.5]}
    whole = phase_map(P, USAM, axes, STARTS, 20, last_point, store=tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:40])
    again = phase_map(P, USAM, axes, STARTS, 20, last_point, store=tmp_path)
    np.testing.assert_array_equal(again["x"], whole["x"])


def test_xarray():
    ours = phase_map(P, USAM, AXES, STARTS, 300)
    try:
        import xarray
    except ImportError:
        with pytest.raises(ImportError, match="pip install xarray"):
            ours.to_xarray()
        return
    data = ours.to_xarray()
    assert isinstance(data, xarray.Dataset) and data["label"].dims == ("eta", "rho", "start")
    assert data["point"].dims == ("eta", "rho", "start", "point_1")
    assert data["lam_max"].sel(eta=0.1, rho=1.5).shape == (7,)


def test_readers():
    ours = phase_map(P, USAM, AXES, STARTS, 5, last_point)
    with pytest.raises(KeyError, match="'lam_max' is not among"):
        ours["lam_max"]
    with pytest.raises(ValueError, match="read-only"):
        ours["x"][0] = 0
    assert set(limits_of(P, GD(0.1), simulate(P, GD(0.1), STARTS, 5))) >= {"label", "point", "period"}
    assert hess.supports(DoubleWell)
