"""The minimum of a function of one variable between two numbers, from a Lipschitz constant, by branch and bound."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from samtheory.validate import finite, nonnegative, positive

_AT_ONCE = 100_000  # pieces looked at together; more means that the function is flat and the tolerance out of reach


def minimum_on_interval(
    f: Callable[[np.ndarray], np.ndarray],
    low: float,
    high: float,
    lipschitz: float,
    *,
    tolerance: float = 1e-10,
    pieces: int = 64,
) -> tuple[float, float]:
    """(below, above) with below <= min of f on [low, high] <= above <= below + tolerance; f maps arrays to arrays.

    On a piece of half-width w about m, f >= f(m) - lipschitz w: pieces that cannot reach the least value found are
    dropped, the others halved.  As good as the constant and the values of f: it knows nothing of their round-off.
    Raises ArithmeticError where the tolerance would take more than 100 000 pieces at once.
    """
    low, high = finite("low", low), finite("high", high)
    if not low < high:
        raise ValueError(f"low = {low!r} must be below high = {high!r}")
    lipschitz, tolerance = nonnegative("lipschitz", lipschitz), positive("tolerance", tolerance)
    width = (high - low) / pieces / 2
    middle = low + width * (2 * np.arange(pieces) + 1)
    least = np.inf
    while True:
        values = np.asarray(f(middle), dtype=float)
        least = min(least, float(values.min()))
        kept = values - lipschitz * width < least - tolerance
        if not kept.any():  # every piece left, and every piece dropped before, is above this
            return least - tolerance, least
        if kept.sum() > _AT_ONCE:
            raise ArithmeticError(
                f"{kept.sum()} pieces of [{low:g}, {high:g}] may hold the minimum {least:g}: f is flat"
            )
        width /= 2
        middle = (middle[kept, None] + [-width, width]).ravel()
