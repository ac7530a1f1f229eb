"""Reference numbers and derivations of the claims of dai2023 on l(xy): where GD, USAM and SAM go, and how fast."""

import numpy as np
import pytest
import sympy as sp

from samtheory.problems.links import LogCosh
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.stopping import CoordinateBelow
from samtheory.theory.cycles import cycle_amplitude
from samtheory.theory.drift import steps_down_the_valley
from samtheory.theory.stability import usam_edge

LOSS = Product(LogCosh())
START = [0.5, 30.25**0.5]


def limit(rule, start):
    """y^2 where the run stops."""
    return simulate(LOSS, rule, start, 200_000, every=200_000, stop=CoordinateBelow(0, 1e-10), threads=1).x[1] ** 2


def hitting_time(rule, start, y, steps=100_000):
    """First t with |y_t| <= y."""
    return int(simulate(LOSS, rule, start, steps, every=steps, stop=CoordinateBelow(1, y), threads=1).stopped[0])


@pytest.mark.parametrize(
    ("rule", "end"),
    [
        (GD(0.1), (0.22069306383543671, 5.321453967957022)),
        (USAM(0.1, 0.1), (0.3167636245013442, 4.83892306689476)),
        (SAM(0.1, 0.1), (0.2496842017947426, 5.157150112586668)),
    ],
    ids=["GD", "USAM", "SAM"],
)
def test_ten_steps(rule, end):
    np.testing.assert_allclose(simulate(LOSS, rule, START, 10, threads=1).x, end, rtol=1e-13)


def test_where_gradient_descent_and_usam_stop():
    np.testing.assert_allclose(limit(GD(0.1), START), 19.849536376565524, rtol=1e-12)
    np.testing.assert_allclose(limit(USAM(0.1, 0.1), START), 9.863823838128322, rtol=1e-12)
    np.testing.assert_allclose(usam_edge(0.1, 0.1), 10, rtol=1e-14)


@pytest.mark.parametrize(("eta", "constant"), [(0.1, 1.504), (0.05, 1.501), (0.025, 1.500)])
def test_gap_of_gradient_descent_in_units_of_eta(eta, constant):
    y2 = limit(GD(eta), [0.5, np.sqrt(3 / eta + 0.25)])
    assert (2 / eta - y2) / eta == pytest.approx(constant, abs=1e-3)


@pytest.mark.parametrize(("eta", "gap"), [(0.1, 0.13618), (0.05, 0.06915), (0.025, 0.03541), (0.0125, 0.01808)])
def test_gap_of_usam(eta, gap):
    y2 = limit(USAM(eta, 0.1), [0.5, np.sqrt(3 / eta + 0.25)])
    assert usam_edge(eta, 0.1) - y2 == pytest.approx(gap, abs=6e-6)


def test_worst_gap_of_usam():
    edge = usam_edge(0.5, 0.5)
    y2 = limit(USAM(0.5, 0.5), [0.533, np.sqrt(2.425 * edge + 0.533**2)])
    assert (edge - y2) / 0.5 == pytest.approx(2.57, abs=0.02)


def test_hitting_times_of_sam():
    times = [hitting_time(SAM(0.1, 0.1), START, y2**0.5) for y2 in (20, 10, 5, 1, 0.04, 0.01)]
    assert times == [34, 115, 275, 902, 2464, 3155]


@pytest.mark.parametrize(
    ("eta", "rho", "steps", "leading"),
    [
        (0.4, 0.05, 327, 327.5),
        (0.4, 0.02, 2047, 2047.0),
        (0.4, 0.01, 8188, 8188.1),
        (0.1, 0.05, 1342, 1310.1),
        (0.1, 0.02, 8221, 8188.1),
        (0.1, 0.01, 32785, 32752.2),
    ],
)
def test_steps_down_the_valley(eta, rho, steps, leading):
    high = np.sqrt(1.2 / eta)
    assert hitting_time(SAM(eta, rho), [cycle_amplitude(eta, rho, high**2), high], high / 2) == steps
    assert steps_down_the_valley(high, high / 2, eta, rho) == pytest.approx(leading, abs=0.06)


@pytest.mark.parametrize(
    ("eta", "rho", "fall", "share"),
    [(0.1, 0.1, 2.4e-7, 0.00536), (0.3, 0.05, 4.5e-7, 0.00531), (0.05, 0.2, 6e-7, 0.00574)],
)
def test_usam_is_trapped_where_sam_is_not(eta, rho, fall, share):
    start, steps = [1e-3, np.sqrt(0.5 / eta)], round(5 / (eta * rho**2))
    usam, sam = (
        simulate(LOSS, rule, start, steps, every=steps, threads=1).x for rule in (USAM(eta, rho), SAM(eta, rho))
    )
    assert 1 - usam[1] / start[1] == pytest.approx(fall, rel=0.02)
    assert sam[1] / start[1] == pytest.approx(share, abs=2e-5)


# ------------------------------------------------------------------------------------ derivations

a3, eta, k, q, u, e, sigma = sp.symbols("a3 eta k q u e sigma", positive=True)


def cut(expression, symbol, order):
    """The terms of a polynomial below this order in the symbol."""
    terms = sp.Poly(expression, symbol).all_coeffs()[::-1]
    return sum(c * symbol**i for i, c in enumerate(terms[:order]))


@pytest.mark.parametrize(("a3", "a5"), [("1/3", "2/15"), ("1/2", "3/8"), ("3/7", "2/5")])
def test_gap_of_gradient_descent_to_the_next_order(a3, a5):
    """q = (xy)^2 = e q1 + e^2 q2 at eta y^2 = 2 + e sigma, e = eta^2, is invariant, and 0 at the claim's gap."""
    a3, a5 = sp.Rational(a3), sp.Rational(a5)
    tau = sigma + 1 / (2 * a3)
    bend = (a5 / a3**2 - 1) / (4 * a3)
    tilt = (4 * bend - 1 / (2 * a3)) / (4 * a3)
    line = e * tau / (2 * a3) + e**2 * (bend * tau**2 + tilt * tau + (1 / (4 * a3**2) + 2 * tilt) / (4 * a3))
    slope = cut(1 - a3 * line + a5 * line**2, e, 3)  # l'(u)/u
    share = e * line * (sp.Rational(1, 2) - e * sigma / 4)  # eta x^2 = e q/s
    q_plus = line * cut(1 - slope * (2 + e * sigma + share) + e * slope**2 * line, e, 3) ** 2
    sigma_plus = sigma - 2 * slope * line + slope**2 * line * share
    assert sp.expand(cut(q_plus - line.subs(sigma, sigma_plus), e, 4)) == 0
    assert sp.expand(cut(line.subs(sigma, -1 / (2 * a3) - e * (a5 - a3**2) / (4 * a3**4)), e, 3)) == 0


def test_gap_of_usam_to_leading_order():
    """The coefficients B and K of the claim, at the edge eta Y k = 2, and the gap that they give."""
    slope = lambda v, order: cut(sp.expand(v - a3 * v**3), u, order)  # noqa: E731
    over_y2, rho = eta * k / 2, (k - 1) * eta * k / 2  # 1/Y, rho
    d = slope(u, 4)
    a = u + (k - 1) * d  # times y
    d_plus = slope(sp.expand(a * (1 + rho * over_y2 * d * u)), 4)
    x_plus = u - d_plus * (2 / k + eta * rho * d * u)  # x+ y
    shrink = 1 - eta * d_plus * a * over_y2  # y+/y
    u_plus = sp.Poly(sp.expand(x_plus * shrink), u)
    big_b, big_k = 2 * a3 * (k**2 + (k - 1) / k), 2 * eta**2 * k**2 * (2 * k - 1)
    assert sp.simplify(u_plus.coeff_monomial(u) + 1) == 0
    assert sp.simplify(u_plus.coeff_monomial(u**3).subs(eta, 0) - big_b) == 0
    fall = sp.Poly(sp.expand(shrink**2), u).coeff_monomial(u**2) * 2 / (eta * k)  # of Y, over q
    assert sp.simplify(fall * eta * (2 * k - 1) + big_k) == 0
    gap = big_k / (2 * big_b) / (eta * (2 * k - 1))
    assert sp.simplify(gap - eta * k**3 / (2 * a3 * (k**3 + k - 1))) == 0


def test_late_phase_of_sam():
    """x = z y^2/rho, y+ = q y, x+ = -z y+^2/rho for y -> 0 iff eta rho^2 = q (1 - q^2)/(1 + q^2) <= golden^(-5/2)."""
    z, pull = (1 - q) / (q * (1 + q)), q * (1 - q**2) / (1 + q**2)
    assert sp.cancel(1 - pull * (1 + z) - q) == 0
    assert sp.cancel(z - pull * (1 + z) ** 2 + z * q**2) == 0
    golden = (1 + sp.sqrt(5)) / 2
    assert sp.expand(sp.numer(sp.cancel(sp.diff(pull, q))).subs(q, sp.sqrt(sp.sqrt(5) - 2))) == 0
    assert sp.expand(golden**3 * (sp.sqrt(5) - 2)) == 1  # so that q = golden^(-3/2)
    square = pull**2 * golden**5
    assert sp.nsimplify(sp.simplify(square.subs(q, sp.sqrt(sp.sqrt(5) - 2)))) == 1


def test_cubic_correction_of_the_steps_down_the_valley():
    """v of 2 (v - rho y) = h l'(v), to the cubic term; the time 1/(-dy) and its integral over y."""
    v0, h, r = sp.symbols("v0 h r", positive=True)  # v0 = 2 rho y/(2 - h); r marks the order
    v = v0 - r * h * a3 * v0**3 / (2 - h)
    balance = 2 * v - v0 * (2 - h) - h * (v - r * a3 * v**3)
    assert sp.cancel(cut(balance, r, 2)) == 0
    speed = cut(v * (v - r * a3 * v**3) / v0**2, r, 2)
    assert sp.cancel(1 - r * a3 * v0**2 * (2 + h) / (2 - h) - speed) == 0
    # dt = y dy/(eta v0^2) times 1 + a3 v0^2 (2 + h)/(2 - h): the second part is a3 (2 + h)/(2 - h) dh/(2 eta^2)
    assert sp.cancel(sp.diff(-h - 4 * sp.log(2 - h), h) - (2 + h) / (2 - h)) == 0
