"""Generics, the interpreter and the disk cache: edited source must mean new mathematics, unedited source a cache hit.

The cache is tested in fresh processes, on a copy of the package that may be edited.
"""

import importlib
import os
import pathlib
import shutil
import subprocess
import sys
import textwrap
import threading
from typing import NamedTuple

import numpy as np
import pytest

import samtheory
from samtheory.kernel import call, generic, interpreted, is_interpreted, kernel
from samtheory.problems.core import dim, grad
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.core import direction
from samtheory.rules.gd import GD
from samtheory.simulate import simulate

engine = importlib.import_module("samtheory.kernel")
PACKAGE = pathlib.Path(samtheory.__file__).parent


class One(NamedTuple):
    a: float


class Two(NamedTuple):
    a: float
    b: float


class Unknown(NamedTuple):
    a: float


@generic
def area(shape, scale):
    """A generic of this test."""


@area.register(One)
def _one(shape, scale):
    return scale * shape.a * shape.a


@area.register(Two)
def _two(shape, scale):
    return scale * shape.a * shape.b


@kernel
def twice(shape):
    return area(shape, 2.0)


def _total(shape, out):
    for k in range(out.shape[0]):
        out[k] = twice(shape) + k


def total(shape, n=3):
    out = np.empty(n)
    call(_total, shape, out)
    return out.tolist()


# ------------------------------------------------------------------------------------ generics


def test_the_class_of_the_first_argument_chooses_the_body():
    assert total(One(3.0)) == [18.0, 19.0, 20.0]
    assert total(Two(3.0, 0.5)) == [3.0, 4.0, 5.0]
    assert area(One(3.0), 1.0) == 9.0  # and in plain Python
    with interpreted():
        assert total(One(3.0)) == [18.0, 19.0, 20.0]


def test_registering_twice_is_refused():
    with pytest.raises(ValueError, match="area is registered for One already"):

        @area.register(One)
        def _again(shape, scale):
            return 0.0

    assert total(One(3.0))[0] == 18.0


def test_overriding_a_default_that_has_run_is_refused():
    """The compiled code would keep the default."""

    @generic
    def colour(shape):
        """With a default."""

    @colour.register(object)
    def _any(shape):
        return 1.0

    class Late(NamedTuple):
        a: float

    class InTime(NamedTuple):
        a: float

    def _paint(shape, out):
        out[0] = colour(shape)

    out = np.empty(1)
    colour.register(InTime)(lambda shape: 2.0)
    call(_paint, InTime(0.0), out)
    assert out[0] == 2.0
    call(_paint, Late(0.0), out)
    assert out[0] == 1.0
    with pytest.raises(ValueError, match="colour of Late has run already"):
        colour.register(Late)(lambda shape: 3.0)


def test_an_unregistered_class_is_named_together_with_the_registered_ones():
    with pytest.raises(TypeError, match=r"area is not registered for Unknown \(registered: One, Two\)"):
        area(Unknown(1.0), 1.0)
    with interpreted(), pytest.raises(TypeError, match="area is not registered for Unknown"):
        total(Unknown(1.0))
    with pytest.raises(TypeError, match="area is not registered for Unknown"):
        area(Unknown(1.0), 2.0)


def test_compiled_code_names_an_unregistered_class_too():
    with pytest.raises(Exception, match="area is not registered for Unknown"):
        total(Unknown(1.0))


def test_an_empty_generic_says_so():
    @generic
    def nothing(x):
        """No bodies."""

    with pytest.raises(TypeError, match="registered: nothing yet"):
        nothing(1.0)
    assert nothing.__doc__ == "No bodies." and nothing.__name__ == "nothing"
    assert not nothing.supports(float)


def test_generics_defined_after_the_first_compilation_work():
    total(One(1.0))

    @generic
    def late(shape):
        """Made after Numba was set up."""

    @late.register(One)
    def _late(shape):
        return shape.a + 0.5

    def _run(shape, out):
        out[0] = late(shape)

    out = np.empty(1)
    call(_run, One(1.0), out)
    assert out[0] == 1.5


def test_a_problem_that_knows_no_rule_and_the_other_way_round():
    class Mine(NamedTuple):
        a: float

    with pytest.raises(TypeError, match="problem = Mine has no"):
        simulate(Mine(1.0), GD(0.1), [1.0], 1)
    with pytest.raises(TypeError, match="rule = Mine has no direction"):
        simulate(Diagonal([1.0], [0.0]), Mine(1.0), [1.0], 1)
    assert not grad.supports(Mine) and not dim.supports(Mine) and not direction.supports(Mine)


def test_kernels_must_not_allocate():
    def _allocates(out):
        out[0] = np.zeros(3)[0]

    with pytest.raises(TypeError, match="does not compile"):
        call(_allocates, np.empty(1))


def test_interpretation_ends_with_its_block():
    assert not is_interpreted()
    with pytest.raises(RuntimeError), interpreted():
        assert is_interpreted()
        raise RuntimeError
    assert not is_interpreted()


def test_many_threads_at_once_compile_once():
    class Shared(NamedTuple):
        a: float

    area.register(Shared)(lambda shape, scale: scale * shape.a)
    results: list[list[float]] = []
    threads = [threading.Thread(target=lambda: results.append(total(Shared(4.0)))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[8.0, 9.0, 10.0]] * 6
    assert sum(1 for key in engine._dispatchers if Shared in key) == 1


# ------------------------------------------------------------------------------------ the disk cache

REPORT = """
from samtheory import kernel
hits = sum(sum(d.stats.cache_hits.values()) for d in kernel._dispatchers.values())
misses = sum(sum(d.stats.cache_misses.values()) for d in kernel._dispatchers.values())
print(hits, misses)
"""


class Workshop:
    """A copy of the package and of a user's files, with a cache of their own; each `run` is a new process."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        shutil.copytree(PACKAGE, folder / "samtheory", ignore=shutil.ignore_patterns("__pycache__"))

    def write(self, name: str, text: str) -> None:
        text = textwrap.dedent(text)
        (self.folder / name).write_text(text + REPORT if name == "script.py" else text)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        assert path.read_text().count(old) == 1
        path.write_text(path.read_text().replace(old, new))

    def run(self, script: str, cache: str | None = None) -> tuple[list[float], int, int]:
        """What the script prints in its first line, cache hits, cache misses."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        environment["SAMTHEORY_CACHE"] = cache or str(self.folder / "cache")
        environment.pop("SAMTHEORY_JIT", None)
        done = subprocess.run(
            [sys.executable, script], capture_output=True, text=True, env=environment, cwd=self.folder, check=False
        )
        assert done.returncode == 0, done.stderr
        self.stderr = done.stderr
        first, second = done.stdout.strip().splitlines()
        hits, misses = map(int, second.split())
        return [float(word) for word in first.split()], hits, misses

    def files(self) -> set[str]:
        return {str(path) for path in (self.folder / "cache").rglob("*") if path.is_file()}


@pytest.fixture
def workshop(tmp_path):
    return Workshop(tmp_path)


def test_edited_package_source_is_new_mathematics(workshop):
    workshop.write(
        "script.py",
        """
        from samtheory.problems.quadratic import Diagonal
        from samtheory.rules.usam import USAM
        from samtheory.simulate import simulate
        print(simulate(Diagonal([1.0], [0.0]), USAM(0.5, 1.0), [1.0], 1).x[0])
        """,
    )
    assert workshop.run("script.py") == ([0.0], 0, 2)  # 1 - 0.5 (1 + 1)
    files = workshop.files()
    assert workshop.run("script.py") == ([0.0], 2, 0)
    assert workshop.files() == files
    workshop.edit("samtheory/problems/quadratic.py", "out[i] = p.lam[i] * (x[i] - p.centre[i])", "out[i] = 0.5 * x[i]")
    assert workshop.run("script.py") == ([0.625], 0, 2)  # 1 - 0.5 * 0.5 (1 + 0.5)
    workshop.edit("samtheory/rules/usam.py", "at(rule.rho, t)", "2.0 * at(rule.rho, t)")
    assert workshop.run("script.py")[0] == [0.5]  # 1 - 0.5 * 0.5 (1 + 1)
    workshop.edit("samtheory/rules/usam.py", "2.0 * at(rule.rho, t)", "at(rule.rho, t)")
    workshop.edit("samtheory/problems/quadratic.py", "out[i] = 0.5 * x[i]", "out[i] = p.lam[i] * (x[i] - p.centre[i])")
    assert workshop.run("script.py") == ([0.0], 2, 0)  # back to the first text: its code is still there


def test_edited_user_source_is_new_mathematics(workshop):
    """A rule of the user's own in a script, which takes a constant from a module and a helper from another."""
    workshop.write("settings.py", "SCALE = 2.0\n")
    workshop.write(
        "helper.py",
        """
        from samtheory.kernel import kernel
        import settings
        OFFSET = 0.25

        @kernel
        def pull(v):
            return settings.SCALE * v + OFFSET
        """,
    )
    workshop.write(
        "script.py",
        """
        from typing import NamedTuple
        from helper import pull
        from samtheory.problems.quadratic import Diagonal
        from samtheory.rules import direction, second_gradient
        from samtheory.simulate import simulate

        SHIFT = 0.0

        class Mine(NamedTuple):
            eta: float
            gain: float

        @direction.register(Mine)
        def _mine(rule, source, t, x, memory, out, ws):
            second_gradient(source, x, out)
            out[0] = rule.gain * pull(out[0]) + SHIFT
            return 0

        print(simulate(Diagonal([1.0], [0.0]), Mine(1.0, 0.5), [1.0], 1).x[0])
        """,
    )
    assert workshop.run("script.py") == ([-0.125], 0, 2)  # 1 - 0.5 (2 + 0.25)
    files = workshop.files()
    assert workshop.run("script.py") == ([-0.125], 2, 0)  # classes of a script are found again
    assert workshop.files() == files
    workshop.edit("script.py", "SHIFT = 0.0", "SHIFT = 1.0")
    assert workshop.run("script.py") == ([-1.125], 1, 1)
    workshop.edit("settings.py", "2.0", "4.0")  # a constant of another module
    assert workshop.run("script.py") == ([-2.125], 1, 1)
    workshop.edit("helper.py", "OFFSET = 0.25", "OFFSET = 0.5")  # a constant beside a helper
    assert workshop.run("script.py") == ([-2.25], 1, 1)
    workshop.edit("helper.py", "* v +", "* v -")  # the helper itself
    assert workshop.run("script.py") == ([-1.75], 1, 1)
    workshop.edit("script.py", "import NamedTuple\n", "import NamedTuple\n\n# a remark\n")
    assert workshop.run("script.py") == ([-1.75], 2, 0)  # the same code some lines further down


def test_fields_in_another_order_are_another_class(workshop):
    text = """
        from typing import NamedTuple
        from samtheory.kernel import call, generic
        import numpy as np

        class Pair(NamedTuple):
            {0}: float
            {1}: float

        @generic
        def ratio(pair):
            "..."

        @ratio.register(Pair)
        def _ratio(pair):
            return pair.a / pair.b

        def _drive(pair, out):
            out[0] = ratio(pair)

        out = np.empty(1)
        call(_drive, Pair(1.0, 2.0), out)
        print(out[0])
        """
    workshop.write("script.py", text.format("a", "b"))
    assert workshop.run("script.py") == ([0.5], 0, 1)
    assert workshop.run("script.py") == ([0.5], 1, 0)
    workshop.write("script.py", text.format("b", "a"))
    assert workshop.run("script.py") == ([2.0], 0, 1)


def test_whatever_a_driver_reaches_is_in_the_digest(workshop):
    """Default bodies, tables, tuples, closures, a class that only the body names, functions compiled by the user."""
    workshop.write(
        "script.py",
        """
        from typing import NamedTuple
        import numba
        import numpy as np
        from samtheory.kernel import call, generic, kernel

        TABLE = np.array([1.0, 2.0])
        TUPLE = (10.0, (20.0, 30.0))
        WORD = np.uint64(3)

        class Outer(NamedTuple):
            a: float

        class Inner(NamedTuple):
            a: float

        @generic
        def default(x):
            "..."

        @default.register(object)
        def _default(x):
            return 100.0

        @generic
        def nested(x):
            "..."

        @nested.register(Inner)
        def _nested(x):
            return 1000.0 * x.a

        @numba.njit
        def theirs(x):
            return 1e4 * x

        def factory(value):
            @kernel
            def inside(x):
                return x + value
            return inside

        closure = factory(1e5)

        def _drive(outer, out):
            out[0] = TABLE[0]
            out[1] = TUPLE[1][0]
            out[2] = float(WORD)
            out[3] = default(outer)
            out[4] = nested(Inner(outer.a))
            out[5] = theirs(outer.a)
            out[6] = closure(outer.a)

        out = np.empty(7)
        call(_drive, Outer(1.0), out)
        print(*out)
        """,
    )
    expected = [1.0, 20.0, 3.0, 100.0, 1000.0, 1e4, 1e5 + 1]
    assert workshop.run("script.py") == (expected, 0, 1)
    assert workshop.run("script.py") == (expected, 1, 0)
    changes = [
        (0, "TABLE = np.array([1.0", "TABLE = np.array([1.5", 1.5),
        (1, "(20.0, 30.0)", "(21.0, 30.0)", 21.0),
        (2, "np.uint64(3)", "np.uint64(4)", 4.0),
        (3, "return 100.0", "return 101.0", 101.0),
        (4, "1000.0 * x.a", "2000.0 * x.a", 2000.0),
        (5, "1e4 * x", "2e4 * x", 2e4),
        (6, "factory(1e5)", "factory(2e5)", 2e5 + 1),
    ]
    for k, old, new, value in changes:
        workshop.edit("script.py", old, new)
        expected[k] = value
        assert workshop.run("script.py") == (expected, 0, 1), new


SMALL = """
import numpy as np
from samtheory.kernel import call

def _drive(out):
    out[0] = 13.0

out = np.empty(1)
call(_drive, out)
print(out[0])
"""


@pytest.mark.parametrize("place", ["a file", "below a file"])
def test_a_cache_that_cannot_be_written_does_no_harm(workshop, place):
    workshop.write("script.py", SMALL)
    workshop.write("occupied", "")
    where = str(workshop.folder / "occupied") + ("" if place == "a file" else "/below")
    for _ in range(2):
        assert workshop.run("script.py", cache=where) == ([13.0], 0, 1)
        assert workshop.stderr.count("compiled code is not kept on disk") == 1


def test_a_damaged_cache_is_compiled_anew(workshop):
    workshop.write("script.py", SMALL)
    assert workshop.run("script.py")[1:] == (0, 1)
    (file,) = workshop.files()
    for damage in (b"", b"nonsense", pathlib.Path(file).read_bytes()[:1000]):
        pathlib.Path(file).write_bytes(damage)
        assert workshop.run("script.py") == ([13.0], 0, 1)
        assert workshop.run("script.py") == ([13.0], 1, 0)
    assert workshop.files() == {file}


def test_processes_at_the_same_time_share_a_cache(workshop):
    workshop.write("script.py", SMALL)
    results: list = []
    threads = [threading.Thread(target=lambda: results.append(workshop.run("script.py"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [value for value, _, _ in results] == [[13.0]] * 3
    assert workshop.run("script.py") == ([13.0], 1, 0)
    assert len(workshop.files()) == 1


def test_old_folders_are_dropped(tmp_path):
    for k in range(6):
        (tmp_path / str(k)).mkdir()
        (tmp_path / str(k) / "code").write_text("")
        os.utime(tmp_path / str(k), (1000 + k, 1000 + k))
    engine._prune(tmp_path, 4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "3", "4", "5"]


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("SAMTHEORY_CACHE", str(tmp_path))
    assert engine.cache_root() == tmp_path
    monkeypatch.delenv("SAMTHEORY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert engine.cache_root() == tmp_path / "xdg" / "samtheory"


def test_a_mistake_in_a_rule_is_one_line_and_points_to_the_interpreter(tmp_path):
    script = tmp_path / "mistake.py"
    script.write_text(
        "from typing import NamedTuple\n"
        "from samtheory.problems.quadratic import quadratic\n"
        "from samtheory.rules import direction, second_gradient\n"
        "from samtheory.simulate import simulate\n"
        "class Mistaken(NamedTuple):\n    eta: float\n"
        "@direction.register(Mistaken)\n"
        "def _direction(rule, source, t, x, memory, out, ws):\n"
        "    ws[7, 0] = 1.0\n"
        "    second_gradeint(source, x, out)\n"
        "    return 0\n"
        "simulate(quadratic([1.0]), Mistaken(0.1), [1.0], 3)\n"
    )
    environment = os.environ | {"SAMTHEORY_CACHE": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1 and "second_gradeint" in last and "interpreted()" in last
    script.write_text(script.read_text().replace("gradeint", "gradient"))
    environment["SAMTHEORY_BOUNDSCHECK"] = "1"
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment)
    assert done.returncode == 1 and "IndexError" in done.stderr
