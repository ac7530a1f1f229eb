"""The filters three ways: the interval in closed form, the eigenvalues of companion matrices built from the methods'
words, and the Jacobian of the very step that the rules take."""

import mpmath as mp
import numpy as np
import pytest
from scipy.optimize import brentq

from samtheory.kernel import call, interpreted
from samtheory.oracles import Batch, FullBatch, Source
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.core import step
from samtheory.rules.gd import GD
from samtheory.rules.gradient_penalty import GradientPenalty
from samtheory.rules.hessian_usam import HessianUSAM
from samtheory.rules.momentum import HeavyBall, Nesterov
from samtheory.rules.two_step_usam import TwoRestartUSAM, TwoSeqUSAM
from samtheory.rules.usam import USAM
from samtheory.theory import filters

RULES = {
    "gd": lambda eta, rho: GD(eta),
    "usam": USAM,
    "penalty": GradientPenalty,
    "two_seq": TwoSeqUSAM,
    "two_restart": TwoRestartUSAM,
    "hess": HessianUSAM,
}
WRAPPERS = {"plain": lambda rule, beta: rule, "heavy_ball": HeavyBall, "nesterov": Nesterov}


def by_words(direction, lam, rho):
    """h by walking through the method on x = 1 with gradient lam x."""
    up = 1 + rho * lam
    return {
        "gd": lam,
        "usam": lam * up,
        "penalty": lam + rho * lam * lam,
        "two_seq": lam * (up + rho * (lam * up)),
        "two_restart": lam * (1 + rho * (lam * up)),
        "hess": lam * (1 + rho * (lam * lam)),
    }[direction]


def companion_radius(direction, lam, eta, rho, beta, momentum):
    """The largest |eigenvalue| of the map (x, x_prev) -> (x+, x), built as a matrix."""
    h = by_words(direction, lam, rho)
    matrix = np.zeros((*lam.shape, 2, 2))
    matrix[..., 1, 0] = 1
    if momentum == "plain":
        matrix[..., 0, 0], matrix[..., 0, 1] = 1 - eta * h, 0
    elif momentum == "heavy_ball":
        matrix[..., 0, 0], matrix[..., 0, 1] = 1 + beta - eta * h, -beta
    else:  # y = (1 + beta) x - beta x_prev
        matrix[..., 0, 0], matrix[..., 0, 1] = (1 + beta) * (1 - eta * h), -beta * (1 - eta * h)
    return np.abs(np.linalg.eigvals(matrix)).max(axis=-1)


def sample(rng, n, direction=None, momentum=None):
    """lam in +-[0.1, 100], eta, rho, beta; where the verdict is marginal another lam."""
    lam = 10 ** rng.uniform(-1, 2, n) * rng.choice([-1, 1], n)
    return lam, 10 ** rng.uniform(-2, 0.5, n), 10 ** rng.uniform(-2, 0.5, n), rng.uniform(0, 0.99, n)


PAIRS = [(direction, momentum) for direction in filters.DIRECTIONS for momentum in filters.MOMENTA]


def mismatches(test, n=11_200):
    """How many of n points a pair (18 pairs: 201 600) the test and the companion matrix disagree on."""
    rng, wrong, seen, skipped = np.random.default_rng(7), 0, [0, 0], 0
    for direction, momentum in PAIRS:
        lam, eta, rho, beta = sample(rng, n)
        clear = filters.verdict(direction, lam, eta, rho, beta, momentum) != "marginal"
        stable = companion_radius(direction, lam, eta, rho, beta, momentum) <= 1
        wrong += np.sum((test(direction, lam, eta, rho, beta, momentum) != stable)[clear])
        seen[0], seen[1] = seen[0] + np.sum(stable[clear]), seen[1] + np.sum(~stable[clear])
        skipped += np.sum(~clear)
    assert min(seen) > 0.2 * sum(seen) and sum(seen) >= 200_000 and skipped < 100
    return wrong


def test_200_000_random_points_without_a_mismatch():
    assert mismatches(filters.admits) == 0
    assert mismatches(lambda *case: filters.spectral_radius(*case) <= 1) == 0


def interval(response=filters.response, limit=filters.limit):
    def test(direction, lam, eta, rho, beta, momentum):
        h = response(direction, lam, rho)
        return (h >= 0) & (h <= limit(eta, beta, momentum))

    return test


SWAP = {"hess": "usam", "usam": "hess"}
CONTROLS = {
    "Nesterov with heavy ball's U": interval(
        limit=lambda eta, beta, momentum: filters.limit(eta, beta, "plain" if momentum == "plain" else "heavy_ball")
    ),
    "lam (1 + 2 rho lam)": interval(lambda d, lam, rho: filters.response(d, lam, 2 * rho if d == "usam" else rho)),
    "hess and usam swapped": interval(lambda d, lam, rho: filters.response(SWAP.get(d, d), lam, rho)),
    "two_seq and two_restart swapped": interval(
        lambda d, lam, rho: filters.response({"two_seq": "two_restart", "two_restart": "two_seq"}.get(d, d), lam, rho)
    ),
    "momentum left out": interval(limit=lambda eta, beta, momentum: 2 / eta),
    "only the upper end": lambda d, lam, eta, rho, beta, momentum: (
        filters.response(d, lam, rho) <= filters.limit(eta, beta, momentum)
    ),
    "no negative band": lambda d, lam, eta, rho, beta, momentum: (
        (lam >= 0) & (lam <= filters.edge(d, eta, rho, beta, momentum))
    ),
    "U less a thousandth": interval(limit=lambda eta, beta, momentum: 0.999 * filters.limit(eta, beta, momentum)),
}


@pytest.mark.parametrize("name", CONTROLS)
def test_every_control_mismatches(name):
    assert mismatches(CONTROLS[name]) > 0


def test_radius_is_that_of_the_companion_matrix():
    rng = np.random.default_rng(8)
    for direction, momentum in PAIRS:
        lam, eta, rho, beta = sample(rng, 2000)
        ours = filters.spectral_radius(direction, lam, eta, rho, beta, momentum)
        theirs = companion_radius(direction, lam, eta, rho, beta, momentum)
        # a double root loses half the digits in the eigenvalues of the matrix
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
        assert np.median(np.abs(ours / theirs - 1)) < 1e-14


def _one_step(source, rule, x, memory, ws):
    step(rule, source, 0, x, memory, ws)


def coded_radius(direction, lam, eta, rho, beta, momentum):
    """From central differences of the coded step in the state (x, v), all modes of a diagonal quadratic at a time."""
    source = Source(
        FullBatch(Diagonal(lam, np.zeros(lam.size))),
        *[Batch(np.empty(0), np.empty(0, dtype=np.int64))] * 2,
        np.empty(lam.size),
    )
    rule = WRAPPERS[momentum](RULES[direction](eta, rho), beta)
    jacobian, small = np.zeros((lam.size, 2, 2)), 2.0**-20
    for j in range(2):
        for sign in (1, -1):
            state = np.zeros((2, lam.size))
            state[j] = sign * small
            call(_one_step, source, rule, state[0], state[1:], np.empty((4, lam.size)))
            jacobian[:, :, j] += sign * state.T / (2 * small)
    if momentum == "plain":
        jacobian[:, 1, 1] = 0  # there is no memory
    return np.abs(np.linalg.eigvals(jacobian)).max(axis=-1)


def coded_mismatches(pairs, test, groups=12, n=930):
    """The same on the coded step: `groups` settings of n curvatures a pair (18 pairs: 200 880)."""
    rng, wrong, total = np.random.default_rng(9), 0, 0
    with interpreted():
        for direction, momentum in pairs:
            for _ in range(groups):
                lam = sample(rng, n)[0]
                setting = [float(value[0]) for value in sample(rng, 1)[1:]]
                clear = filters.verdict(direction, lam, *setting, momentum) != "marginal"
                stable = coded_radius(direction, lam, *setting, momentum) <= 1
                wrong += np.sum((test(direction, lam, *setting, momentum) != stable)[clear])
                total += clear.sum()
    return wrong, total


def test_the_coded_steps_have_these_filters():
    wrong, total = coded_mismatches(PAIRS, filters.admits)
    assert wrong == 0 and total >= 200_000


@pytest.mark.parametrize("name", ["Nesterov with heavy ball's U", "lam (1 + 2 rho lam)", "hess and usam swapped"])
def test_controls_mismatch_on_the_coded_steps_too(name):
    pairs = [(d, m) for d, m in PAIRS if d in ("usam", "hess") and m != "heavy_ball"]
    assert coded_mismatches(pairs, CONTROLS[name], groups=4, n=200)[0] > 0


# ------------------------------------------------------------------------------------ edges

TABLE = {  # eta, rho, beta, momentum: gd, usam, two_seq, two_restart, hess
    (0.1, 0.1, 0.0, "plain"): (20, 10, 6.956207695598621, 8.105357137661368, 5.280021872035542),
    (0.2, 1.5, 0.0, "plain"): (10, 2.270083225302218, 1.232381933895302, 1.371635461543917, 1.764163449448340),
    (0.05, 0.02, 0.0, "plain"): (40, 26.234753829797985, 20.258351105106232, 23.601185725378542, 11.281738983617938),
    (0.1, 0.1, 0.5, "heavy_ball"): (30, 13.027756377319946, 8.637065278191890, 10, 6.197381682924370),
    (0.1, 0.1, 0.9, "heavy_ball"): (38, 15.124611797498106, 9.745987851030392, 11.229463851458503, 6.783610304676800),
    (0.1, 0.1, 0.5, "nesterov"): (15, 8.228756555322953, 5.919088744889292, 6.914139797817367, 4.689187792315655),
    (0.1, 0.1, 0.9, "nesterov"): (
        *(13.571428571428573, 7.677313820927749, 5.586414244578079),
        *(6.528015923867340, 4.494188409238769),
    ),
}


@pytest.mark.parametrize("setting", TABLE)
def test_published_edges(setting):
    for direction, value in zip(("gd", "usam", "two_seq", "two_restart", "hess"), TABLE[setting]):
        assert filters.edge(direction, *setting) == pytest.approx(value, rel=1e-14)


def bracketed(direction):
    """The root of h = U on [0, U] in 40 digits."""

    def reference(eta, rho, beta, momentum):
        with mp.workdps(40):
            eta, rho, beta = mp.mpf(eta), mp.mpf(rho), mp.mpf(beta)
            upper = {"plain": 2, "heavy_ball": 2 * (1 + beta), "nesterov": 2 * (1 + beta) / (1 + 2 * beta)}[momentum]
            upper /= eta
            start = brentq(lambda lam: float(by_words(direction, lam, rho) - upper), 0, float(upper) * 1.01)
            return float(mp.findroot(lambda lam: by_words(direction, lam, rho) - upper, start))

    return reference


def settings(rng, n=30):
    for _ in range(n):
        eta, rho = 10 ** rng.uniform(-2, 0.5), 10 ** rng.uniform(-3, 1)
        yield eta, rho, rng.uniform(0, 0.99), str(rng.choice(filters.MOMENTA))
    yield 0.3, 1e-15, 0.5, "plain"  # where (-1 + sqrt(1 + 4 rho U))/(2 rho) has no digits left
    yield 1e-4, 1e3, 0.5, "nesterov"


@pytest.mark.parametrize("direction", filters.DIRECTIONS)
def test_edge_is_the_root_of_h(direction, verify, rng):
    def edge(*setting):
        return filters.edge(direction, *setting)

    verify(
        edge,
        bracketed(direction),
        settings(rng),
        rtol=1e-14,
        larger_radius=lambda eta, rho, *rest: edge(eta * 1.001, rho * 1.001, *rest),
        other=lambda *setting: filters.edge("two_seq" if direction == "hess" else "hess", *setting),
    )


def test_cancelling_form_of_the_usam_edge_is_refused(verify):
    def cancelling(eta, rho, beta, momentum):
        return (-1 + np.sqrt(1 + 4 * rho * filters.limit(eta, beta, momentum))) / (2 * rho)

    def edge(*setting):
        return filters.edge("usam", *setting)

    verify(edge, bracketed("usam"), [(0.3, 1e-15, 0.5, "plain")], rtol=1e-14, cancelling=cancelling)


def test_order_of_the_edges():
    rng = np.random.default_rng(3)
    _, eta, rho, beta = sample(rng, 10_000)
    for momentum in filters.MOMENTA:
        edges = {d: filters.edge(d, eta, rho, beta, momentum) for d in filters.DIRECTIONS}
        assert (edges["two_seq"] < edges["two_restart"]).all()
        assert (edges["two_restart"] < edges["usam"]).all()
        assert (edges["usam"] < edges["gd"]).all()
        upper = filters.limit(eta, beta, momentum)
        apart = np.abs(upper / (1 + rho) - 1) > 1e-9
        assert ((edges["hess"] < edges["usam"]) == (upper > 1 + rho))[apart].all()
        assert 0.05 < (upper > 1 + rho).mean() < 0.99
    assert filters.edge("hess", 10, 0.1) == pytest.approx(0.1992, abs=1e-4)
    assert filters.edge("usam", 10, 0.1) == pytest.approx(0.1962, abs=1e-4)


def test_negative_bands():
    """The band is where a dense grid of negative curvatures passes; and nowhere else."""
    assert np.allclose(filters.negative_band("usam", 0.1, 0.1), (-20, -10), rtol=1e-14)
    assert np.allclose(filters.negative_band("usam", 0.2, 1.5), (-2.936750, -0.666667), atol=1e-6)
    grid = -np.linspace(0.003, 40, 40_001)
    for direction in filters.DIRECTIONS:
        passed = grid[filters.admits(direction, grid, 0.13, 0.17)]
        low, high = filters.negative_band(direction, 0.13, 0.17)
        if direction in ("usam", "penalty"):
            inside = grid[(grid >= low) & (grid <= high)]
            np.testing.assert_array_equal(passed, inside)
            assert high - low == pytest.approx(filters.edge(direction, 0.13, 0.17), rel=1e-14)
        else:
            assert passed.size == 0
    assert filters.negative_band("two_seq", 0.1, 0.25) == (-4, -4)
    assert filters.admits("two_seq", -4.0, 0.1, 0.25) and not filters.admits("two_seq", -4.001, 0.1, 0.25)
    for direction in ("gd", "two_restart", "hess"):
        assert np.isnan(filters.negative_band(direction, 0.1, 0.1)).all()
    assert np.isnan(filters.negative_band("usam", 0.1, 0.0)).all()


def test_verdicts():
    ends = np.array([10.0, 0.0, -10.0, -20.0])
    for shift, value in ((0.9e-6, "marginal"), (-0.9e-6, "marginal")):
        assert (filters.verdict("usam", ends * (1 + shift), 0.1, 0.1) == value).all()
    assert filters.verdict("usam", [9.9999, 10.0001, -10.0001, -9.9999, 1e-3, -1e-3], 0.1, 0.1).tolist() == [
        *("admitted", "filtered", "admitted", "filtered", "admitted", "filtered")
    ]
    assert filters.verdict("two_seq", [-10.0, -10.1], 0.1, 0.1).tolist() == ["marginal", "filtered"]


def test_radius_is_one_at_the_ends():
    for direction, momentum in PAIRS:
        top = filters.edge(direction, 0.1, 0.1, 0.5, momentum)
        assert filters.spectral_radius(direction, [0.0, top], 0.1, 0.1, 0.5, momentum) == pytest.approx(1, abs=1e-13)


def test_shapes_and_refusals():
    eta, rho = np.array([[0.1], [0.2]]), np.array([0.0, 0.1, 0.2])
    for direction in filters.DIRECTIONS:
        assert filters.edge(direction, eta, rho).shape == (2, 3)
        assert filters.spectral_radius(direction, 3.0, eta, rho, 0.5, "nesterov").shape == (2, 3)
        assert filters.verdict(direction, 3.0, eta, rho).shape == (2, 3)
        assert filters.edge(direction, 0.1, 0.0) == 20.0
    for refused in (
        lambda: filters.limit(0.0),
        lambda: filters.limit(0.1, 1.0, "heavy_ball"),
        lambda: filters.limit(0.1, -0.1, "heavy_ball"),
        lambda: filters.edge("usam", 0.1, -0.1),
        lambda: filters.spectral_radius("usam", 1.0, 0.1, 0.1, 1.0, "nesterov"),
    ):
        with pytest.raises(ValueError, match="outside"):
            refused()
    with pytest.raises(ValueError, match="direction = 'adam' is unknown"):
        filters.edge("adam", 0.1, 0.1)
    with pytest.raises(ValueError, match="momentum = 'polyak' is unknown"):
        filters.admits("gd", 1.0, 0.1, 0.1, 0.0, "polyak")
