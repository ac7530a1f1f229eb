"""Orders of convergence: slopes, Richardson coefficients, fits, and the intervals that go with them.

An error e(eta) of weak order one is b eta + O(eta^1.5); a model that misses a term of size sqrt(eta) leaves
e(eta) = a sqrt(eta) + b eta + ... with a known a.  A slope is the picture, not the proof: it is biased before the
asymptotic regime and fails where e changes sign.  The decisive statistics are

    richardson       exact errors: A(eta) = a + O(eta), the b eta removed
    three_term_fit   sampled errors: a with its covariance

Intervals are two-sided and state their false alarm, the probability to miss the true value.  Those of a mean rest on
Student's law of batch means (`mean_interval`), on a bound of the variable (`bounded_interval`) or on the binomial law
(`proportion_interval`); divide the false alarm by the number of intervals that a check looks at.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

FALSE_ALARM = 1e-6  # of a whole check
BATCHES = 128  # batch means an interval rests on


# ------------------------------------------------------------------------------------ intervals


@dataclasses.dataclass(frozen=True)
class Interval:
    """estimate +- half_width misses the true value with probability `false_alarm` (each entry)."""

    estimate: np.ndarray
    standard_error: np.ndarray
    half_width: np.ndarray
    false_alarm: float

    @property
    def low(self) -> np.ndarray:
        """Lower end."""
        return self.estimate - self.half_width

    @property
    def high(self) -> np.ndarray:
        """Upper end."""
        return self.estimate + self.half_width

    def __rmul__(self, factor: float) -> Interval:
        """The interval in other units, `factor * interval`."""
        scaled = (factor * self.estimate, abs(factor) * self.standard_error, abs(factor) * self.half_width)
        return Interval(*scaled, self.false_alarm)


def normal_quantile(false_alarm: float = FALSE_ALARM) -> float:
    """z with P(|Z| > z) = false_alarm, Z ~ N(0, 1)."""
    from scipy.special import ndtri

    return float(-ndtri(_probability("false_alarm", false_alarm) / 2))


def student_quantile(freedom: int, false_alarm: float = FALSE_ALARM) -> float:
    """t with P(|T| > t) = false_alarm, T of Student's law with `freedom` degrees of freedom."""
    from scipy.special import stdtrit

    return float(-stdtrit(freedom, _probability("false_alarm", false_alarm) / 2))


def mean_interval(values: Any, false_alarm: float = FALSE_ALARM, batches: int = BATCHES) -> Interval:
    """Mean over the first axis of independent draws, by Student's law of the means of `batches` equal batches.

    With fewer than ten draws a batch the batch means are no more normal than the draws; the last few draws that do
    not fill a batch are left out.
    """
    values = np.asarray(values, dtype=float)
    if batches < 2 or values.shape[0] < batches:
        raise ValueError(f"{values.shape[0]} draws do not make {batches} batches; there must be 2 or more of each")
    each = values.shape[0] // batches
    means = values[: each * batches].reshape(batches, each, *values.shape[1:]).mean(axis=1)
    error = means.std(axis=0, ddof=1) / math.sqrt(batches)
    return Interval(means.mean(axis=0), error, student_quantile(batches - 1, false_alarm) * error, false_alarm)


def bounded_interval(values: Any, low: float, high: float, false_alarm: float = FALSE_ALARM) -> Interval:
    """Mean over the first axis of independent draws in [low, high]: empirical Bernstein (Maurer & Pontil 2009)."""
    values = np.asarray(values, dtype=float)
    n = values.shape[0]
    if n < 2 or not (low <= values.min() and values.max() <= high):
        raise ValueError(f"{n} draws in [{values.min():g}, {values.max():g}]; 2 or more in [{low:g}, {high:g}] needed")
    reach = math.log(4 / _probability("false_alarm", false_alarm))
    error = values.std(axis=0, ddof=1) / math.sqrt(n)
    half = math.sqrt(2 * reach) * error + 7 * (high - low) * reach / (3 * (n - 1))
    return Interval(values.mean(axis=0), error, half, false_alarm)


def proportion_interval(hits: int, draws: int, false_alarm: float = FALSE_ALARM) -> tuple[float, float]:
    """(low, high) of a probability from `hits` in `draws` independent draws (Clopper & Pearson 1934)."""
    from scipy.special import betaincinv

    if not 0 <= hits <= draws or draws < 1:
        raise ValueError(f"hits = {hits} in draws = {draws} is impossible")
    tail = _probability("false_alarm", false_alarm) / 2
    low = betaincinv(hits, draws - hits + 1, tail) if hits else 0.0
    high = betaincinv(hits + 1, draws - hits, 1 - tail) if hits < draws else 1.0
    return float(low), float(high)


def samples_needed(effect: float, sd: float, alpha: float = FALSE_ALARM, power: float = 0.99) -> int:
    """Independent draws of standard deviation `sd` whose mean a two-sided test at level alpha tells from one that is
    `effect` away, with probability `power`."""
    from scipy.special import ndtri

    if not (effect > 0 and sd >= 0):
        raise ValueError(f"effect = {effect!r} must be > 0 and sd = {sd!r} >= 0")
    reach = normal_quantile(alpha) + float(ndtri(_probability("power", power)))
    return max(1, math.ceil((reach * sd / effect) ** 2))


# ------------------------------------------------------------------------------------ paired runs


def paired_difference(a: Any, b: Any, antithetic: tuple[Any, Any] | None = None, **interval: Any) -> Interval:
    """E[a - b] from runs a, b [paths, ...] on the same noise; `antithetic`: the same pair on the mirrored noise.

    The two mirrored differences of a path are averaged before the error is estimated.
    """
    difference = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    if antithetic is not None:
        difference = 0.5 * (difference + np.asarray(antithetic[0]) - np.asarray(antithetic[1]))
    return mean_interval(difference, **interval)


def paired_covariance_difference(
    a: Any, b: Any, antithetic: tuple[Any, Any] | None = None, **interval: Any
) -> Interval:
    """Cov a - Cov b, [d, d], from runs a, b [paths, d] on the same noise (`antithetic` as in `paired_difference`).

    The means are those of the sample (both halves of it), which costs a relative bias of one over the paths.
    """
    halves = [(a, b)] if antithetic is None else [(a, b), antithetic]
    mean_a, mean_b = (np.mean([np.mean(half[i], axis=0) for half in halves], axis=0) for i in (0, 1))
    products = [_squares(half[0] - mean_a) - _squares(half[1] - mean_b) for half in halves]
    return mean_interval(np.mean(products, axis=0), **interval)


def _squares(x: np.ndarray) -> np.ndarray:
    return x[:, :, None] * x[:, None, :]


# ------------------------------------------------------------------------------------ orders


@dataclasses.dataclass(frozen=True)
class Slope:
    """Slope of log|error| on log(level).

    low, high   parametric bootstrap at `level`; without standard errors the smallest and largest local slope
    local       log(e_j/e_{j+1})/log(level_j/level_{j+1}) between the neighbours that were used
    used        mask of the levels that were used: |e| > 4 standard errors
    """

    value: float
    low: float
    high: float
    level: float
    local: np.ndarray
    used: np.ndarray
    _lever: np.ndarray = dataclasses.field(repr=False)  # the slope is lever . log|e|
    _errors: np.ndarray = dataclasses.field(repr=False)
    _standard_errors: np.ndarray = dataclasses.field(repr=False)

    def interval(self, false_alarm: float = FALSE_ALARM) -> tuple[float, float]:
        """(low, high) that holds simultaneously for all errors inside their normal intervals, however extreme.

        No expansion of the logarithm: every |e_j| is moved to the end of its interval (false_alarm split over the
        levels).  For standard errors that rest on many draws.  Infinite where an error cannot be told from zero.
        """
        reach = normal_quantile(false_alarm / len(self._errors)) * self._standard_errors
        with np.errstate(divide="ignore"):
            bottom = self._lever * np.log(np.maximum(self._errors - reach, 0.0))
            top = self._lever * np.log(self._errors + reach)
        return float(np.minimum(bottom, top).sum()), float(np.maximum(bottom, top).sum())


def slope(
    levels: Any,
    errors: Any,
    standard_errors: Any = None,
    *,
    level: float = 0.99,
    replicates: int = 2000,
    seed: int = 0,
) -> Slope:
    """Weighted least-squares slope of log|errors| on log(levels); weights (error/standard error)^2, or equal.

    `levels` are step sizes (any order), `errors` one signed error or norm a level.  Levels where |e| is at most
    four standard errors are left out; fewer than three that remain are refused.
    """
    levels, errors = np.asarray(levels, dtype=float), np.abs(np.asarray(errors, dtype=float))
    if levels.ndim != 1 or errors.shape != levels.shape or not (levels > 0).all():
        raise ValueError(f"levels {levels.shape} must be positive, errors {errors.shape} one number for each of them")
    sampled = standard_errors is not None
    spread = np.broadcast_to(np.asarray(standard_errors if sampled else 0.0, dtype=float), errors.shape)
    used = errors > 4 * spread
    if used.sum() < 3 or np.unique(levels[used]).size < 2:
        raise ValueError(f"only {used.sum()} of {levels.size} errors exceed four standard errors; a slope needs three")
    order = np.argsort(levels[used])[::-1]
    x, e, s = np.log(levels[used][order]), errors[used][order], spread[used][order]
    exact = not (s > 0).all()
    weights = np.ones(x.size) if exact else (e / s) ** 2
    centred = x - np.average(x, weights=weights)
    lever = weights * centred / (weights @ centred**2)
    local = np.diff(np.log(e)) / np.diff(x)
    if exact:
        low, high = local.min(), local.max()
    else:
        noise = np.random.default_rng(seed).standard_normal((replicates, x.size))
        drawn = np.log(np.maximum(np.abs(e + s * noise), np.finfo(float).tiny)) @ lever
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return Slope(float(lever @ np.log(e)), float(low), float(high), level, local, used, lever, e, s)


def richardson(e_eta: Any, e_half: Any, eta: float) -> np.ndarray:
    """A = [2 e(eta/2) - e(eta)]/((sqrt 2 - 1) sqrt eta): for e = a sqrt(eta) + b eta + O(eta^1.5) it is a + O(eta)."""
    return (2 * np.asarray(e_half) - np.asarray(e_eta)) / ((math.sqrt(2) - 1) * math.sqrt(eta))


def halving_limit(values: Any) -> tuple[np.ndarray, float]:
    """(limit, uncertainty) of exact values at the levels 1, 1/2, 1/4 (first axis) that converge to first order or more.

    The limit is 2 v_2 - v_1, the uncertainty |v_2 - v_1| plus the last change of the extrapolation, 2 v_1 - v_0 before.
    """
    first, second, third = np.asarray(values, dtype=float)
    limit = 2 * third - second
    return limit, float(np.linalg.norm(third - second) + np.linalg.norm(limit - (2 * second - first)))


def richardson_limit(values: Any) -> tuple[np.ndarray, float]:
    """(limit, uncertainty) of exact values at the levels 1, 1/2, 1/4 (first axis), smooth in the level at 0.

    Two Richardson steps, (4 (2 v_2 - v_1) - (2 v_1 - v_0))/3, leave an error of third order; the uncertainty is the
    last change of the first of them, which is of second order.
    """
    first, second, third = np.asarray(values, dtype=float)
    before, after = 2 * second - first, 2 * third - second
    return (4 * after - before) / 3, float(np.linalg.norm(after - before))


@dataclasses.dataclass(frozen=True)
class Fit:
    """e = a sqrt(eta) + b eta + c eta^1.5: `coefficients` (a, b, c), their covariance, and the sum of squared residuals
    in standard errors, whose mean is the number of levels minus three."""

    coefficients: np.ndarray
    covariance: np.ndarray
    chi_square: float

    def leading(self, false_alarm: float = FALSE_ALARM, freedom: int = BATCHES - 1) -> Interval:
        """The interval of a; `freedom`: batch means less one that the least sure of the standard errors rests on."""
        error = math.sqrt(self.covariance[0, 0])
        half = student_quantile(freedom, false_alarm) * error
        return Interval(self.coefficients[0], np.float64(error), np.float64(half), false_alarm)


def three_term_design(etas: Any) -> np.ndarray:
    """The columns sqrt(eta), eta, eta^1.5."""
    root = np.sqrt(np.asarray(etas, dtype=float))
    return np.stack([root, root**2, root**3], axis=1)


def three_term_fit(etas: Any, e: Any, se: Any) -> Fit:
    """Weighted least squares for errors `e` with independent standard errors `se`, one a level."""
    e, se = np.asarray(e, dtype=float), np.asarray(se, dtype=float)
    design = three_term_design(etas)
    if e.shape != (len(design),) or se.shape != e.shape or len(e) < 3 or not (se > 0).all():
        raise ValueError(f"{len(design)} levels, errors {e.shape}, standard errors {se.shape}: three or more, all > 0")
    scaled = design / se[:, None]
    covariance = np.linalg.inv(scaled.T @ scaled)
    coefficients = np.linalg.lstsq(scaled, e / se, rcond=None)[0]
    return Fit(coefficients, covariance, float((((design @ coefficients) - e) ** 2 / se**2).sum()))


def _probability(name: str, value: float) -> float:
    if not 0 < value < 1:
        raise ValueError(f"{name} = {value!r} must be between 0 and 1")
    return value
