"""Errors before any compute: every message names the argument, its value and what is allowed."""

from __future__ import annotations

import functools
import math
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

Check = Callable[[str, Any], Any]


def finite(name: str, value: Any) -> float:
    """A finite real number."""
    try:
        if isinstance(value, bool | np.bool_ | str | bytes) or np.iscomplexobj(value):
            raise TypeError
        number = float(value)
    except OverflowError:
        number = math.inf
    except (TypeError, ValueError):
        raise ValueError(f"{name} = {value!r} is not a real number") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} = {value!r} is not finite")
    return number


def nonnegative(name: str, value: Any) -> float:
    """A finite number >= 0."""
    number = finite(name, value)
    if number < 0:
        raise ValueError(f"{name} = {value!r} is negative; it must be >= 0")
    return number


def positive(name: str, value: Any) -> float:
    """A finite number > 0."""
    number = finite(name, value)
    if number <= 0:
        raise ValueError(f"{name} = {value!r} is not positive; it must be > 0")
    return number


def between(low: float, high: float, *, open_above: bool = False) -> Check:
    """A finite number in [low, high], or in [low, high) if `open_above`."""

    def check(name: str, value: Any) -> float:
        number = finite(name, value)
        if not low <= number <= high or (open_above and number == high):
            raise ValueError(f"{name} = {value!r} is outside [{low}, {high}{')' if open_above else ']'}")
        return number

    return check


def count(low: int = 0, high: int | None = None) -> Check:
    """An integer >= low, and <= high where one is given."""

    def check(name: str, value: Any) -> int:
        fits = isinstance(value, int | np.integer) and value >= low and (high is None or value <= high)
        if isinstance(value, bool) or not fits:
            top = "" if high is None else f" and <= {high}"
            raise ValueError(f"{name} = {value!r} is not allowed; it must be an integer >= {low}{top}")
        return int(value)

    return check


def truth(name: str, value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} = {value!r} is not allowed; it must be True or False")
    return bool(value)


def called(thing: Any) -> str:
    """How a message calls a thing of the wrong kind: by its class; a class given for an instance by its own name."""
    return f"the class {thing.__name__} itself, not an instance," if isinstance(thing, type) else type(thing).__name__


def array(*shape: int | None) -> Check:
    """A finite float64 array of this shape (None: any positive length), made contiguous and read-only."""

    def check(name: str, value: Any) -> np.ndarray:
        try:
            if np.asarray(value).dtype.kind not in "biufO":  # text, complex numbers
                raise TypeError
            out = np.array(value, dtype=np.float64, order="C")
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{name} is not an array of numbers: {value!r}") from None
        fits = (n == want or (want is None and n > 0) for n, want in zip(out.shape, shape))
        if out.ndim != len(shape) or not all(fits):
            wanted = ", ".join("n >= 1" if n is None else str(n) for n in shape)
            raise ValueError(f"{name} has shape {out.shape}; it must be ({wanted})")
        if not np.isfinite(out).all():
            raise ValueError(f"{name} has entries that are not finite, at {np.argwhere(~np.isfinite(out))[0].tolist()}")
        out.flags.writeable = False
        return out

    return check


def symmetric(name: str, value: Any) -> np.ndarray:
    """A symmetric float64 matrix (asymmetry above 1e-12 of its largest entry is refused)."""
    out = array(None, None)(name, value)
    if out.shape[0] != out.shape[1]:
        raise ValueError(f"{name} has shape {out.shape}; it must be square")
    gap = np.abs(out - out.T)
    if gap.max() > 1e-12 * np.abs(out).max():
        i, j = np.unravel_index(gap.argmax(), gap.shape)
        raise ValueError(f"{name} is not symmetric: entry [{i}, {j}] is {out[i, j]}, [{j}, {i}] is {out[j, i]}")
    out = np.ascontiguousarray((out + out.T) / 2)
    out.flags.writeable = False
    return out


def writable(name: str, file: pathlib.Path) -> None:
    """A file that can be written, in a folder that is there; an existing file is left as it is."""
    if file.is_dir() or not file.name:
        raise ValueError(f"{name} {file} is a folder; it must be a file")
    if not file.parent.is_dir():
        raise ValueError(f"{name} {file}: the folder {file.parent} does not exist")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise ValueError(f"{name} {file} cannot be written")


def checked(**checks: Check) -> Callable[[type], type]:
    """Class decorator for a `NamedTuple`: each named field passes through its check at construction."""

    def decorate(cls: type) -> type:
        plain = cls.__new__
        fields = cls._fields  # type: ignore[attr-defined]

        @functools.wraps(plain)
        def new(this, *args, **kwargs):
            made = plain(this, *args, **kwargs)
            values = [checks[name](name, value) if name in checks else value for name, value in zip(fields, made)]
            return tuple.__new__(this, values)

        cls.__new__ = new  # type: ignore[method-assign]
        cls._make = classmethod(lambda this, values: this(*values))  # type: ignore[attr-defined]
        return cls

    return decorate


def together(*checks: Callable[[Any], None]) -> Callable[[type], type]:
    """Class decorator for a `NamedTuple`: checks of several fields at once, at construction (above `checked`)."""

    def decorate(cls: type) -> type:
        plain = cls.__new__

        @functools.wraps(plain)
        def new(this, *args, **kwargs):
            made = plain(this, *args, **kwargs)
            for check in checks:
                check(made)
            return made

        cls.__new__ = new  # type: ignore[method-assign]
        return cls

    return decorate


def same_length(first: str, second: str) -> Callable[[Any], None]:
    """These two arrays have equally many entries along their first axis."""

    def check(made: Any) -> None:
        one, two = getattr(made, first).shape, getattr(made, second).shape
        if one[0] != two[0]:
            raise ValueError(f"{second} has shape {two}, but {first} has shape {one}; their first axes must agree")

    return check
