"""The drift against series expansions, in rho, of one exact SAM step."""

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from samtheory.theory import drift

ETA, RHO, LAM, SLOPE = sp.symbols("eta rho lambda m", positive=True)
ROOM = sp.Symbol("c", positive=True)  # 2 - eta lam


def valley_coefficient():
    """Second order in rho of the motion of th, per unit of d lam/d th, on f = (lam + m th) x^2/2 from (A, 0)."""
    lam = (2 - ROOM) / ETA
    half = RHO * (2 - ROOM) / ROOM  # A with h = 2 - room; that it is the cycle is checked in test_cycles
    gx, gth = lam * half, SLOPE * half**2 / 2
    norm = sp.sqrt(1 + (gth / gx) ** 2)  # |g|/gx, lam half > 0
    x, th = half + RHO / norm, RHO * (gth / gx) / norm
    motion = -ETA * SLOPE * x**2 / 2
    second = sp.series(motion / RHO**2, RHO, 0, 1).removeO()
    # th+ = th - eta d f/d th; th enters only the x-slope, so it is not needed here
    assert th.subs(RHO, 0) == 0
    return sp.simplify(second / SLOPE).subs(ROOM, 2 - ETA * LAM)


def scenarios(rng, n=20):
    for _ in range(n):
        lam = rng.uniform(0.1, 5)
        yield rng.uniform(0.02, 1.95) / lam, 10 ** rng.uniform(-3, 0), lam


def test_drift_step(verify, rng):
    coefficient = valley_coefficient()
    verify(
        drift.drift_step,
        sp.lambdify((ETA, RHO, LAM), -coefficient * RHO**2),
        scenarios(rng),
        rtol=1e-10,
        small_step=lambda eta, rho, lam: eta * rho**2 / 2,
        first_power=lambda eta, rho, lam: eta * rho**2 / (2 - eta * lam),
        sign=lambda eta, rho, lam: 2 * eta * rho**2 / (2 + eta * lam) ** 2,
    )
    # the form recalled from the paper is the same function
    h = ETA * LAM
    recalled = ETA * RHO**2 / 2 * (1 + h / (2 - h)) ** 2
    assert sp.simplify(recalled + coefficient * RHO**2) == 0
    limit = sp.limit(-coefficient * RHO**2, LAM, 0)
    verify(
        drift.small_step_drift,
        sp.lambdify((ETA, RHO), limit),
        [case[:2] for case in scenarios(rng)],
        twice=lambda eta, rho: eta * rho**2,
    )
    assert drift.drift_step(0.2, 0.1, 0.0) == pytest.approx(drift.small_step_drift(0.2, 0.1), rel=1e-15)
    assert drift.drift_step(0.2, 0.1, 5.0) == pytest.approx(4 * drift.small_step_drift(0.2, 0.1), rel=1e-14)


def rational_problem(seed, d):
    """A cubic f = x'Hx/2 + T[x,x,x]/6 with rational H, T and eigenbasis; returns H, T, the top eigenvector, eta."""
    rng = np.random.default_rng(seed)

    def rational(low, high):
        return sp.Rational(int(rng.integers(low, high)), 7)

    # Cayley transform of a skew matrix: rational and orthogonal
    skew = sp.zeros(d)
    for i in range(d):
        for j in range(i):
            skew[i, j] = rational(-9, 10)
            skew[j, i] = -skew[i, j]
    basis = (sp.eye(d) - skew) * (sp.eye(d) + skew).inv()
    hess = basis * sp.diag(2, *[rational(-3, 10) for _ in range(d - 1)]) * basis.T
    cube = {}
    for i in range(d):
        for j in range(i + 1):
            for k in range(j + 1):
                cube[i, j, k] = rational(-9, 10)

    def third(i, j, k):
        return cube[tuple(sorted((i, j, k), reverse=True))]

    return hess, third, basis[:, 0], sp.Rational(int(rng.integers(1, 10)), 10)


def second_order(seed, d, sign):
    """Coefficient of rho^2 in one exact SAM step from w* + s A v, with all numbers rational."""
    hess, third, v, eta = rational_problem(seed, d)

    def grad(x):
        cubic = [sum(third(i, j, k) * x[j] * x[k] for j in range(d) for k in range(d)) / 2 for i in range(d)]
        return hess * x + sp.Matrix(cubic)

    lam = (v.T * hess * v)[0]
    start = sign * eta * RHO * lam / (2 - eta * lam) * v
    g = grad(start).applyfunc(lambda x: sp.expand(x / RHO))
    # the expansion of 1/|g|, |g|^2 a polynomial in rho with a perfect square in front
    inverse = sp.series(1 / sp.sqrt(sp.expand(sum(x**2 for x in g))), RHO, 0, 3).removeO()
    perturbed = start + RHO * inverse * g
    step = (start - eta * grad(perturbed)).applyfunc(sp.expand)
    assert [step[i].coeff(RHO, 1) for i in range(d)] == [-start[i].coeff(RHO, 1) for i in range(d)]
    return [float(step[i].coeff(RHO, 2)) for i in range(d)]


def top_slope(hess, third, d):
    """Gradient of the top Hessian eigenvalue at 0, by 40-digit differences of the eigenvalue itself."""
    with mp.workdps(40):
        small = mp.mpf(10) ** -12

        def top(k, s):
            shifted = mp.matrix(d, d)
            for i in range(d):
                for j in range(d):
                    slope = third(i, j, k)
                    shifted[i, j] = mp.mpf(hess[i, j].p) / hess[i, j].q + s * mp.mpf(slope.p) / slope.q
            return max(mp.eigsy(shifted, eigvals_only=True))

        return [float((top(k, small) - top(k, -small)) / (2 * small)) for k in range(d)]


def as_arguments(seed, d):
    hess, third, v, eta = rational_problem(seed, d)
    return float(eta), np.array(hess, float), np.array(v, float).ravel(), np.array(top_slope(hess, third, d))


def test_one_step_drift(verify):
    def formula(seed, d, sign):
        eta, *rest = as_arguments(seed, d)
        return drift.one_step_drift(eta, 1.0, *rest)

    def without_bracket(seed, d, sign):
        eta, hess, v, slope = as_arguments(seed, d)
        return -drift.drift_step(eta, 1.0, v @ hess @ v) * slope

    def small_step(seed, d, sign):
        eta, hess, v, slope = as_arguments(seed, d)
        ratio = drift.small_step_drift(eta, 1.0) / drift.drift_step(eta, 1.0, v @ hess @ v)
        return ratio * drift.one_step_drift(eta, 1.0, hess, v, slope)

    def unprojected(seed, d, sign):
        eta, hess, v, slope = as_arguments(seed, d)
        h = eta * (v @ hess @ v)
        return -2 * eta / (2 - h) ** 2 * (slope + eta * (2 - h) / 4 * hess @ slope)

    verify(
        formula,
        second_order,
        [(1, 2, 1), (1, 2, -1), (2, 2, 1), (3, 3, 1), (4, 3, -1)],
        rtol=1e-9,
        without_bracket=without_bracket,
        small_step=small_step,
        unprojected=unprojected,
        uphill=lambda *case: -formula(*case),
    )


def test_one_step_drift_along_a_manifold_is_the_drift_step():
    hess, v, slope = np.diag([2.0, 0.0, 0.5]), np.array([1.0, 0, 0]), np.array([0.3, -0.7, 0.2])
    moved = drift.one_step_drift(0.4, 0.01, hess, v, slope)
    assert moved[1] == pytest.approx(-drift.drift_step(0.4, 0.01, 2.0) * slope[1], rel=1e-15)
    assert moved[2] != pytest.approx(-drift.drift_step(0.4, 0.01, 2.0) * slope[2], rel=1e-2)


def test_steps_down_the_valley(verify, rng):
    """Time of dy/dt = -4 eta rho^2 y/(2 - eta y^2)^2: the integral of 1/speed; the speed from the valley expansion."""
    y, a, b = sp.symbols("y a b", positive=True)
    # l(x y) with l''(0) = 1: curvature across is y^2, its slope along is 2 y
    speed = (valley_coefficient() * RHO**2).subs(LAM, y**2) * sp.diff(y**2, y)
    time = sp.integrate(sp.expand(sp.simplify(1 / speed)), (y, a, b))
    reference = sp.lambdify((a, b, ETA, RHO), time)
    cases = []
    for eta, rho, _ in scenarios(rng):
        top = np.sqrt(rng.uniform(0.01, 1.95) / eta)
        cases.append((top, top * rng.uniform(0.05, 0.9), eta, rho))

    def other(first, second, third):
        def steps(y_a, y_b, eta, rho):
            a, b = eta * y_a**2, eta * y_b**2
            total = first * np.log(y_a / y_b) + second * (a - b) + third * (a * a - b * b)
            return total / (4 * eta * rho**2)

        return steps

    verify(
        drift.steps_down_the_valley,
        reference,
        cases,
        rtol=1e-9,
        small_step=other(4, 0, 0),
        first_order=other(4, -2, 0),
        quartic=other(4, -2, 1),
    )


@pytest.mark.parametrize(
    ("eta", "rho", "steps"),
    [
        (0.4, 0.05, 327.5),
        (0.4, 0.02, 2047.0),
        (0.4, 0.01, 8188.1),
        (0.1, 0.05, 1310.1),
        (0.1, 0.02, 8188.1),
        (0.1, 0.01, 32752.2),
    ],
)
def test_valley_numbers(eta, rho, steps):
    y = np.sqrt(1.2 / eta)
    assert drift.steps_down_the_valley(y, y / 2, eta, rho) == pytest.approx(steps, abs=0.06)
    # the small-step rate is off by more than 2
    assert np.log(2) / (2 * drift.small_step_drift(eta, rho)) > 2 * steps


def test_shapes_and_ranges():
    hess = np.broadcast_to(np.diag([2.0, 1.0]), (5, 2, 2))
    v, slope = np.array([1.0, 0.0]), np.ones((5, 2))
    assert drift.one_step_drift(0.1, np.full(5, 0.1), hess, v, slope).shape == (5, 2)
    assert drift.one_step_drift([0.1, 0.2], 0.1, hess[0], v, slope[0]).shape == (2, 2)
    assert drift.small_step_drift(0.1, 0.0) == 0
    assert drift.drift_step([[0.1], [0.2]], [0.1, 0.2, 0.3], 1.0).shape == (2, 3)
    assert drift.steps_down_the_valley([1.0, 2.0], 0.5, 0.1, 0.1).shape == (2,)
    for call in (
        lambda: drift.drift_step(0.5, 0.1, 4.0),
        lambda: drift.drift_step(0.5, 0.1, -4.0),
        lambda: drift.small_step_drift(0.5, -0.1),
        lambda: drift.small_step_drift(0.0, 0.1),
        lambda: drift.one_step_drift(0.1, 0.1, 0 * hess[0], v, slope[0]),
        lambda: drift.one_step_drift(1.0, 0.1, hess[0], v, slope[0]),
        lambda: drift.one_step_drift(0.1, 0.1, hess[0], 2 * v, slope[0]),
        lambda: drift.steps_down_the_valley(2.0, 1.0, 0.5, 0.1),
        lambda: drift.steps_down_the_valley(1.0, 0.0, 0.5, 0.1),
        lambda: drift.steps_down_the_valley(0.0, 1.0, 0.5, 0.1),
        lambda: drift.steps_down_the_valley(1.0, 0.5, 0.5, 0.0),
    ):
        with pytest.raises(ValueError, match="outside"):
            call()
