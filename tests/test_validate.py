"""Every check passes what is allowed, and refuses the rest with a message that names the argument and the value."""

import copy
import math
import pickle
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest

from samtheory.validate import (
    array,
    between,
    checked,
    count,
    finite,
    nonnegative,
    positive,
    same_length,
    symmetric,
    together,
    truth,
    writable,
)

NOT_NUMBERS = [None, True, np.False_, "0.5", b"1", 1j, np.complex128(1), [1.0, 2.0], {}]
NOT_FINITE = [math.nan, math.inf, -math.inf, 10**400, np.float64("nan")]


@pytest.mark.parametrize("check", [finite, nonnegative, positive, between(-9, 9)])
def test_what_is_no_finite_number(check):
    for bad in NOT_NUMBERS:
        with pytest.raises(ValueError, match=r"^eta = .* is not a real number"):
            check("eta", bad)
    for bad in NOT_FINITE:
        with pytest.raises(ValueError, match=r"^eta = .* is not finite"):
            check("eta", bad)


@pytest.mark.parametrize("good", [0.5, 1, np.float32(0.5), np.int64(3), np.array(2.0), Fraction(1, 2)])
def test_numbers_become_floats(good):
    for check in (finite, nonnegative, positive, between(0, 3)):
        out = check("eta", good)
        assert type(out) is float and out == float(good)


def test_signs():
    assert nonnegative("eta", 0) == 0 and finite("eta", -1) == -1
    with pytest.raises(ValueError, match=r"eta = -1e-300 is negative"):
        nonnegative("eta", -1e-300)
    for bad in (0, -0.0, -2):
        with pytest.raises(ValueError, match=r"must be > 0"):
            positive("eta", bad)


def test_intervals():
    assert [between(0, 1)("lam", v) for v in (0, 0.5, 1)] == [0, 0.5, 1]
    assert between(0, 1, open_above=True)("beta", 0.999) == 0.999
    for bad in (-1e-9, 1 + 1e-9):
        with pytest.raises(ValueError, match=r"lam = .* is outside \[0, 1\]"):
            between(0, 1)("lam", bad)
    with pytest.raises(ValueError, match=r"beta = 1 is outside \[0, 1\)"):
        between(0, 1, open_above=True)("beta", 1)


def test_counts():
    for good in (3, np.int32(3), np.uint8(3)):
        out = count(1)("steps", good)
        assert type(out) is int and out == 3
    for bad in (0, -1, 1.0, 1.5, True, None, "3", np.float64(2)):
        with pytest.raises(ValueError, match=r"steps = .* must be an integer >= 1"):
            count(1)("steps", bad)
    assert count(1, 3)("steps", 3) == 3
    with pytest.raises(ValueError, match="steps = 4 is not allowed; it must be an integer >= 1 and <= 3"):
        count(1, 3)("steps", 4)


def test_truth():
    assert truth("shared", np.True_) is True and truth("shared", False) is False
    for bad in ("no", 0, 2, None):
        with pytest.raises(ValueError, match=r"shared = .* is not allowed; it must be True or False"):
            truth("shared", bad)


def test_writable(tmp_path):
    writable("--plot", tmp_path / "new.png")
    for file, message in ((tmp_path, "is a folder"), (tmp_path / "no" / "x", "does not exist")):
        with pytest.raises(ValueError, match=message):
            writable("--plot", file)


def test_arrays_are_copied_contiguous_and_read_only():
    given = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    out = array(2, None)("A", given)
    assert out.flags.c_contiguous and not out.flags.writeable and out.dtype == np.float64
    given[0, 0] = 99
    assert out[0, 0] == 0
    assert array(None)("b", [1, Fraction(1, 2)]).tolist() == [1.0, 0.5]


@pytest.mark.parametrize(
    "value, message",
    [
        ([[1.0, 2.0]], r"A has shape \(1, 2\); it must be \(n >= 1\)"),
        (1.0, r"A has shape \(\)"),
        ([], r"A has shape \(0,\)"),
        ([1.0, math.nan, math.inf], r"not finite, at \[1\]"),
        (["a", "b"], "not an array of numbers"),
        (["1", "2"], "not an array of numbers"),
        ([1j, 2.0], "not an array of numbers"),
        ([[1.0], [1.0, 2.0]], "not an array of numbers"),
        (None, "not an array of numbers|shape|finite"),
        ({1: 2}, "not an array of numbers"),
    ],
)
def test_what_is_no_vector(value, message):
    with pytest.raises(ValueError, match=message):
        array(None)("A", value)


def test_wanted_shapes_are_named():
    with pytest.raises(ValueError, match=r"p has shape \(3,\); it must be \(4\)"):
        array(4)("p", np.zeros(3))
    with pytest.raises(ValueError, match=r"A has shape \(3, 2\); it must be \(n >= 1, 5\)"):
        array(None, 5)("A", np.zeros((3, 2)))


def test_symmetric_matrices():
    given = np.array([[1.0, 2.0], [2.0 + 1e-15, 3.0]])
    out = symmetric("H", given)
    assert (out == out.T).all() and not out.flags.writeable
    assert symmetric("H", np.zeros((2, 2))).tolist() == [[0, 0], [0, 0]]
    with pytest.raises(ValueError, match="must be square"):
        symmetric("H", np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"not symmetric: entry \[0, 1\] is .*2\.0"):
        symmetric("H", [[1.0, 2.0], [2.1, 3.0]])


@together(same_length("a", "b"))
@checked(a=array(None), b=array(None), size=count(1))
class Sample(NamedTuple):
    a: np.ndarray
    b: np.ndarray
    size: int = 1
    name: str = "none"


def test_fields_are_checked_however_the_tuple_is_made():
    made = Sample([1], b=[2])
    assert made.a.dtype == np.float64 and made.size == 1 and made.name == "none"
    assert isinstance(made, Sample)
    for make in (
        lambda: Sample([1], [2], 0),
        lambda: Sample([1], [2], size=0),
        lambda: made._replace(size=0),
        lambda: Sample._make([[1], [2], 0, "x"]),
    ):
        with pytest.raises(ValueError, match="size = 0"):
            make()
    for make in (lambda: Sample([1], [2, 3]), lambda: made._replace(a=[1, 2])):
        with pytest.raises(ValueError, match=r"b has shape .*, but a has shape .*; their first axes must agree"):
            make()
    with pytest.raises(TypeError):
        Sample([1])


def test_checked_tuples_survive_copies():
    made = Sample([1], [2], 3, "x")
    for again in (copy.deepcopy(made), pickle.loads(pickle.dumps(made)), made._replace(name="x")):
        assert type(again) is Sample
        assert again.a.tolist() == [1.0] and again.size == 3 and again.name == "x"
        assert not again.a.flags.writeable
