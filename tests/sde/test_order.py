"""Intervals cover as often as they say, slopes and fits recover known orders, wrong input is named.

Every random test has a fixed seed; its false alarm is stated where it is used, as the chance that another seed
would have failed a correct implementation.
"""

import math

import numpy as np
import pytest
from scipy import stats

from samtheory.sde.order import (
    bounded_interval,
    halving_limit,
    mean_interval,
    normal_quantile,
    paired_covariance_difference,
    paired_difference,
    proportion_interval,
    richardson,
    richardson_limit,
    samples_needed,
    slope,
    student_quantile,
    three_term_fit,
)

ETAS = 2.0 ** -np.arange(4, 10)


def covered(hits, nominal, false_alarm=1e-6):
    """Is a coverage of `hits` in so many trials compatible with at least `nominal`?"""
    hits = np.ravel(hits)
    return stats.binom.cdf(hits.sum(), hits.size, nominal) > false_alarm


def exactly_covered(hits, nominal, false_alarm=1e-6):
    """... and with no more than `nominal`: the interval is not wider than it says."""
    hits = np.ravel(hits)
    return covered(hits, nominal, false_alarm) and stats.binom.sf(hits.sum() - 1, hits.size, nominal) > false_alarm


def test_quantiles_against_scipy():
    assert normal_quantile(1e-6) == pytest.approx(stats.norm.isf(5e-7), rel=1e-12)
    assert student_quantile(127, 1e-6) == pytest.approx(stats.t.isf(5e-7, 127), rel=1e-9)
    assert student_quantile(127, 1e-6) > normal_quantile(1e-6)


def test_mean_interval_covers_as_stated():
    draws = np.random.default_rng(1).exponential(size=(2560, 4000))  # 4000 experiments of 2560 skew draws
    interval = mean_interval(draws, false_alarm=0.05, batches=128)
    assert exactly_covered(np.abs(interval.estimate - 1) <= interval.half_width, 0.95)  # false alarm 2e-6
    assert interval.estimate == pytest.approx(draws.mean(axis=0))


def test_few_batches_cover_too():
    draws = np.random.default_rng(2).standard_normal((5, 4000))
    interval = mean_interval(draws, false_alarm=0.01, batches=5)
    assert exactly_covered(np.abs(interval.estimate) <= interval.half_width, 0.99)  # false alarm 2e-6
    normal = np.abs(interval.estimate) <= normal_quantile(0.01) * interval.standard_error
    assert not covered(normal, 0.99)  # the normal quantile does not, with five batches


def test_bounded_interval_covers_where_student_does_not():
    draws = (np.random.default_rng(3).random((200, 4000)) < 0.002).astype(float)  # rare hits
    truth = 0.002
    bounded = bounded_interval(draws, 0, 1, 0.05)
    assert covered((bounded.low <= truth) & (truth <= bounded.high), 0.95)  # false alarm 1e-6
    student = mean_interval(draws, 0.05, batches=100)
    assert not covered((student.low <= truth) & (truth <= student.high), 0.95)


def test_proportion_interval_is_conservative_and_tight():
    for p, n in ((0.001, 500), (0.3, 50), (0.5, 1000)):
        k = np.arange(n + 1)
        ends = np.array([proportion_interval(int(one), n, 0.01) for one in k])
        inside = (ends[:, 0] <= p) & (p <= ends[:, 1])
        coverage = stats.binom.pmf(k, n, p)[inside].sum()  # exact, no sampling
        assert 0.99 <= coverage <= 1
    assert proportion_interval(0, 10, 0.05)[0] == 0 and proportion_interval(10, 10, 0.05)[1] == 1
    assert proportion_interval(0, 100, 0.05)[1] == pytest.approx(1 - 0.025 ** (1 / 100))


def test_samples_needed_gives_the_power():
    effect, sd, alpha, power = 0.3, 2.0, 1e-3, 0.9
    n = samples_needed(effect, sd, alpha, power)
    rejected = stats.norm.sf(stats.norm.isf(alpha / 2) - effect / (sd / math.sqrt(n)))
    assert power <= rejected < power + 0.01
    assert samples_needed(effect / 2, sd, alpha, power) == pytest.approx(4 * n, rel=0.01)
    assert samples_needed(1.0, 0.0) == 1


def test_paired_difference_is_unbiased_and_narrower():
    rng = np.random.default_rng(4)
    w = rng.standard_normal((6400, 1000))

    def run(noise, bias):
        return np.exp(0.3 * noise) + bias * noise**2  # E[run(., .01) - run(., 0)] = .01

    plain = paired_difference(run(w, 0.01), run(w, 0.0), false_alarm=0.05)
    mirrored = paired_difference(run(w, 0.01), run(w, 0.0), (run(-w, 0.01), run(-w, 0.0)), false_alarm=0.05)
    unpaired = mean_interval(run(w, 0.01) - run(rng.standard_normal(w.shape), 0.0), false_alarm=0.05)
    for interval in (plain, mirrored, unpaired):
        assert exactly_covered(np.abs(interval.estimate - 0.01) <= interval.half_width, 0.95)  # false alarm 2e-6 each
    assert 10 * plain.half_width.mean() < unpaired.half_width.mean()
    odd = paired_difference(run(w, 0.01) + 5 * w, run(w, 0), (run(-w, 0.01) - 5 * w, run(-w, 0)))
    assert odd.half_width.max() < 0.05 * mean_interval(run(w, 0.01) + 5 * w - run(w, 0)).half_width.min()


def test_paired_covariance_difference():
    rng = np.random.default_rng(5)
    root = np.array([[1.0, 0.0], [0.5, 0.7]])
    truth = 0.21 * root @ root.T
    hits = []
    for _ in range(400):
        w = rng.standard_normal((1280, 2)) @ root.T
        shift = np.array([3.0, -7.0])  # the centring matters
        interval = paired_covariance_difference(
            shift + 1.1 * w, w, (shift - 1.1 * w, -w), false_alarm=0.05, batches=128
        )
        hits.append(np.abs(interval.estimate - truth) <= interval.half_width)
    hits = np.array(hits)
    for i, j in ((0, 0), (0, 1), (1, 1)):
        assert exactly_covered(hits[:, i, j], 0.95)  # false alarm 2e-6 each; +- 3.9 % at 400 trials
    scaled = 10.0 * interval
    assert scaled.half_width == pytest.approx(10 * interval.half_width)


def test_slope_of_exact_errors():
    found = slope(ETAS, -3 * ETAS**1.5)
    assert found.value == pytest.approx(1.5, abs=1e-13)
    assert found.local == pytest.approx(np.full(5, 1.5))
    assert found.low == pytest.approx(1.5) and found.high == pytest.approx(1.5)
    shuffled = np.random.default_rng(0).permutation(6)
    assert slope(ETAS[shuffled], (ETAS + ETAS**2)[shuffled]).value == pytest.approx(slope(ETAS, ETAS + ETAS**2).value)
    assert 1 < slope(ETAS, ETAS + ETAS**2).low < slope(ETAS, ETAS + ETAS**2).high < 1.1


def test_slope_intervals_cover():
    rng = np.random.default_rng(6)
    truth, se = 2 * ETAS, 0.08 * 2 * ETAS
    bootstrap, box = [], []
    for _ in range(1500):
        found = slope(ETAS, truth + se * rng.standard_normal(6), se, level=0.95, replicates=500)
        bootstrap.append(found.low <= 1 <= found.high)
        low, high = found.interval(0.05)
        box.append(low <= 1 <= high)
    # the percentile bootstrap is a little short at 8 % errors: at least 93 % is asked for (false alarm 1e-6)
    assert covered(bootstrap, 0.93) and covered(box, 0.95)
    assert slope(ETAS, truth, se).interval(1e-6)[0] > slope(ETAS, truth, 3 * se).interval(1e-6)[0]


def test_slope_tells_a_half_from_one_and_leaves_noise_out():
    se = np.full(6, 1e-4)
    assert slope(ETAS, np.sqrt(ETAS), se).interval()[1] < 0.55
    assert slope(ETAS, ETAS, se).interval()[0] > 0.9
    found = slope(ETAS, ETAS, np.where(ETAS < 0.01, ETAS, 1e-4))
    assert found.used.tolist() == [True, True, True, False, False, False]
    with pytest.raises(ValueError, match="only 2 of 6 errors exceed four standard errors"):
        slope(ETAS, ETAS, np.where(ETAS < 0.02, ETAS, 1e-4))
    with pytest.raises(ValueError, match="levels"):
        slope(ETAS, ETAS[:3])
    with pytest.raises(ValueError, match="levels"):
        slope(-ETAS, ETAS)


def test_richardson_removes_the_linear_term():
    a, b, c = np.array([0.3, 0.0]), np.array([5.0, -2.0]), np.array([0.2, 0.7])

    def e(eta):
        return a * eta**0.5 + b * eta + c * eta**1.5

    values = np.array([richardson(e(eta), e(eta / 2), eta) for eta in ETAS])
    assert values[:, 0] == pytest.approx(0.3 - 0.2 * ETAS / math.sqrt(2))
    assert values[:-1, 1] / values[1:, 1] == pytest.approx(2)  # O(eta)


def test_three_term_fit_recovers_and_covers():
    rng = np.random.default_rng(7)
    truth = np.array([0.1, -0.8, 2.0])
    se = 1e-3 * ETAS**0.5
    exact = three_term_fit(ETAS, truth[0] * ETAS**0.5 + truth[1] * ETAS + truth[2] * ETAS**1.5, se)
    assert exact.coefficients == pytest.approx(truth, rel=1e-10) and exact.chi_square < 1e-12
    fits = [
        three_term_fit(ETAS, exact_errors + se * rng.standard_normal(6), se)
        for exact_errors in [truth[0] * ETAS**0.5 + truth[1] * ETAS + truth[2] * ETAS**1.5] * 2000
    ]
    leading = [fit.leading(0.05) for fit in fits]
    assert exactly_covered([one.low <= 0.1 <= one.high for one in leading], 0.95)  # false alarm 2e-6
    spread = np.cov(np.array([fit.coefficients for fit in fits]).T)
    assert spread == pytest.approx(fits[0].covariance, rel=0.25)
    assert np.mean([fit.chi_square for fit in fits]) == pytest.approx(3, rel=0.1)
    with pytest.raises(ValueError, match="three or more"):
        three_term_fit(ETAS[:2], ETAS[:2], se[:2])
    with pytest.raises(ValueError, match="all > 0"):
        three_term_fit(ETAS, ETAS, 0 * se)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (lambda: mean_interval(np.zeros(10)), "10 draws do not make 128 batches"),
        (lambda: mean_interval(np.zeros(10), 0.0, 5), "false_alarm = 0.0"),
        (lambda: bounded_interval([0.0, 2.0], 0, 1), r"in \[0, 1\] needed"),
        (lambda: proportion_interval(3, 2), "hits = 3 in draws = 2"),
        (lambda: samples_needed(0.0, 1.0), "effect = 0.0"),
        (lambda: samples_needed(1.0, 1.0, power=1.0), "power = 1.0"),
    ],
)
def test_bad_input_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_limits_from_halved_levels():
    level = 0.5 ** np.arange(3)
    limit, uncertainty = halving_limit(2 + 3 * level)
    assert limit == pytest.approx(2, abs=1e-14)
    assert uncertainty == pytest.approx(0.75)
    cubic = np.stack([5 + level - 2 * level**2, 1 - level**2 + 8 * level**3], axis=1)
    limit, uncertainty = richardson_limit(cubic)
    assert limit == pytest.approx([5, 2], abs=1e-13)  # c/8 is left of c level^3
    assert uncertainty == pytest.approx(np.hypot(0.75, 3 / 8 - 21 / 4))
