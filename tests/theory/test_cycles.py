"""The cycle formulas against the SAM map itself: fixed points, Jacobians and potentials by computer algebra."""

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from samtheory.theory import cycles

ETA, RHO, LAM, MIX, X = sp.symbols("eta rho lambda m x", positive=True)


def unified_step(x, sign):
    """One Unified SAM step in one dimension on lam x^2/2, at a point of this sign."""
    g = LAM * x
    return x - ETA * LAM * (x + RHO * ((1 - MIX) * g + MIX * sign))


TWO_STEPS = unified_step(unified_step(X, 1), -1)
(FIXED,) = sp.solve(sp.Eq(TWO_STEPS, X), X)
UNIFIED = sp.lambdify((ETA, RHO, LAM, MIX), FIXED)
SAM_CYCLE = FIXED.subs(MIX, 1)
AMPLITUDE = sp.lambdify((ETA, RHO, LAM), SAM_CYCLE)


def sam_map(w, eta, rho, hess, sqrt):
    """One SAM step on w' H w/2 for sympy or mpmath matrices."""
    g = hess * w
    norm = sqrt(sum(entry**2 for entry in g))
    return w - eta * (hess * (w + rho / norm * g))


def scenarios(rng, n=20, top=1.95):
    for _ in range(n):
        lam = rng.uniform(0.1, 5)
        yield rng.uniform(0.02, top) / lam, 10 ** rng.uniform(-3, 1), lam


def test_amplitude_is_the_fixed_point_of_two_steps(verify, rng):
    verify(
        cycles.cycle_amplitude,
        AMPLITUDE,
        scenarios(rng),
        half=lambda eta, rho, lam: eta * rho * lam / 2,
        step=lambda eta, rho, lam: eta * rho,
        sign=lambda eta, rho, lam: eta * rho * lam / (2 + eta * lam),
    )


def test_perturbed_amplitude(verify, rng):
    reference = sp.lambdify((ETA, RHO, LAM), SAM_CYCLE + RHO)
    verify(cycles.perturbed_amplitude, reference, scenarios(rng), unperturbed=AMPLITUDE)


def test_unified_amplitude(verify, rng):
    cases = [(0.5 * eta / (1 + rho * lam), rho, lam, rng.uniform()) for eta, rho, lam in scenarios(rng)]
    verify(
        cycles.unified_cycle_amplitude,
        UNIFIED,
        cases,
        swapped=lambda eta, rho, lam, mix: cycles.unified_cycle_amplitude(eta, rho, lam, 1 - mix),
        undamped=lambda eta, rho, lam, mix: mix * AMPLITUDE(eta, rho, lam),
    )


def test_unified_amplitude_ends_in_usam_and_sam():
    assert cycles.unified_cycle_amplitude(0.3, 0.1, 2.0, 0.0) == 0
    assert cycles.unified_cycle_amplitude(0.3, 0.1, 2.0, 1.0) == cycles.cycle_amplitude(0.3, 0.1, 2.0)


@pytest.mark.parametrize(
    ("args", "value"),
    [
        ((0.3, 0.1, 2), 0.0428571429),
        ((1.5, 0.2, 1), 0.6),
        ((0.5, 0.2, 1), 1 / 15),
        ((0.5, 0.1, 1), 0.0333333),
        ((0.1, 0.05, 1), 0.00263158),
        ((0.9, 1, 1), 0.818182),
        ((0.45, 0.5, 4), 4.5),
        ((0.02, 0.03, 4), 1.25e-3),
    ],
)
def test_amplitudes_published_or_measured(args, value):
    assert cycles.cycle_amplitude(*args) == pytest.approx(value, rel=2e-6)


def test_two_dimensional_rates_symbolically(verify, rng):
    """The Jacobian of the SAM map at (A, 0) is diagonal; its entries are the factors."""
    w = sp.Matrix(sp.symbols("w1 w2", real=True))
    lam2 = sp.Symbol("lambda2", positive=True)
    step = sam_map(w, ETA, RHO, sp.diag(LAM, lam2), sp.sqrt)
    # on the right half of axis 1 first, as |w1| = w1 > 0 there; then the cycle point
    right = sp.Symbol("a", positive=True)
    jacobian = step.jacobian(w).subs(w[1], 0).subs(w[0], right).subs(right, SAM_CYCLE)
    assert jacobian[0, 1] == jacobian[1, 0] == 0
    reference = sp.lambdify((ETA, LAM, lam2, RHO), [sp.simplify(x) for x in jacobian.diagonal()])
    cases = [(eta, lam, lam * rng.uniform(0.05, 0.99)) for eta, _, lam in scenarios(rng)]
    verify(
        lambda eta, *lam: cycles.cycle_rates(eta, lam),
        lambda *case: reference(*case, 0.37),
        cases,
        gd=lambda eta, *lam: 1 - eta * np.array(lam),
        first_power=lambda eta, a, b: [1 - eta * a, 1 - eta * b - (b / a) * (2 - eta * a)],
        plain_two=lambda eta, a, b: [1 - eta * a, 1 - eta * b - (b / a) ** 2 * 2],
        everywhere_transverse=lambda eta, a, b: [-1, 1 - eta * b - (b / a) ** 2 * (2 - eta * a)],
    )


def jacobian_eigenvalues(eta, lam, j, seed):
    """Eigenvalues of the Jacobian at the cycle of mode j of a rotated quadratic, by 40-digit differences."""
    with mp.workdps(40):
        d = len(lam)
        numbers = np.random.default_rng(seed).integers(-9, 10, size=(d, d))
        basis, _ = mp.qr(mp.matrix(numbers.tolist()))
        hess = basis * mp.diag([mp.mpf(x) for x in lam]) * basis.T
        rho = mp.mpf(1) / 7
        point = mp.mpf(eta) * rho * mp.mpf(lam[j]) / (2 - mp.mpf(eta) * mp.mpf(lam[j])) * basis[:, j]
        small = mp.mpf(10) ** -13
        jacobian = mp.matrix(d, d)
        for k in range(d):
            shift = mp.matrix(d, 1)
            shift[k] = small
            up, down = (sam_map(point + s * shift, mp.mpf(eta), rho, hess, mp.sqrt) for s in (1, -1))
            jacobian[:, k] = (up - down) / (2 * small)
        # the map is odd and sends the cycle point to its mirror: the Jacobian is symmetric there
        return sorted(float(x) for x in mp.eigsy((jacobian + jacobian.T) / 2, eigvals_only=True))


THREE_MODES = [(0.5, (1, 0.6, 0.3)), (0.8, (1.7, 1.1, 0.9)), (0.1, (2, 1.2599, 0.9623)), (1.2, (1.5, 0.2, -0.4))]


@pytest.mark.parametrize("j", [0, 1])
def test_three_dimensional_factors_are_jacobian_eigenvalues(verify, j):
    verify(
        lambda eta, lam: np.sort(cycles.mode_cycle_factors(eta, lam, j)),
        lambda eta, lam: jacobian_eigenvalues(eta, lam, j, seed=5),
        THREE_MODES,
        neighbour=lambda eta, lam: np.sort(cycles.mode_cycle_factors(eta, lam, j + 1 if lam[j + 1] > 0 else j - 1)),
        gd=lambda eta, lam: np.sort(1 - eta * np.array(lam)),
    )


def test_only_the_top_cycle_is_stable(rng):
    for eta, _, top in scenarios(rng, 50):
        lam = top * np.sort(rng.uniform(0.05, 1, 5))[::-1]
        lam[0] = top
        assert cycles.cycle_rate(eta, lam) < 1
        for j in range(1, 5):
            assert (cycles.mode_cycle_factors(eta, lam, j)[:j] < -1).all()


def test_measured_rates():
    assert np.abs(cycles.cycle_rates(0.5, [1, 0.6, 0.3])) == pytest.approx([0.5, 0.16, 0.715])
    assert np.abs(cycles.cycle_rates(0.5, [1, 0.7, 0.3])) == pytest.approx([0.5, 0.085, 0.715])
    assert cycles.cycle_rate(0.8, [1, 0.9]) == pytest.approx(0.692)
    assert cycles.cycle_rate(0.5, [2, 1.4547, 1.1181]) == pytest.approx(0.25634, abs=1e-4)  # lam_2 as printed
    assert cycles.cycle_rate(0.05, [2, 1.2599, 0.9623]) == pytest.approx(0.9)


def test_rates_of_a_saddle():
    """A negative curvature -m lam is attracted iff h/(2 - h) < m < 2/(2 - h)."""
    h = 0.6
    for m, caught in [(0.95 * h / (2 - h), False), (1.05 * h / (2 - h), True), (1.9 / (2 - h), True)]:
        assert (abs(cycles.cycle_rates(h, [1.0, -m])[1]) < 1) == caught
    assert abs(cycles.cycle_rates(h, [1.5, -1.05 * 2 / (2 - 0.9) * 1.5])[1]) > 1


LAM2 = sp.Symbol("lambda2", positive=True)
U = sp.symbols("u1 u2", real=True)


def field():
    """(u_t - u_{t+1})/(eta rho lam_i^2) for u_t = (-1)^t Lam w_t, from the SAM map alone."""
    lam = sp.diag(LAM, LAM2)
    u = sp.Matrix(U)
    # t even: w = Lam^-1 u, and u_{t+1} = -Lam w_{t+1}
    following = -lam * sam_map(lam.inv() * u, ETA, RHO, lam, sp.sqrt)
    return [sp.simplify((u - following)[i] / (ETA * RHO * lam[i, i] ** 2)) for i in range(2)]


FIELD = field()
SCALE = sp.Symbol("s", positive=True)


def potential():
    """J(u) = int_0^1 field(s u).u ds, so J(0) = 0."""
    along = {x: SCALE * x for x in U}
    rate = sum(F.subs(along, simultaneous=True) * x for F, x in zip(FIELD, U))
    return sp.integrate(sp.expand(sp.simplify(rate)), (SCALE, 0, 1))


POTENTIAL = potential()


def test_the_step_is_a_gradient():
    """The recursion u+ = u - eta rho Lam^2 F(u) has F = grad J, symbolically."""
    for F, x in zip(FIELD, U):
        assert sp.simplify(sp.diff(POTENTIAL, x) - F) == 0
    gd_like = POTENTIAL + U[0] ** 2 / (2 * RHO * LAM)  # C with 2 instead of 2 - eta lam
    assert sp.simplify(sp.diff(gd_like, U[0]) - FIELD[0]) != 0


def potential_cases(rng, n=20):
    for eta, rho, lam in scenarios(rng, n, top=3):
        yield rng.standard_normal(2) * rho, eta, rho, np.array([lam, lam * rng.uniform(0.1, 1)])


def flat(function):
    return lambda u, eta, rho, lam: function(*u, eta, rho, *lam)


def plain_two(u, eta, rho, lam):
    return u * 2 / (eta * rho * lam**2) - u / np.linalg.norm(u)


def test_potential_and_gradient(verify, rng):
    variables = (*U, ETA, RHO, LAM, LAM2)
    cases = list(potential_cases(rng))
    verify(
        cycles.potential,
        flat(sp.lambdify(variables, POTENTIAL)),
        cases,
        rtol=1e-10,
        no_norm=lambda u, eta, rho, lam: 0.5 * np.sum(cycles.potential_curvature(eta, rho, lam) * u**2),
        whole=lambda u, eta, rho, lam: 2 * cycles.potential(u, eta, rho, lam),
    )
    verify(
        cycles.potential_gradient,
        flat(sp.lambdify(variables, [sp.diff(POTENTIAL, x) for x in U])),
        cases,
        rtol=1e-10,
        plain_two=plain_two,
        added=lambda u, eta, rho, lam: cycles.potential_gradient(u, eta, rho, lam) + 2 * u / np.linalg.norm(u),
    )


def test_one_step_in_the_potential(verify, rng):
    """d = 4, 30 digits: (-1)^t Lam w_t follows preconditioned descent on J."""

    def following(u, eta, rho, lam):
        with mp.workdps(30):
            hess = mp.diag([mp.mpf(x) for x in lam])
            w = mp.matrix([mp.mpf(x) / mp.mpf(y) for x, y in zip(u, lam)])
            return [-float(x) for x in hess * sam_map(w, mp.mpf(eta), mp.mpf(rho), hess, mp.sqrt)]

    def step(gradient, sign=1):
        return lambda u, eta, rho, lam: sign * (u - eta * rho * lam**2 * gradient(u, eta, rho, lam))

    cases = [
        (rng.standard_normal(4), eta, rho, lam * np.array([1, 0.9, 0.3, 0.1])) for eta, rho, lam in scenarios(rng, 10)
    ]
    verify(
        step(cycles.potential_gradient),
        following,
        cases,
        rtol=1e-10,
        no_sign=step(cycles.potential_gradient, -1),
        plain_two=step(plain_two),
    )


def test_curvature_is_the_inverse_of_the_critical_point(verify, rng):
    """On axis i the gradient of J vanishes at |u| = lam_i A_i, A_i from the two-step fixed point."""
    verify(
        cycles.potential_curvature,
        lambda eta, rho, lam: [1 / (lam * AMPLITUDE(eta, rho, lam))],
        scenarios(rng),
        plain_two=lambda eta, rho, lam: 2 / (eta * rho * lam**2),
    )


def test_gradient_at_the_kink_is_zero():
    assert cycles.potential_gradient(np.zeros(2), 0.1, 0.2, [1.0, 2.0]).tolist() == [0, 0]


def test_descent_in_one_dimension_is_an_equality(verify, rng):
    """Without a change of sign J falls by exactly the bound; symbolically, from J on one axis."""
    u = sp.Symbol("u", positive=True)
    following = -LAM * unified_step(u / LAM, 1).subs(MIX, 1)
    on_axis = sp.simplify(POTENTIAL.subs({U[0]: u, U[1]: 0}))
    fall = sp.simplify(on_axis - on_axis.subs(u, following))
    cases = []
    for eta, rho, lam in scenarios(rng):
        amplitude = lam * AMPLITUDE(eta, rho, lam)
        cases += [(amplitude * ratio, eta, rho, lam) for ratio in (0.5, 1.3) if (1 - eta * lam) * (ratio - 1) > -1]
    verify(
        lambda u, *rest: cycles.potential_descent([u], *rest),
        sp.lambdify((u, ETA, RHO, LAM), fall),
        cases,
        rtol=1e-7,
        constant=lambda u, *rest: 1.02 * cycles.potential_descent([u], *rest),
    )


def test_descent_lacks_exactly_the_gap_of_the_norm(verify, rng):
    """J(u) - J(u+) - bound = |u+| - u.u+/|u| >= 0: equality only along a ray."""

    def lacking(u, eta, rho, lam):
        following = u - eta * rho * lam**2 * cycles.potential_gradient(u, eta, rho, lam)
        return np.linalg.norm(following) - u @ following / np.linalg.norm(u)

    def missing(factor):
        def left(u, eta, rho, lam):
            following = u - eta * rho * lam**2 * cycles.potential_gradient(u, eta, rho, lam)
            fall = cycles.potential(u, eta, rho, lam) - cycles.potential(following, eta, rho, lam)
            return fall - factor * cycles.potential_descent(u, eta, rho, lam)

        return left

    verify(missing(1), lacking, potential_cases(rng), rtol=1e-6, constant=missing(1.02), power=missing(0.5))


def test_invariant_bound_is_the_image_of_small_gradients(verify, rng):
    """One mode: the gradient after a step from g -> 0+ has modulus eta rho lam^2, the least invariant radius."""
    g = sp.Symbol("g", positive=True)
    following = LAM * unified_step(g / LAM, 1).subs(MIX, 1)
    radius = sp.simplify(sp.Abs(sp.limit(following, g, 0)))
    verify(
        cycles.invariant_bound,
        sp.lambdify((ETA, RHO, LAM), radius),
        scenarios(rng, top=1.0),
        first_power=lambda eta, rho, lam: eta * rho * lam,
        cycle=lambda eta, rho, lam: eta * rho * lam**2 / (2 - eta * lam),
    )


def invariant_violations(rng, h_range, radius, n=400):
    """How often a random point of the j-th set leaves it in a step; h_range bounds eta lam_j for that j."""
    count = 0
    for _ in range(n):
        d = rng.integers(2, 8)
        j = rng.integers(0, d)
        lam = np.sort(rng.uniform(0.1, 3, d))[::-1]
        eta, rho = rng.uniform(*h_range) / lam[j], 10 ** rng.uniform(-2, 1)
        g = rng.standard_normal(d) * 10 ** rng.uniform(-3, 1) * eta * rho
        bound = radius(eta, rho, lam[j])
        g[j:] *= rng.uniform() * bound / np.linalg.norm(g[j:])
        following = g - eta * lam * g - eta * rho * lam**2 * g / np.linalg.norm(g)
        count += np.linalg.norm(following[j:]) > bound * (1 + 1e-12)
    return count


def test_invariant_sets(rng):
    """Only eta lam_j <= 1 is needed: the larger curvatures are free."""
    assert invariant_violations(rng, (0.01, 1.0), cycles.invariant_bound) == 0
    assert invariant_violations(rng, (1.05, 1.95), cycles.invariant_bound) > 0
    assert invariant_violations(rng, (0.01, 1.0), lambda *args: 0.8 * cycles.invariant_bound(*args)) > 0


def test_growth_threshold_solves_unit_modulus(verify, rng):
    norm = sp.Symbol("n", positive=True)
    factor = 1 - ETA * LAM - ETA * RHO * LAM**2 / norm
    # the factor is below 1, so the modulus is 1 where the factor is -1
    (solution,) = sp.solve(sp.Eq(factor, -1), norm)
    verify(
        cycles.top_component_growth_threshold,
        sp.lambdify((ETA, RHO, LAM), solution),
        scenarios(rng),
        invariant=lambda eta, rho, lam: eta * rho * lam**2,
        amplitude=cycles.cycle_amplitude,
    )


def test_arguments_broadcast():
    lam = np.array([[1.0, 0.6, 0.3], [2.0, 1.0, 0.5]])
    eta = np.array([0.5, 0.2])
    both = cycles.cycle_rates(eta, lam)
    for row in range(2):
        assert both[row].tolist() == cycles.cycle_rates(eta[row], lam[row]).tolist()
    assert cycles.cycle_rate(eta, lam).shape == (2,)
    assert cycles.mode_cycle_factors(eta[:, None], lam[0], 1).shape == (2, 1, 3)
    u = np.ones((4, 3))
    assert cycles.potential(u, 0.5, 0.1, lam[0]).shape == (4,)
    assert cycles.potential_gradient(u, 0.5, 0.1, lam[0]).shape == (4, 3)
    assert cycles.potential_descent(u, 0.5, 0.1, lam[0]).shape == (4,)
    assert cycles.cycle_amplitude(eta[:, None], [0.1, 0.2, 0.3], 1.0).shape == (2, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: cycles.cycle_amplitude(0.5, 0.1, 4.0),
        lambda: cycles.cycle_amplitude([0.1, 0.6], 0.1, 4.0),
        lambda: cycles.cycle_amplitude(0.1, -0.1, 4.0),
        lambda: cycles.cycle_amplitude(-0.1, 0.1, -4.0),
        lambda: cycles.cycle_amplitude(np.nan, 0.1, 4.0),
        lambda: cycles.cycle_amplitude(0.0, 0.1, 4.0),
        lambda: cycles.cycle_amplitude(0.1, 0.1, 0.0),
        lambda: cycles.perturbed_amplitude(0.5, 0.1, 4.0),
        lambda: cycles.unified_cycle_amplitude(0.5, 0.1, 0.0, 0.5),
        lambda: cycles.unified_cycle_amplitude(0.5, 1.0, 2.0, 0.2),
        lambda: cycles.unified_cycle_amplitude(0.5, 0.1, 1.0, 1.2),
        lambda: cycles.cycle_rates(0.5, [0.5, 1.0]),
        lambda: cycles.mode_cycle_factors(0.5, [1.0, -1.0], 1),
        lambda: cycles.mode_cycle_factors(0.5, [1.0, 0.0], 1),
        lambda: cycles.cycle_rates(0.0, [1.0, 0.5]),
        lambda: cycles.potential([1.0], 0.5, 0.0, [1.0]),
        lambda: cycles.potential([1.0], 0.0, 0.5, [1.0]),
        lambda: cycles.potential_gradient([1.0, 1.0], 0.5, 0.1, [1.0, 0.0]),
        lambda: cycles.invariant_bound(0.5, 0.1, -1.0),
        lambda: cycles.invariant_bound(0.5, 0.1, 0.0),
        lambda: cycles.top_component_growth_threshold(0.5, 0.1, 4.0),
    ],
)
def test_out_of_range(call):
    with pytest.raises(ValueError, match=r"outside|largest"):
        call()


def test_without_perturbation_the_cycle_is_the_minimum():
    assert cycles.cycle_amplitude(0.1, 0.0, 4.0) == cycles.invariant_bound(0.1, 0.0, 4.0) == 0


def test_the_error_names_argument_value_and_range():
    with pytest.raises(ValueError, match=r"eta \* lam = 2\.4 is outside \(0, 2\)"):
        cycles.cycle_amplitude([0.1, 0.6], 0.1, 4.0)
