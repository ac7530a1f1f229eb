"""Rates of Unified SAM: printed values of the authors' code, exact coefficients, derivations, ranges."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from samtheory.theory import unified

EXACT = {
    0.0: (0.0166666667, 0.0236842105),
    0.3: (0.0252525253, 0.0235295530),
    0.5: (0.0333333333, 0.0236842105),
    0.7: (0.0423728814, 0.0242173369),
    1.0: (0.05, 0.025),
}
SIMPLIFIED = {0.0: (0.0125, 0.0125), 0.1: (0.0154320988, 0.0125), 0.2: (0.01953125, 0.0125), 0.3: (0.025, 0.0125)}
SIMPLIFIED |= {mix: (0.025, 0.0125) for mix in (0.5, 1.0)}
BIG = 8.414017231815121


@pytest.mark.parametrize("mix", EXACT)
def test_exact_pair_full_batch(mix):
    np.testing.assert_allclose(unified.pl_pair(0.1, 10, 0, 1, mix), EXACT[mix], rtol=5e-9)


@pytest.mark.parametrize("mix", SIMPLIFIED)
def test_simplified_pair_full_batch(mix):
    np.testing.assert_allclose(unified.pl_pair(0.1, 10, 0, 1, mix, "simplified"), SIMPLIFIED[mix], rtol=5e-9)


@pytest.mark.parametrize(("mix", "pair"), [(0.5, (5.596847e-4, 1.412500e-4)), (1.0, (0.0594246465, 1.412515e-4))])
def test_exact_pair_stochastic(mix, pair):
    np.testing.assert_allclose(unified.pl_pair(0.04, BIG, BIG, 0, mix), pair, rtol=5e-7)


positive = st.floats(-3, 3).map(lambda u: 10.0**u)
share = st.floats(0, 1)


@settings(max_examples=60, deadline=None)
@given(mu=positive, kappa=st.floats(1, 1e3), A=share, B=share, mix=share, part=st.floats(0.01, 0.99))
def test_the_largest_step_contracts_by_one_minus_eta_mu_exactly(mu, kappa, A, B, mix, part):
    L = kappa * mu
    A = A * L + max(0.0, (1 - B) * mu)  # K >= mu
    rho = part * unified.pl_radius(mu, L, A, B, mix)
    eta = unified.pl_step(mu, L, A, B, rho, mix)
    Q = unified.growth(L, eta, rho, mix)
    coefficient = 2 * A * Q - 2 * mu * eta * (1 - L * rho / 2) + 2 * mu * B * Q
    assert coefficient == pytest.approx(-eta * mu, abs=1e-14 * (1 + 2 * mu * eta))
    assert eta * mu <= 0.5 * (1 + 1e-12)
    # the simplified pair is admissible, with room
    rho_s, eta_s = unified.pl_pair(mu, L, A, B, mix, "simplified")
    assert eta_s <= 9 / 16 * unified.pl_step(mu, L, A, B, rho_s, mix) * (1 + 1e-12)
    # the step falls as rho rises, so that a falling rho keeps a pair admissible
    assert unified.pl_step(mu, L, A, B, rho / 2, mix) >= eta


def test_neighbourhood_is_the_fixed_point_of_one_step():
    L, eta, rho, mix, mu, C = sp.symbols("L eta rho mix mu C", positive=True)
    N = L / mu * (C * (eta + rho * (1 - mix) ** 2 * (1 + 2 * eta * L**2 * rho)))
    N += L / mu * rho * mix**2 * (1 + 2 * eta * L**2 * rho)
    lift = C * unified.growth(L, eta, rho, mix) + unified.push(L, eta, rho, mix)
    assert sp.simplify(N - lift / (eta * mu)) == 0
    assert unified.pl_floor(0.1, 10, 0.0, 0.025, 0.05, 1.0) == pytest.approx(6.25, rel=1e-14)


def test_one_step_from_the_descent_lemma():
    """Worst |y - x|, |g_S(y) - g_S|, alignment: the derivation with numbers, 2000 times."""
    rng = np.random.default_rng(0)
    L, eta, rho = rng.uniform(0.1, 3, (3, 2000))
    mix, g, gs = rng.uniform(0, 1, (3, 2000))
    moved = rho * ((1 - mix) * gs + mix)
    worst = -eta * g**2 + eta * g * L * moved + L * eta**2 / 2 * (gs + L * moved) ** 2
    assert (worst <= unified.one_step_bound(0.0, g**2, gs**2, L, eta, rho, mix) + 1e-12).all()


DATA = {"mu": 0.2, "L": 3.0, "A": 2.0, "B": 0.5, "mix": 0.4}


@pytest.mark.parametrize("kind", unified.KINDS)
def test_switch_time_is_the_first(kind):
    t = unified.switch_time(**DATA, kind=kind)
    rho, eta = unified.decreasing_schedule(t + 50, **DATA, kind=kind)
    k = np.arange(t + 50)
    both = (rho == 1 / (2 * k + 1)) & (eta == (2 * k + 1) / ((k + 1) ** 2 * DATA["mu"]))
    assert both[t:].all() and not both[:t].any()


@pytest.mark.parametrize("C", [0.0, 2.0])
def test_closed_form_is_above_the_recursion(C):
    t_s = unified.switch_time(**DATA)
    u = unified.decreasing_recursion(50 * t_s, **DATA, C=C, gap0=5.0)
    T = np.arange(t_s + 1, 50 * t_s + 1)
    closed = unified.decreasing_bound(T, **DATA, C=C, u_switch=u[t_s])
    assert (u[T] <= closed * (1 + 1e-12)).all()
    assert closed[-1] == pytest.approx(u[T[-1]], rel=0.1)  # and no further than that


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: unified.pl_bound(1, 0.1, 10, 0, 1, 0, 0.01, 0.2, 1, 1), "rho = 0.2 is not below"),
        (lambda: unified.pl_bound(1, 0.1, 10, 0, 1, 0, 0.03, 0.05, 1, 1), "eta = 0.03 is above"),
        (lambda: unified.pl_bound(1, 20, 10, 0, 1, 0, 0.03, 0.05, 1, 1), "mu / L = 2.0 is outside"),
        (lambda: unified.nonconvex_bound(10, 1, 0, 1, 0, 1.5, 0.1, 0, 1), "B Q = .* is outside"),
        (lambda: unified.pl_pair(0.1, 10, 0, 1, 2.0), "mix = 2.0 is outside"),
        (lambda: unified.pl_pair(0.1, 10, 0, 1, 0.5, "best"), "kind = 'best' is unknown"),
        (lambda: unified.decreasing_bound(3, **DATA, C=1, u_switch=1), "T = 3.0 is outside"),
        (lambda: unified.usam_decreasing_schedule(9, 2, 1), "mu / beta = 2.0 is outside"),
        (lambda: unified.usam_decreasing_bound(9, 2, 1, 1, 1, 1), "mu / beta = 2.0 is outside"),
    ],
    ids=["rho", "eta", "mu", "k", "mix", "kind", "early", "usam", "usam-bound"],
)
def test_out_of_range_says_what_fails(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_nonconvex_bound_falls_like_one_over_root_t_and_is_vacuous_at_constant_steps():
    T = np.geomspace(1e4, 1e8, 9)
    steps = unified.nonconvex_steps(T, 3.0)
    bound = unified.nonconvex_bound(T, 3.0, 3.0, 0, 2.0, steps, steps, 0.5, 1.0)
    assert np.polyfit(np.log(T), np.log(bound), 1)[0] == pytest.approx(-0.5, abs=0.02)
    assert unified.nonconvex_bound(1e7, 3.0, 3.0, 0, 2.0, 0.1, 0.1, 0.5, 1.0) == np.inf


def test_the_constants_of_andriushchenko_and_flammarion_follow_from_46_steps_on():
    def constants(T, a=0.2):
        s = T**-0.25
        k = 1 - a - s - s**2 * (1 + s) ** 2 / 2
        return 1 / k, (1 / (4 * a) + (1 + s) ** 2 / 2) / k

    T = np.arange(49, 10_000)
    assert (constants(T)[0] <= 4).all() and (constants(T)[1] <= 8).all()
