"""One declaration of a claim's instance space: sampler, hypothesis strategy, search box and script flags.

A claim's field is declared with a dimension as its default:

    h: float = real(0.05, 1.95)          # linear
    rho: float = log_real(1e-3, 1)       # uniform in log
    dim: int = integer(1, 6)
    link: str = choice("logcosh", "pseudo-huber")
    seed: int = seeds()                  # for the random data of an instance
    scale: str = usually(choice("small"), choice("small", "full"))    # sweeps draw small; a script can ask for full
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from samtheory.validate import count, finite


@dataclasses.dataclass(frozen=True)
class Real:
    """Real numbers in [low, high]; `log`: spread evenly in their logarithm."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"an interval needs finite low < high, not [{self.low}, {self.high}]")
        if self.log and self.low <= 0:
            raise ValueError(f"a logarithmic interval needs low > 0, not {self.low}")

    def from_unit(self, u: float) -> float:
        """The value at u in [0, 1]."""
        if self.log:
            value = math.exp(math.log(self.low) + u * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + u * (self.high - self.low)
        return min(max(value, self.low), self.high)

    def check(self, name: str, value: Any) -> float:
        """`value` as a float inside the interval, or ValueError."""
        number = finite(name, value)
        if not self.low <= number <= self.high:
            raise ValueError(f"{name} = {value!r} is outside {self}")
        return number

    def strategy(self):
        """The hypothesis strategy (shrinks towards simple numbers)."""
        from hypothesis import strategies

        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            return strategies.floats(low, high).map(lambda s: min(max(math.exp(s), self.low), self.high))
        return strategies.floats(self.low, self.high)

    def __str__(self) -> str:
        return f"[{self.low:g}, {self.high:g}]{' (log)' if self.log else ''}"


@dataclasses.dataclass(frozen=True)
class Integer:
    """Integers low..high, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        count(-(2**63))("low", self.low)
        count(self.low)("high", self.high)

    def from_unit(self, u: float) -> int:
        return min(self.high, self.low + int(u * (self.high - self.low + 1)))

    def check(self, name: str, value: Any) -> int:
        if isinstance(value, bool) or int(value) != float(value) or not self.low <= int(value) <= self.high:
            raise ValueError(f"{name} = {value!r} is not an integer in {self}")
        return int(value)

    def strategy(self):
        from hypothesis import strategies

        return strategies.integers(self.low, self.high)

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


@dataclasses.dataclass(frozen=True)
class Choice:
    """One of a few named options."""

    options: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.options or not all(isinstance(option, str) for option in self.options):
            raise ValueError(f"options = {self.options!r} is not allowed; a choice needs one name or more")

    def from_unit(self, u: float) -> str:
        return self.options[min(int(u * len(self.options)), len(self.options) - 1)]

    def check(self, name: str, value: Any) -> str:
        if value not in self.options:
            raise ValueError(f"{name} = {value!r} is not one of {self}")
        return value

    def strategy(self):
        from hypothesis import strategies

        return strategies.sampled_from(self.options)

    def __str__(self) -> str:
        return " | ".join(self.options)


@dataclasses.dataclass(frozen=True)
class Fixed:
    """A single value (used by controls to pin a field)."""

    value: Any

    def from_unit(self, u: float) -> Any:
        return self.value

    def check(self, name: str, value: Any) -> Any:
        if value != self.value:
            raise ValueError(f"{name} = {value!r} must be {self.value!r}")
        return value

    def strategy(self):
        from hypothesis import strategies

        return strategies.just(self.value)

    def __str__(self) -> str:
        return f"{self.value}"


@dataclasses.dataclass(frozen=True)
class Usually:
    """Sweeps, searches and strategies draw from `drawn`; any value of `allowed` can be asked for by name."""

    drawn: Any
    allowed: Any

    def from_unit(self, u: float) -> Any:
        return self.drawn.from_unit(u)

    def check(self, name: str, value: Any) -> Any:
        return self.allowed.check(name, value)

    def strategy(self):
        return self.drawn.strategy()

    def __str__(self) -> str:
        return f"{self.drawn} (on request: {self.allowed})"


Dimension = Real | Integer | Choice | Fixed | Usually
Space = dict[str, Dimension]


def real(low: float, high: float) -> Any:
    """Real numbers in [low, high]."""
    return Real(float(low), float(high))


def log_real(low: float, high: float) -> Any:
    """Positive numbers in [low, high], evenly spread in their logarithm."""
    return Real(float(low), float(high), log=True)


def integer(low: int, high: int) -> Any:
    """Integers low..high."""
    return Integer(low, high)


def choice(*options: str) -> Any:
    """One of these names."""
    return Choice(options)


def seeds() -> Any:
    """The seed of an instance's random data."""
    return Integer(0, 2**32 - 1)


def usually(drawn: Any, allowed: Any) -> Any:
    """Values of `drawn`; a script's flag can ask for any of `allowed`, such as an experiment too long for a sweep."""
    return Usually(drawn, allowed)


def narrowed(space: Space, where: dict[str, Any]) -> Space:
    """The space with some dimensions replaced by a value or by another dimension."""
    unknown = sorted(set(where) - set(space))
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no such field; there are {', '.join(space)}")
    replaced = {k: v if isinstance(v, Dimension) else Fixed(v) for k, v in where.items()}
    return {name: replaced.get(name, dimension) for name, dimension in space.items()}


def from_cube(space: Space, point: np.ndarray) -> dict[str, Any]:
    """The field values at a point of the unit cube."""
    return {name: dimension.from_unit(float(u)) for (name, dimension), u in zip(space.items(), point)}
