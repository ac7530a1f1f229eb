"""Preconditioned SAM and its relatives against linear algebra and one another."""

import numpy as np
import pytest

from samtheory.problems.quadratic import Quadratic
from samtheory.rules.fisher_sam import FisherSAM
from samtheory.rules.info_sam import InfoSAM
from samtheory.rules.presam import PreSAM, matrix_presam
from samtheory.rules.prescribed import Prescribed
from samtheory.rules.sam import SAM
from samtheory.rules.sparse_sam import SparseSAM
from samtheory.simulate import simulate

QUADRATIC, START, ETA = Quadratic([[4, 1], [1, 1]], [0, 0]), [1, -0.5], 0.1


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
    f, start, eta = QUADRATIC, START, ETA
    turns = simulate(f, SparseSAM(eta, 0.1, [[1, 0], [0, 1]]), start, 2, threads=1)
    first = simulate(f, SparseSAM(eta, 0.1, [1, 0]), start, 1, threads=1)
    np.testing.assert_array_equal(turns.states[1], first.x)
    np.testing.assert_array_equal(turns.x, simulate(f, SparseSAM(eta, 0.1, [0, 1]), first.x, 1, threads=1).x)
    nothing = simulate(f, SparseSAM(eta, 0.1, [0, 0], renormalised=True), start, 3, threads=1)
    assert nothing.omitted == 3 and np.isfinite(nothing.x).all()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: PreSAM(0.1, 0.2, [1, 0], [1, 1]), r"constraint\[1\] = 0"),
        (lambda: PreSAM(0.1, 0.2, [1, 2], [1]), "objective"),
        (lambda: matrix_presam(0.1, 0.2, [[1, 1], [1, 1]], np.eye(2)), "invertible"),
        (lambda: InfoSAM(0.1, 0.2, [1, -1]), r"variance\[1\] = -1"),
        (lambda: SparseSAM(0.1, 0.2, [1, 0.5]), "other than 0 and 1"),
        (lambda: Prescribed(0.1, 0.2, [[1, 1]]), "1 long"),
        (lambda: simulate(QUADRATIC, InfoSAM(0.1, 0.2, [1, 1, 1]), [1, 1], 1), "2 coordinates"),
    ],
)
def test_bad_preconditioners_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
