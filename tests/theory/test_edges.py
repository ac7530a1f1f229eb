"""Gradient-dependent edges and saddle thresholds against SAM and USAM steps written out, and computer algebra."""

import mpmath as mp
import numpy as np
import pytest
import sympy as sp

from samtheory.theory import cycles, edges

ETA, RHO, LAM, G = sp.symbols("eta rho lambda g", positive=True)


def sam_step(x, eta, rho, lam):
    g = lam * x
    length = np.linalg.norm(g, axis=-1, keepdims=True)
    return x - eta * lam * (x + rho * g / length)


def cases(rng, n=20):
    for _ in range(n):
        yield 10 ** rng.uniform(-2, 0.5), 10 ** rng.uniform(-3, 0.5), 10 ** rng.uniform(-3, 2)
    yield 0.3, 1e-15, 1.0  # the printed form has no digits left


def test_factor_is_that_of_a_step(verify, rng):
    def reference(eta, rho, lam, grad_norm):
        x = np.array([0.6, 0.8]) * grad_norm / np.linalg.norm(np.array([0.6, 0.8]) * [lam, 1.7])
        return sam_step(x, eta, rho, np.array([lam, 1.7]))[0] / x[0]

    verify(
        edges.sam_mode_factor,
        reference,
        [(eta, rho, lam, g) for eta, rho, g in cases(rng) for lam in (-2.0, 0.7, 3.0)],
        rtol=1e-9,
        usam=lambda eta, rho, lam, g: 1 - eta * lam * (1 + rho * lam),
        inverse=lambda eta, rho, lam, g: 1 - eta * lam * (1 + rho * lam * g),
    )


def test_edge_is_where_the_factor_is_minus_one(verify, rng):
    factor = 1 - ETA * (LAM + RHO * LAM**2 / G)
    (root,) = (r for r in sp.solve(sp.Eq(factor, -1), LAM) if r.subs({ETA: 1, RHO: 1, G: 1}) > 0)
    exact = sp.lambdify((ETA, RHO, G), root, "mpmath")

    def reference(*case):
        with mp.workdps(50):
            return float(exact(*map(mp.mpf, case)))

    verify(
        edges.sam_edge,
        reference,
        cases(rng),
        double_radius=lambda eta, rho, g: edges.sam_edge(eta, 2 * rho, g),
        gd=lambda eta, rho, g: 2 / eta,
        cancelling=lambda eta, rho, g: g / (2 * rho) * (np.sqrt(1 + 8 * rho / (eta * g)) - 1),
        inside=lambda eta, rho, g: 4 / (eta * (1 + np.sqrt(8 * rho / (eta * g)))),
    )
    assert sp.limit(root / sp.sqrt(2 * G / (ETA * RHO)), G, 0) == 1


@pytest.mark.parametrize(
    ("args", "value"),
    [
        ((0.05, 0.1, 0.5), 11.861406616345072),
        ((0.05, 0.1, 0.01), 1.950624902374255),
        ((0.05, 0.1, 10.0), 30.622577482985502),
        ((0.1, 0.1, 1.0), 10.0),
        ((0.1, 0.0, 0.0), 20.0),
        ((0.1, 0.0, 3.0), 20.0),
        ((0.1, 0.1, 0.0), 0.0),
    ],
)
def test_published_edges(args, value):
    assert edges.sam_edge(*args) == pytest.approx(value, rel=1e-14)


def test_a_step_below_the_edge_lowers_the_loss_and_above_it_need_not():
    rng = np.random.default_rng(5)
    counts = {"below": 0, "aligned above": 0, "below 2/eta": 0}
    for _ in range(3000):
        eta, rho, norm = 10 ** rng.uniform(-2, 0), 10 ** rng.uniform(-2, 0.5), 10 ** rng.uniform(-2, 1)
        shape = rng.uniform(0, 1, rng.integers(1, 8))
        shape[0] = 1

        def rises(top, x, shape=shape, eta=eta, rho=rho, norm=norm):
            lam = top * shape
            x = x * norm / np.linalg.norm(lam * x)
            after = sam_step(x, eta, rho, lam)
            return np.sum(lam * after**2) > np.sum(lam * x**2)

        edge, x = float(edges.sam_edge(eta, rho, norm)), rng.standard_normal(shape.size)
        counts["below"] += any(rises(s * edge, x) for s in (0.3, 0.7, 0.99, 0.9999))
        counts["aligned above"] += rises(1.0001 * edge, np.eye(shape.size)[0])
        counts["below 2/eta"] += rises(0.9 * 2 / eta, x)
    assert counts["below"] == 0 and counts["aligned above"] == 3000
    assert counts["below 2/eta"] > 1500  # the edge of gradient descent says nothing about SAM


def test_on_the_cycle_the_edge_is_the_top_curvature(rng):
    for eta, rho, h in zip(rng.uniform(0.01, 1, 20), rng.uniform(0.01, 1, 20), rng.uniform(0.05, 1.95, 20)):
        grad_norm = h / eta * cycles.cycle_amplitude(eta, rho, h / eta)
        assert edges.sam_edge(eta, rho, grad_norm) == pytest.approx(h / eta, rel=1e-12)
        assert edges.sam_edge(eta, 2 * rho, grad_norm) < 0.999 * h / eta


# ------------------------------------------------------------------------------------ saddles


def attracted(lam, eta, rho):
    """Whether USAM on diag(lam) shrinks every coordinate, by iterating it."""
    x = np.ones_like(lam)
    for _ in range(1500):
        x = x - eta * lam * (x + rho * lam * x)
        if np.abs(x).max() > 1e6:
            return False
    return np.abs(x).max() < 1


def test_saddle_thresholds_decide(rng):
    wrong_end = 0
    for _ in range(30):
        lam = rng.uniform(0.3, 2, 4) * np.array([1, 1, -1, -1])
        radius = float(edges.saddle_radius(lam))
        assert attracted(lam, 0.02, 1.03 * radius) and not attracted(lam, 0.02, 0.97 * radius)
        rho = 1.5 * radius
        step = float(edges.saddle_step(lam, rho))
        assert attracted(lam, 0.98 * step, rho) and not attracted(lam, 1.02 * step, rho)
        sharpest = 1 / -lam.min()  # the control: the sharpest negative direction
        wrong_end += not attracted(lam, 0.02, 1.03 * sharpest)
        assert not attracted(lam, 0.02, 0.5 * radius)
    assert wrong_end > 20


def test_saddles_of_the_notes():
    assert edges.saddle_radius([-27.75, 27.75]) == pytest.approx(0.036036, abs=1e-6)
    assert edges.saddle_radius([2.0, -2.0]) == 0.5
    assert edges.saddle_radius([[2.0, -2.0], [1.0, -4.0]]).tolist() == [0.5, 0.25]
    # uv: attracting iff rho > 1 and 1 + rho < 2/eta
    assert edges.saddle_radius([-1.0, 1.0]) == 1 and edges.saddle_step([-1.0, 1.0], 4.0) == pytest.approx(0.4)


def test_normalised_saddle_window(verify, rng):
    """The transverse factor 1 + h m - m^2 (2 - h) leaves (-1, 1) at the two ends, by computer algebra."""
    h, m = sp.symbols("h m", positive=True)
    factor = 1 + h * m - m**2 * (2 - h)
    low = [r for r in sp.solve(sp.Eq(factor, 1), m) if r != 0]
    high = [r for r in sp.solve(sp.Eq(factor, -1), m) if sp.simplify(r.subs(h, 1)) > 0]
    verify(
        lambda h: np.array(edges.normalised_saddle_window(h)),
        lambda value: np.array([float(r.subs(h, value)) for r in (*low, *high)]),
        [(value,) for value in rng.uniform(0.05, 1.9, 8)],
        usam=lambda h: np.array([h, 2 / (2 - h)]),
    )
    for value in (0.3, 0.9):  # the factor is that of the cycle
        for m_value in edges.normalised_saddle_window(value):
            assert abs(cycles.cycle_rates(value, [1.0, -m_value])[1]) == pytest.approx(1)


def test_ranges():
    for refused in (
        lambda: edges.sam_edge(0.0, 0.1, 1.0),
        lambda: edges.sam_edge(0.1, -0.1, 1.0),
        lambda: edges.sam_edge(0.1, 0.1, -1.0),
        lambda: edges.sam_mode_factor(0.1, 0.1, 1.0, 0.0),
        lambda: edges.saddle_radius([0.0, -1.0]),
        lambda: edges.normalised_saddle_window(2.0),
    ):
        with pytest.raises(ValueError, match="outside"):
            refused()
    with pytest.raises(ValueError, match="without a negative"):
        edges.saddle_radius([1.0, 2.0])
    with pytest.raises(ValueError, match="does not exceed"):
        edges.saddle_step([1.0, -1.0], 0.9)
    assert edges.sam_edge(np.array([[0.1], [0.2]]), [0.0, 0.1], 1.0).shape == (2, 2)
