"""Preconditioned SAM and its relatives against reference traces, linear algebra and one another."""

import numpy as np
import pytest

from samtheory.kernel import interpreted
from samtheory.problems.finite_sum import Logistic
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.problems.quadratic import Quadratic
from samtheory.rules.asam import ASAM
from samtheory.rules.fisher_sam import FisherSAM
from samtheory.rules.info_sam import InfoSAM
from samtheory.rules.presam import PreSAM, matrix_presam
from samtheory.rules.prescribed import Prescribed
from samtheory.rules.sam import SAM
from samtheory.rules.sparse_sam import SparseSAM
from samtheory.rules.vasso import VaSSO
from samtheory.simulate import simulate

Z = np.array([[1, 0.5], [0.8, -0.3], [-0.6, 1.2], [-1.1, -0.4], [0.3, -0.9], [-0.2, 0.7]])
PROBLEMS = {
    "quad": (Quadratic([[4, 1], [1, 1]], [0, 0]), [1, -0.5], 0.1),
    "prod": (Product(HalfSquare(1.0)), [2, 0.3], 0.1),
    "logit": (Logistic(Z, [1, 1, 1, -1, -1, -1]), [0.2, -0.1], 0.5),
}
RULES = {
    "asam": lambda eta: ASAM(eta, 0.5, 0.0),
    "asam_eta0.01": lambda eta: ASAM(eta, 0.5),
    "vasso": lambda eta: VaSSO(eta, 0.1, 0.2),
    "sparse10": lambda eta: SparseSAM(eta, 0.1, [1, 0]),
}
TRACES = {  # the fifth iterate, thirteen digits
    "asam/quad": (0.1745473056438, -0.441343520097),
    "asam_eta0.01/quad": (0.1734601873495, -0.4404505050143),
    "vasso/quad": (0.112439596736, -0.5189127557419),
    "sparse10/quad": (0.1428916425423, -0.5086251358372),
    "asam/prod": (1.978962860291, 0.3543982632469),
    "asam_eta0.01/prod": (1.975380927839, 0.3527111956512),
    "vasso/prod": (2.040491071445, 0.5726837954253),
    "sparse10/prod": (2.033550995991, 0.483502293804),
    "asam/logit": (0.5929129551548, 0.3093583448713),
    "asam_eta0.01/logit": (0.5939430349267, 0.3100113251647),
    "vasso/logit": (0.5594691885269, 0.3281136539304),
    "sparse10/logit": (0.5621151740531, 0.3057342302277),
}


@pytest.mark.parametrize("name", TRACES)
def test_five_steps_end_where_the_reference_does(name):
    rule, problem = name.split("/")
    f, start, eta = PROBLEMS[problem]
    run = simulate(f, RULES[rule](eta), start, 5, threads=1)
    np.testing.assert_allclose(run.x, TRACES[name], atol=1e-11)


def one_step(rule, g):
    """The perturbation of the first step at x = (1, -2, 3) on |x - c|^2/2, c = x - g, with eta = 1."""
    x = np.array([1.0, -2.0, 3.0])
    return x - g - simulate(Quadratic(np.eye(3), x - g), rule, x, 1, threads=1).x


G = np.array([0.4, -1.5, 0.9])
P, R = np.array([0.5, 2.0, 1.5]), np.array([1.0, -0.5, 0.0])


def closed_form(P, R, rho=0.7):
    v = np.linalg.solve(P.T, R @ G)
    return rho * np.linalg.solve(P, v) / np.linalg.norm(v)


def test_perturbations_solve_the_problem_on_the_ellipsoid():
    np.testing.assert_allclose(one_step(PreSAM(1.0, 0.7, P, R), G), closed_form(np.diag(P), np.diag(R)), atol=1e-14)
    rng = np.random.default_rng(0)
    full = rng.normal(size=(3, 3)) + 2 * np.eye(3), rng.normal(size=(3, 3))
    np.testing.assert_allclose(one_step(matrix_presam(1.0, 0.7, *full), G), closed_form(*full), atol=1e-14)
    np.testing.assert_allclose(
        one_step(FisherSAM(1.0, 0.7, 0.5), G),
        closed_form(np.diag(np.sqrt(np.maximum(G**2, 0.5))), np.eye(3)),
        atol=1e-14,
    )
    np.testing.assert_allclose(one_step(InfoSAM(1.0, 0.7, P), G), closed_form(np.eye(3), np.diag(1 / P)), atol=1e-14)
    mask = np.array([1.0, 0, 1])
    np.testing.assert_allclose(
        one_step(SparseSAM(1.0, 0.7, mask, True), G), closed_form(np.eye(3), np.diag(mask)), atol=1e-14
    )
    np.testing.assert_allclose(one_step(Prescribed(1.0, 0.7, [[0, 0.6, 0.8]]), G), [0, 0.42, 0.56], atol=1e-14)
    np.testing.assert_allclose(one_step(PreSAM(1.0, 0.7, np.ones(3), -np.ones(3)), G), -one_step(SAM(1.0, 0.7), G))


def test_masks_take_turns_and_a_zero_perturbation_is_counted():
    f, start, eta = PROBLEMS["quad"]
    turns = simulate(f, SparseSAM(eta, 0.1, [[1, 0], [0, 1]]), start, 2, threads=1)
    first = simulate(f, SparseSAM(eta, 0.1, [1, 0]), start, 1, threads=1)
    np.testing.assert_array_equal(turns.states[1], first.x)
    np.testing.assert_array_equal(turns.x, simulate(f, SparseSAM(eta, 0.1, [0, 1]), first.x, 1, threads=1).x)
    nothing = simulate(f, SparseSAM(eta, 0.1, [0, 0], renormalised=True), start, 3, threads=1)
    assert nothing.omitted == 3 and np.isfinite(nothing.x).all()


@pytest.mark.parametrize(
    "rule", [PreSAM(0.1, 0.2, P[:2], R[:2]), matrix_presam(0.1, 0.2, [[1, 2], [0, 1]], [[1, 0], [3, 1]]),
             FisherSAM(0.1, 0.2, 0.1), InfoSAM(0.1, 0.2, P[:2]), ASAM(0.1, 0.2), VaSSO(0.1, 0.2),
             SparseSAM(0.1, 0.2, [0, 1], True), Prescribed(0.1, 0.2, [[0, 1], [1, 0]])], ids=lambda r: type(r).__name__
)  # fmt: skip
def test_interpreted_is_compiled(rule):
    compiled = simulate(PROBLEMS["quad"][0], rule, [1, -0.5], 3, threads=1).x
    with interpreted():
        np.testing.assert_allclose(simulate(PROBLEMS["quad"][0], rule, [1, -0.5], 3).x, compiled, rtol=1e-14)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: PreSAM(0.1, 0.2, [1, 0], [1, 1]), r"constraint\[1\] = 0"),
        (lambda: PreSAM(0.1, 0.2, [1, 2], [1]), "objective"),
        (lambda: matrix_presam(0.1, 0.2, [[1, 1], [1, 1]], np.eye(2)), "invertible"),
        (lambda: InfoSAM(0.1, 0.2, [1, -1]), r"variance\[1\] = -1"),
        (lambda: SparseSAM(0.1, 0.2, [1, 0.5]), "other than 0 and 1"),
        (lambda: Prescribed(0.1, 0.2, [[1, 1]]), "1 long"),
        (lambda: simulate(PROBLEMS["quad"][0], InfoSAM(0.1, 0.2, [1, 1, 1]), [1, 1], 1), "2 coordinates"),
    ],
)
def test_bad_preconditioners_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
