"""Bounds against the one-step inequalities they follow from, and against runs that meet or break them."""

import numpy as np
import pytest
import sympy as sp

from samtheory.theory import bounds

ALPHA, BETA, ETA, RHO, GAP, G = sp.symbols("alpha beta eta rho e G", positive=True)
H = ETA * BETA


def pl(decrease):
    """Gap after a step: `decrease` of the gap is c |g|^2 + const, at least c 2 alpha gap + const under PL."""
    coefficient = sp.expand(decrease).coeff(G, 2)
    return GAP - coefficient * 2 * ALPHA * GAP - (decrease - coefficient * G**2)


def descent_lemma(inner, square):
    """f(w) - f(w+) for w+ = w - eta (g + delta), |g| = G, given <g, delta> and |delta|^2."""
    return ETA * (G**2 + inner) - BETA * ETA**2 / 2 * (G**2 + 2 * inner + square)


# SAM, h <= 1: <g, delta> >= 0 only helps, so the worst is 0; |delta| <= beta rho
SAM_STEP = sp.expand(pl(sp.expand(descent_lemma(0, (BETA * RHO) ** 2))))


def large_step():
    """SAM, 1 <= h < 2: <g, delta> <= beta rho G; a share (2 - h)/4 of eta G^2 is spent to absorb the linear term."""
    decrease = sp.expand(descent_lemma(BETA * RHO * G, (BETA * RHO) ** 2))
    linear = decrease.coeff(G, 1)
    share = ETA * (2 - H) / 4
    spent = share * G**2 + linear * G
    worst = sp.simplify(spent.subs(G, sp.solve(sp.diff(spent, G), G)[0]))
    return sp.expand(pl(sp.expand(decrease - linear * G - share * G**2) + worst))


LARGE_STEP = large_step()

# h <= 1: f(w) - f(w+) >= eta/2 (|g|^2 - |delta|^2), from the descent lemma and eta <= 1/beta
SAM_PL_STEP = sp.expand(pl(ETA / 2 * (G**2 - (BETA * RHO) ** 2)))
USAM_DECREASE = sp.expand(ETA / 2 * (G**2 - (BETA * RHO * G) ** 2))
USAM_STEP = sp.expand(pl(USAM_DECREASE))


def test_inexact_descent_lemma():
    """What the last two rest on: with any <g, delta>, the slack is (eta/2)(1 - h)|g + delta|^2 >= 0."""
    inner, square = sp.symbols("i s")
    slack = descent_lemma(inner, square) - ETA / 2 * (G**2 - square)
    assert sp.simplify(slack - ETA / 2 * (1 - H) * (G**2 + 2 * inner + square)) == 0
    assert sp.simplify(slack - ETA / 2 * (1 - H / 2) * (G**2 + 2 * inner + square)) != 0


def floor_of(step):
    (fixed,) = sp.solve(sp.Eq(step, GAP), GAP)
    return sp.lambdify((ALPHA, BETA, ETA, RHO), sp.simplify(fixed))


def recursion(step):
    """The bound at t: the recursion run t times from gap0 + floor, which is rate^t gap0 + floor."""
    variables = (ALPHA, BETA, ETA, RHO)
    advance = sp.lambdify((GAP, *variables), step)
    floor = sp.lambdify(variables, sp.simplify(sp.solve(sp.Eq(step, GAP), GAP)[0]))

    def bound(t, alpha, beta, eta, rho, gap0):
        gap = gap0 + floor(alpha, beta, eta, rho)
        for _ in range(t):
            gap = advance(gap, alpha, beta, eta, rho)
        return gap

    return bound


def constants(rng, low=0.05, high=1.0, n=20):
    for _ in range(n):
        alpha = 10 ** rng.uniform(-1, 0.5)
        beta = alpha * 10 ** rng.uniform(0, 1.5)
        yield alpha, beta, rng.uniform(low, high) / beta, 10 ** rng.uniform(-2, 0.5)


def runs(rng, **kwargs):
    for t, case in enumerate(constants(rng, **kwargs)):
        yield t, *case, 10 ** rng.uniform(-2, 1)


def test_sam_floor(verify, rng):
    verify(
        bounds.sam_floor,
        floor_of(SAM_STEP),
        constants(rng),
        smaller=lambda *case: 0.95 * bounds.sam_floor(*case),
        eta_squared=lambda alpha, beta, eta, rho: beta**6 * eta**2 * rho**2 / alpha**3,
        plain_two=lambda alpha, beta, eta, rho: eta * beta**3 * rho**2 / (4 * alpha),
    )


def test_sam_bound(verify, rng):
    verify(
        bounds.sam_bound,
        recursion(SAM_STEP),
        runs(rng),
        rtol=1e-10,
        gd_rate=lambda t, a, b, eta, rho, gap: (1 - a * eta) ** t * gap + bounds.sam_floor(a, b, eta, rho),
        no_floor=lambda t, a, b, eta, rho, gap: bounds.sam_bound(t, a, b, eta, 0, gap),
    )


def test_large_step_floor(verify, rng):
    verify(
        bounds.sam_floor_large_step,
        floor_of(LARGE_STEP),
        constants(rng, low=1.0, high=1.97),
        rtol=1e-10,
        divided=lambda *case: bounds.sam_floor_large_step(*case) / 1.2,
        small_step=bounds.sam_floor,
    )


def test_large_step_bound(verify, rng):
    verify(
        bounds.sam_bound_large_step,
        recursion(LARGE_STEP),
        runs(rng, low=1.0, high=1.97),
        rtol=1e-10,
        full_rate=lambda t, a, b, eta, rho, gap: (
            (1 - a * eta * (2 - eta * b)) ** t * gap + bounds.sam_floor_large_step(a, b, eta, rho)
        ),
        small_step=bounds.sam_bound,
    )


def cycle_gap():
    """lam A^2/2 in one dimension, A from the fixed point of the two-step map."""
    x = sp.Symbol("x", positive=True)
    first = x - H * (x + RHO)
    (amplitude,) = sp.solve(sp.Eq(first - H * (first - RHO), x), x)
    return BETA * amplitude**2 / 2


def test_one_dimensional_limit_ratios():
    """Limit of the gap over the floor: h/(2 - h), and h^2/(2 h^2 - 4 h + 4) for the large-step bound."""
    h = sp.Symbol("h", positive=True)
    gap = sp.lambdify((BETA, ETA, RHO), cycle_gap())
    small, large = h / (2 - h), h**2 / (2 * h**2 - 4 * h + 4)
    for floor, ratio, other in ((bounds.sam_floor, small, large), (bounds.sam_floor_large_step, large, small)):
        for value in (0.2, 0.6, 1.2, 1.5, 1.8):
            measured = gap(4.0, value / 4, 0.5) / floor(4.0, 4.0, value / 4, 0.5)
            assert measured == pytest.approx(float(ratio.subs(h, value)), rel=1e-12)
            assert measured != pytest.approx(float(other.subs(h, value)), rel=1e-3)
    assert [float(large.subs(h, v)) for v in (1.2, 1.5, 1.8)] == pytest.approx([0.6923, 0.9, 0.9878], abs=5e-5)


def sam_gaps(lam, w, eta, rho, steps):
    lam, w = np.array(lam, float), np.array(w, float)
    gaps = [lam @ w**2 / 2]
    for _ in range(steps):
        g = lam * w
        w = w - eta * lam * (w + rho * g / np.linalg.norm(g))
        gaps.append(lam @ w**2 / 2)
    return np.array(gaps)


def test_numbers_on_a_quadratic():
    gaps = sam_gaps([4, 1], [2, -3], 0.2, 0.5, 200)
    assert gaps[10] == pytest.approx(0.22282872614445123, rel=1e-12)
    assert gaps[200] == pytest.approx(2 / 9, rel=1e-12)
    assert bounds.sam_bound(10, 1, 4, 0.2, 0.5, gaps[0]) == pytest.approx(2.136944449875826, rel=1e-14)
    assert bounds.sam_bound(200, 1, 4, 0.2, 0.5, gaps[0]) == pytest.approx(1.3333, abs=5e-5)
    assert bounds.sam_floor(1, 4, 0.375, 0.5) == pytest.approx(6)
    assert bounds.sam_floor(1, 4, 0.45, 0.5) == pytest.approx(18)
    assert [bounds.sam_floor(4, 4, eta, 0.5) for eta in (0.25, 0.375, 0.45)] == pytest.approx([0.5, 1.5, 4.5])


@pytest.mark.parametrize(
    ("bound", "h", "holds"),
    [
        (bounds.sam_bound, 0.7, True),
        (bounds.sam_bound, 1.0, True),
        (bounds.sam_bound, 1.5, False),
        (bounds.sam_bound_large_step, 0.7, True),
        (bounds.sam_bound_large_step, 1.5, True),
        (bounds.sam_bound_large_step, 1.9, True),
        (bounds.sam_pl_bound, 0.7, True),
        (lambda t, a, b, eta, rho, gap: bounds.sam_bound_large_step(t, a, b, eta, rho, gap) / 1.2, 1.9, False),
        (lambda t, a, b, eta, rho, gap: bounds.sam_bound(t, a, b, eta, rho * 0.95**0.5, gap), 1.0, False),
    ],
)
def test_runs_against_bounds(bound, h, holds):
    """A 1-d quadratic from near its cycle and 3-d ones from afar: the true bounds hold, the false ones are broken."""
    t = np.arange(301)
    worst = 0.0
    for lam, w in (([4.0], [1e-3]), ([4.0, 2.0, 1.0], [1.0, -2.0, 0.7]), ([4.0, 3.9, 0.5], [0.02, 0.1, 0.003])):
        eta, rho = h / lam[0], 0.51
        gaps = sam_gaps(lam, w, eta, rho, 300)
        worst = max(worst, (gaps / bound(t, lam[-1], lam[0], eta, rho, gaps[0])).max())
    assert (worst <= 1 + 1e-10) == holds


def test_large_step_bound_needs_no_convexity():
    """x^2 + 3 sin^2 x, alpha = 0.175530986 (PL), beta = 8: holds for h on both sides of 1."""

    def f(x):
        return x * x + 3 * np.sin(x) ** 2

    def slope(x):
        return 2 * x + 3 * np.sin(2 * x)

    t = np.arange(201)
    for h in (0.3, 0.9, 1.4, 1.9):
        for start in np.linspace(-6.1, 5.9, 25):
            x, gaps = start, []
            for _ in t:
                gaps.append(f(x))
                x = x - h / 8 * slope(x + 0.3 * np.sign(slope(x)))
            gaps = np.array(gaps)
            assert (gaps <= bounds.sam_bound_large_step(t, 0.175530986, 8, h / 8, 0.3, gaps[0]) * (1 + 1e-12)).all()


def test_sam_pl_bound(verify, rng):
    verify(
        bounds.sam_pl_bound,
        recursion(SAM_PL_STEP),
        runs(rng),
        rtol=1e-10,
        half_floor=lambda t, a, b, eta, rho, gap: bounds.sam_pl_bound(t, a, b, eta, rho / 2**0.5, gap),
        strongly_convex=bounds.sam_bound,
    )


def below_one(cases):
    """rho beta in [0, 1): the radius of each case is read as a fraction."""
    for case in cases:
        t, alpha, beta, eta, rho, gap = case
        yield t, alpha, beta, eta, rho / (1 + rho) / beta, gap


def test_usam_pl_bound(verify, rng):
    advance = sp.lambdify((GAP, ALPHA, BETA, ETA, RHO), USAM_STEP)

    def reference(t, alpha, beta, eta, rho, gap):
        for _ in range(t):
            gap = advance(gap, alpha, beta, eta, rho)
        return gap

    verify(
        bounds.usam_pl_bound,
        reference,
        below_one(runs(rng)),
        rtol=1e-10,
        gd=lambda t, a, b, eta, rho, gap: (1 - a * eta) ** t * gap,
        first_power=lambda t, a, b, eta, rho, gap: (1 - a * eta * (1 - rho * b)) ** t * gap,
        three=lambda t, a, b, eta, rho, gap: (1 - 3 * a * eta) ** t * gap,
    )


def lengths(rng):
    for _, alpha, beta, _, rho, gap in below_one(runs(rng)):
        yield alpha, beta, rho, gap


def test_usam_path_lengths(verify, rng):
    """Step <= eta (1 + rho beta) G. Geometric: G <= sqrt(2 beta e), sum_t q^(t/2) <= 2/(1 - q).

    Sharp: sqrt(e) - sqrt(e+) >= (e - e+)/(2 sqrt(e)) and G >= sqrt(2 alpha e), so length <= c (sqrt(e) - sqrt(e+)).
    """
    step = ETA * (1 + RHO * BETA) * G
    q = sp.simplify(USAM_STEP / GAP)
    geometric = sp.simplify(step.subs(G, sp.sqrt(2 * BETA * GAP)) * 2 / (1 - q))
    # length per drop of sqrt(e): decreasing in G, so taken at the smallest G
    per_drop = step / (USAM_DECREASE / (2 * sp.sqrt(GAP)))
    assert sp.simplify(sp.diff(per_drop, G) * G + per_drop) == 0
    sharp = sp.simplify(per_drop.subs(G, sp.sqrt(2 * ALPHA * GAP)) * sp.sqrt(GAP))
    assert ETA not in geometric.free_symbols | sharp.free_symbols
    variables = (ALPHA, BETA, RHO, GAP)
    cases = list(lengths(rng))
    verify(
        bounds.usam_path_length,
        sp.lambdify(variables, geometric),
        cases,
        rtol=1e-10,
        sharp=bounds.usam_path_length_sharp,
        half=lambda *case: bounds.usam_path_length(*case) / 2,
    )
    verify(
        bounds.usam_path_length_sharp,
        sp.lambdify(variables, sharp),
        cases,
        rtol=1e-10,
        geometric=bounds.usam_path_length,
        no_reach=lambda alpha, beta, rho, gap: 2 * np.sqrt(2 * gap / alpha),
    )


def test_usam_path_of_a_quadratic_is_bounded(rng):
    """Path of USAM on a quadratic, h <= 1: summed per step, never above the sharp length."""
    for alpha, beta, rho, _ in lengths(rng):
        lam = np.array([beta, (alpha * beta) ** 0.5, alpha])
        eta = rng.uniform(0.2, 1) / beta
        w = rng.standard_normal(3)
        gap = lam @ w**2 / 2
        path = np.array([w * (1 - eta * lam * (1 + rho * lam)) ** t for t in range(2000)])
        length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
        sharp, geometric = (
            bounds.usam_path_length_sharp(alpha, beta, rho, gap),
            bounds.usam_path_length(alpha, beta, rho, gap),
        )
        assert length <= sharp <= geometric
        gaps = (lam * path**2).sum(axis=1) / 2
        bound = bounds.usam_pl_bound(np.arange(2000), alpha, beta, eta, rho, gap)
        assert (gaps <= bound * (1 + 1e-10) + 1e-24 * gap).all()


def test_shapes_and_ranges():
    assert bounds.sam_bound(np.arange(5), 1, 4, 0.1, [[0.1], [0.2]], 3.0).shape == (2, 5)
    assert bounds.usam_path_length([1, 2], 4, 0.1, 3.0).shape == (2,)
    assert bounds.sam_bound(3, 1, 4, 0.1, 0.0, 0.0) == bounds.usam_path_length(1, 4, 0.0, 0.0) == 0
    assert bounds.usam_pl_bound(1, 1, 1, 0.5, 0.0, 1.0) == 0.5
    for call in (
        lambda: bounds.sam_bound(1, 1, 4, 0.5, 0.1, 1.0),
        lambda: bounds.sam_bound(-1, 1, 4, 0.1, 0.1, 1.0),
        lambda: bounds.sam_bound(1, 1, 4, 0.1, 0.1, -1.0),
        lambda: bounds.sam_floor(4, 1, 0.1, 0.1),
        lambda: bounds.sam_floor(0, 1, 0.1, 0.1),
        lambda: bounds.sam_floor(1, 4, 0.0, 0.1),
        lambda: bounds.sam_floor(1, 4, 0.1, -0.1),
        lambda: bounds.sam_floor_large_step(1, 4, 0.6, 0.1),
        lambda: bounds.sam_pl_bound(1, 1, 1, 1.5, 0.1, 1.0),
        lambda: bounds.usam_pl_bound(1, 1, 1, 0.5, 1.0, 1.0),
        lambda: bounds.usam_path_length(1, 4, 0.25, 1.0),
        lambda: bounds.usam_path_length_sharp(0, 4, 0.2, 1.0),
    ):
        with pytest.raises(ValueError, match="outside"):
            call()
