"""Every problem against its own formula: the textbook expression in 80 digits, differenced with steps of 1e-20."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samtheory.evaluate import (
    gradients,
    hessian,
    hessian_vector,
    losses,
    sample_gradients,
    sample_losses,
    third_derivative,
)
from samtheory.kernel import interpreted
from samtheory.problems.balanced import Inner, Outer
from samtheory.problems.core import constants, dim, sample_hvp, samples, scratch, third
from samtheory.problems.cubic import Cubic, symmetric_tensor
from samtheory.problems.diagonal_net import SquaredNet, layered_net, squared_net
from samtheory.problems.finite_sum import LeastSquares, Logistic, LogSquares
from samtheory.problems.links import HalfSquare, LogCosh, PseudoHuber, TanhSquare
from samtheory.problems.log_mean_exp import LogMeanExp
from samtheory.problems.product import Product
from samtheory.problems.products import Products
from samtheory.problems.quadratic import Diagonal, Quadratic, orthogonal
from samtheory.problems.quadratic_regression import QuadraticRegression
from samtheory.problems.separable import LogCoshRidge, SinePL
from samtheory.problems.two_bowls import TwoBowls
from samtheory.problems.valley import TurningValley

number = st.integers(-300, 300).map(lambda k: k / 100)
nonnegative = number.map(abs)
sizes = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)


def vector(d, entry=number):
    return st.lists(entry, min_size=d, max_size=d).map(np.array)


def matrix(n, d):
    return vector(n * d).map(lambda a: a.reshape(n, d))


def inner(a, x):
    return mp.fsum(mp.mpf(s) * t for s, t in zip(a, x))


# ------------------------------------------------------------ instances, and f as the textbook writes it


@st.composite
def diagonals(draw):
    d = draw(sizes)
    return Diagonal(draw(vector(d)), draw(vector(d)))


def diagonal(p, x):
    return inner(p.lam, [(t - c) ** 2 for t, c in zip(x, p.centre)]) / 2


@st.composite
def quadratics(draw):
    d = draw(sizes)
    half = draw(matrix(d, d))
    return Quadratic(half + half.T, draw(vector(d)))


def quadratic(p, x):
    away = [t - c for t, c in zip(x, p.centre)]
    return mp.fsum(inner(row, away) * s for row, s in zip(p.matrix, away)) / 2


def link(kind, u):
    if isinstance(kind, LogCosh):
        return mp.log(mp.cosh(u))
    if isinstance(kind, PseudoHuber):
        return mp.sqrt(1 + u**2)
    return ((mp.tanh(u) if isinstance(kind, TanhSquare) else u) - kind.target) ** 2 / 2


def product(p, x):
    return link(p.link, x[0] * x[1])


links = st.sampled_from([LogCosh(), PseudoHuber(), HalfSquare(0.4), TanhSquare(-0.3)])
inners = st.builds(Inner, links, sizes.flatmap(vector), st.integers(1, 3))
outers = st.builds(Outer, links, st.tuples(st.integers(1, 3), st.integers(1, 3)).flatmap(lambda s: matrix(*s)))


def inner_product(p, x, i=None):
    rows = range(len(p.labels)) if i is None else [i]
    return mp.fsum(link(p.link, inner(x[: p.size], x[p.size :]) - p.labels[k]) for k in rows) / len(rows)


def outer_product(p, x):
    rows, columns = p.target.shape
    places = [(i, j) for i in range(rows) for j in range(columns)]
    return mp.fsum(link(p.link, x[i] * x[rows + j] - p.target[i, j]) for i, j in places)


def sine(p, x):
    return mp.fsum(t**2 + p.c * mp.sin(t) ** 2 for t in x)


@st.composite
def ridges(draw):
    d = draw(sizes)
    a = draw(st.sampled_from([0.01, 0.5, 2.0]))
    basis = orthogonal(np.random.default_rng(draw(seeds)), d)
    return LogCoshRidge(basis, draw(vector(d)), a, a + draw(nonnegative))


def ridge(p, x):
    bumps = mp.fsum(mp.log(mp.cosh(inner(q, x) - s)) for q, s in zip(p.basis, p.shift))
    return mp.mpf(p.a) / 2 * inner(x, x) + (mp.mpf(p.b) - p.a) * bumps


@st.composite
def least_squares_problems(draw):
    n, d = draw(sizes), draw(sizes)
    return LeastSquares(draw(matrix(n, d)), draw(vector(n)), draw(st.just(0.0) | nonnegative))


def least_squares(p, x, i=None):
    rows = range(len(p.b)) if i is None else [i]
    terms = [(inner(p.A[k], x) - p.b[k]) ** 2 / 2 + mp.mpf(p.reg) / 2 * inner(x, x) for k in rows]
    return mp.fsum(terms) / len(terms)


@st.composite
def logistic_problems(draw):
    n, d = draw(st.integers(1, 6)), draw(sizes)
    return Logistic(draw(matrix(n, d)), draw(vector(n, st.sampled_from([-1.0, 1.0]))), draw(st.just(0.0) | nonnegative))


def logistic(p, x, i=None):
    rows = range(len(p.y)) if i is None else [i]
    terms = [mp.log(1 + mp.exp(-p.y[k] * inner(p.A[k], x))) + mp.mpf(p.reg) / 2 * inner(x, x) for k in rows]
    return mp.fsum(terms) / len(terms)


@st.composite
def log_squares_problems(draw):
    n, d = draw(st.integers(1, 6)), draw(sizes)
    return LogSquares(draw(matrix(n, d)), draw(vector(n)), draw(st.just(0.0) | nonnegative))


def log_squares(p, x, i=None):
    rows = range(len(p.b)) if i is None else [i]
    terms = [mp.log(1 + (inner(p.A[k], x) - p.b[k]) ** 2) + mp.mpf(p.reg) / 2 * inner(x, x) for k in rows]
    return mp.fsum(terms) / len(terms)


log_mean_exps = st.builds(LogMeanExp, st.tuples(st.integers(1, 6), sizes).flatmap(lambda s: matrix(*s)))


def log_mean_exp(p, x):
    return mp.log(mp.fsum(mp.exp(-inner(z, x)) for z in p.Z) / len(p.Z))


valleys = st.builds(TurningValley, nonnegative.filter(bool), number, nonnegative.filter(bool))


def valley(p, x):
    v, u = (mp.cos(x[2]), mp.sin(x[2])), (-mp.sin(x[2]), mp.cos(x[2]))
    lam = p.top + p.swing * mp.sin(x[2])
    H = [[lam * v[i] * v[j] + p.low * u[i] * u[j] for j in (0, 1)] for i in (0, 1)]
    return sum(x[i] * H[i][j] * x[j] for i in (0, 1) for j in (0, 1)) / 2


@st.composite
def cubics(draw):
    d = draw(sizes)
    return Cubic(draw(vector(d)), symmetric_tensor(np.random.default_rng(draw(seeds)), d))


def cubic(p, x):
    triple = mp.fsum(x[i] * x[j] * inner(p.tensor[i, j], x) for i in range(len(x)) for j in range(len(x)))
    return inner(p.lam, [t**2 for t in x]) / 2 + triple / 6


bowls = st.builds(TwoBowls, vector(2), vector(2), vector(2), nonnegative.filter(bool))


def two_bowls(p, x, i=None):
    def valley(k):
        return (mp.mpf(p.base[k]) + mp.mpf(p.bend[k]) * (x[0] - p.centre[k]) ** 2 + x[1] ** 2) * x[2 + k] ** 2

    return mp.mpf(p.scale) * (valley(0) + valley(1) if i is None else 2 * valley(i))


def products(p, x, i=None):
    M = len(p.y)
    rows = range(M) if i is None else [i]
    return mp.fsum((x[k] * x[M + k] - p.y[k]) ** 2 / 2 for k in rows) / len(rows)


@st.composite
def regressions(draw):
    outputs, d = draw(sizes), draw(sizes)
    half = np.array([draw(matrix(d, d)) for _ in range(outputs)])
    return QuadraticRegression(draw(vector(outputs)), draw(matrix(outputs, d)), half + half.transpose(0, 2, 1))


def regression(p, x, i=None):
    def square(a):
        bend = mp.fsum(x[j] * inner(p.Q[a][j], x) for j in range(len(x)))
        return (p.y[a] + inner(p.G[a], x) + bend / 2) ** 2 / 2

    return mp.fsum(square(a) for a in range(len(p.y))) if i is None else len(p.y) * square(i)


@st.composite
def nets(draw):
    n, d, depth = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 3))
    X, y = draw(matrix(n, d)), draw(vector(n))
    return layered_net(X, y, depth) if depth else squared_net(X, y)


def net(p, x, i=None):
    d, squared = p.X.shape[1], isinstance(p, SquaredNet)
    layers = [x[k : k + d] for k in range(0, len(x), d)]
    beta = [w[0] ** 2 - w[1] ** 2 if squared else mp.fprod(w) for w in zip(*layers)]
    rows = range(len(p.y)) if i is None else [i]
    return mp.fsum((inner(p.X[k], beta) - p.y[k]) ** 2 for k in rows) / (len(rows) * (4 if squared else 2))


FAMILIES = {
    "diagonal": (diagonals(), diagonal),
    "quadratic": (quadratics(), quadratic),
    "log-cosh product": (st.just(Product(LogCosh())), product),
    "pseudo-Huber product": (st.just(Product(PseudoHuber())), product),
    "half-square product": (st.builds(Product, st.builds(HalfSquare, number)), product),
    "f(x'y)": (inners, inner_product),
    "f(xy')": (outers, outer_product),
    "sine": (st.builds(SinePL, nonnegative, sizes), sine),
    "log-cosh ridge": (ridges(), ridge),
    "least squares": (least_squares_problems(), least_squares),
    "logistic": (logistic_problems(), logistic),
    "log squares": (log_squares_problems(), log_squares),
    "log mean exp": (log_mean_exps, log_mean_exp),
    "turning valley": (valleys, valley),
    "cubic": (cubics(), cubic),
    "two bowls": (bowls, two_bowls),
    "products": (st.builds(Products, st.integers(1, 3).flatmap(vector)), products),
    "quadratic regression": (regressions(), regression),
    "diagonal network": (nets(), net),
}
FINITE_SUMS = [
    "f(x'y)",
    "least squares",
    "logistic",
    "log squares",
    "diagonal network",
    "two bowls",
    "products",
    "quadratic regression",
]

every_family = pytest.mark.parametrize(("problems", "formula"), FAMILIES.values(), ids=FAMILIES)
finite_sums = pytest.mark.parametrize(
    ("problems", "formula"), [FAMILIES[name] for name in FINITE_SUMS], ids=FINITE_SUMS
)
THIRD = ["two bowls", "products", "quadratic regression"]
with_third = pytest.mark.parametrize("problems", [FAMILIES[name][0] for name in THIRD], ids=THIRD)
examples = settings(max_examples=30, deadline=None)


@pytest.fixture(autouse=True, scope="module")
def digits():
    with mp.workdps(80):
        yield


STEP = mp.mpf(10) ** -20


def moved(x, *moves):
    out = [mp.mpf(float(t)) for t in x]
    for i, sign in moves:
        out[i] += sign * STEP
    return out


def exact_gradient(f, x):
    return np.array([float((f(moved(x, (i, 1))) - f(moved(x, (i, -1)))) / (2 * STEP)) for i in range(len(x))])


def exact_hessian(f, x):
    signs = [(s, t) for s in (1, -1) for t in (1, -1)]
    return np.array(
        [
            [float(sum(s * t * f(moved(x, (i, s), (j, t))) for s, t in signs) / (4 * STEP**2)) for j in range(len(x))]
            for i in range(len(x))
        ]
    )


def agree(got, want, scale=1.0):
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12 * (scale + np.abs(want).max(initial=0)))


# ------------------------------------------------------------ properties


@every_family
@examples
@given(data=st.data())
def test_values_and_derivatives_are_those_of_the_formula(problems, formula, data):
    p = data.draw(problems)
    x = data.draw(vector(dim(p)))
    scale = 1 + float(x @ x)

    def f(z):
        return formula(p, z)

    agree(losses(p, x), float(f(moved(x))), scale)
    agree(gradients(p, x), exact_gradient(f, x), scale)
    agree(hessian(p, x), exact_hessian(f, x), scale)


@every_family
@examples
@given(data=st.data())
def test_hessian_is_symmetric_and_its_products_are_its_own(problems, formula, data):
    p = data.draw(problems)
    x, v = data.draw(vector(dim(p))), data.draw(vector(dim(p)))
    H = hessian(p, x)
    assert (H == H.T).all()
    agree(hessian_vector(p, x, v), H @ v, 1 + np.abs(H).max() * np.abs(v).max())


@every_family
@examples
@given(data=st.data())
def test_interpreted_bits_are_the_compiled_bits(problems, formula, data):
    p = data.draw(problems)
    X, v = data.draw(matrix(3, dim(p))), data.draw(vector(dim(p)))
    measures = [losses, gradients, hessian, lambda p, X: hessian_vector(p, X, v)]
    if samples.supports(type(p)):
        measures += [sample_losses, sample_gradients]
    if third.supports(type(p)):
        measures += [lambda p, X: third_derivative(p, X, v)]
    compiled = [measure(p, X) for measure in measures]
    with interpreted():
        plain = [measure(p, X) for measure in measures]
    for one, two in zip(compiled, plain):
        assert one.tobytes() == two.tobytes()


@finite_sums
@examples
@given(data=st.data())
def test_samples_are_the_terms_of_the_mean(problems, formula, data):
    p = data.draw(problems)
    x = data.draw(vector(dim(p)))
    scale = 1 + float(x @ x)
    agree(sample_losses(p, x), [float(formula(p, moved(x), i)) for i in range(samples(p))], scale)
    for i, g in enumerate(sample_gradients(p, x)):
        agree(g, exact_gradient(lambda z, i=i: formula(p, z, i), x), scale)
    agree(sample_losses(p, x).mean(), losses(p, x), scale)
    agree(sample_gradients(p, x).mean(0), gradients(p, x), scale)


@with_third
@examples
@given(data=st.data())
def test_third_derivative_and_sample_products_are_those_of_the_hessians(problems, data):
    """Both Hessians are at most quadratic in x: central differences with a step of one have only round-off."""
    p = data.draw(problems)
    x, v = data.draw(vector(dim(p))), data.draw(vector(dim(p)))
    ahead, behind = hessian(p, x + np.eye(dim(p))), hessian(p, x - np.eye(dim(p)))
    size = np.abs(ahead).max(initial=1)
    agree(third_derivative(p, x, v), v @ ((ahead - behind) / 2 @ v).T, 1e3 * size)
    mean = np.mean([_sample_product(p, i, x, v) for i in range(samples(p))], axis=0)
    agree(mean, hessian(p, x) @ v, 1e3 * size)
    slopes = sample_gradients(p, np.array([x + v, x - v, x + 2 * v, x - 2 * v]))  # cubic along v
    want = (8 * (slopes[0] - slopes[1]) - (slopes[2] - slopes[3])) / 12
    agree([_sample_product(p, i, x, v) for i in range(samples(p))], want, 1e4 * size)


def _sample_product(p, i, x, v):
    out = np.empty(dim(p))
    with interpreted():
        sample_hvp(p, i, x, v, out, np.empty(scratch(p)))
    return out


@every_family
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_constants_hold_at_sampled_points(problems, formula, data):
    p = data.draw(problems)
    known = constants(p)
    X = data.draw(matrix(4, dim(p)))
    if known.minimiser is not None:  # and close to the minimum, where the inequalities are tight
        X = np.concatenate([X, known.minimiser + X / 100])
    f, g = losses(p, X), gradients(p, X)
    slack = 1e-11 * (1 + np.abs(f).max() + (g * g).sum(1).max())
    dx, dg = np.diff(X, axis=0), np.diff(g, axis=0)
    if known.L is not None:
        assert (np.linalg.norm(dg, axis=1) <= known.L * np.linalg.norm(dx, axis=1) + slack).all()
    if known.mu is not None:
        assert known.mu > 0
        assert ((dg * dx).sum(1) >= known.mu * (dx * dx).sum(1) - slack).all()
    if known.pl is not None:
        assert known.pl >= (known.mu or 0)
        assert ((g * g).sum(1) >= 2 * known.pl * (f - known.f_star) - slack).all()
    if known.f_star is not None:
        assert (f >= known.f_star - slack).all()
        agree(losses(p, known.minimiser), known.f_star)
        assert np.linalg.norm(gradients(p, known.minimiser)) <= 1e-11 * (1 + np.abs(known.minimiser).max())
