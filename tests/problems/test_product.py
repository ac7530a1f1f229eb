"""The linear network l(xy), its links, and the reference runs of the theory notes on it."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samtheory.problems.core import constants
from samtheory.problems.links import HalfSquare, LogCosh, PseudoHuber, link_curvature, link_slope, link_value
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

# by class: an empty NamedTuple equals every other one
FORMULAS = {
    LogCosh: (lambda u: mp.log(mp.cosh(u)), mp.tanh, lambda u: mp.sech(u) ** 2),
    PseudoHuber: (
        lambda u: mp.sqrt(1 + u * u),
        lambda u: u / mp.sqrt(1 + u * u),
        lambda u: (1 + u * u) ** mp.mpf("-1.5"),
    ),
}


@pytest.mark.parametrize("cls", FORMULAS)
@settings(max_examples=200, deadline=None)
@given(mantissa=st.floats(1, 10), exponent=st.integers(-12, 1), sign=st.sampled_from([-1, 1]))
def test_links_are_accurate_relative_to_their_value(cls, mantissa, exponent, sign):
    u = sign * mantissa * 10.0**exponent
    with mp.workdps(60):
        wanted = [float(f(mp.mpf(u))) for f in FORMULAS[cls]]
    got = [f(cls(), u) for f in (link_value, link_slope, link_curvature)]
    np.testing.assert_allclose(got, wanted, rtol=1e-15 * max(4, abs(u)))


@pytest.mark.parametrize("link", [LogCosh(), PseudoHuber()], ids=lambda link: type(link).__name__)
def test_unit_links_are_even_and_one_lipschitz_with_unit_curvature(link):
    assert link_curvature(link, 0.0) == 1.0
    for u in (0.3, 1.0, 7.0, 700.0, 1e6, 1e150):
        assert link_value(link, u) == link_value(link, -u)
        assert link_slope(link, u) == -link_slope(link, -u)
        assert 0 < link_slope(link, u) <= 1
        assert math.isfinite(link_value(link, u)) and link_curvature(link, u) >= 0


@settings(max_examples=50, deadline=None)
@given(target=st.floats(-100, 100))
def test_the_minimiser_given_is_the_flattest(target):
    known = constants(Product(HalfSquare(target)))
    x, y = known.minimiser
    assert abs(x) == abs(y)
    assert math.isclose(x * y, target, rel_tol=1e-15, abs_tol=1e-300)


@pytest.mark.parametrize(
    ("rule", "end"),
    [
        (GD(0.1), (0.22069306383543671, 5.321453967957022)),
        (USAM(0.1, 0.1), (0.3167636245013442, 4.83892306689476)),
        (SAM(0.1, 0.1), (0.2496842017947426, 5.157150112586668)),
    ],
    ids=["GD", "USAM", "SAM"],
)
def test_ten_steps_land_where_the_notes_say(rule, end):
    got = simulate(Product(LogCosh()), rule, [0.5, math.sqrt(30.25)], 10).x
    np.testing.assert_allclose(got, end, rtol=1e-13)


@pytest.mark.parametrize("link", [None, 3.0, (1.0, 2.0), math.tanh], ids=str)
def test_what_is_no_link_is_refused(link):
    with pytest.raises(ValueError, match=r"link = .* is no link"):
        Product(link)


@pytest.mark.parametrize("target", [math.nan, math.inf, "one", None])
def test_bad_targets_are_refused(target):
    with pytest.raises(ValueError, match="target"):
        HalfSquare(target)
