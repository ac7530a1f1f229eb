"""Wen, Ma & Li 2023 (arXiv 2211.05729), Theorem 4.5, phase II: full-batch SAM minimises the top eigenvalue.

Let the minimisers of L form a manifold of dimension d - M with Hessians of rank M, eigenvalues lam_1 > lam_2 >= ... on
it, Phi the limit of the gradient flow, and X(tau) = Phi(x_0) - (1/2) int_0^tau P_X grad lam_1(Hess L(X)) ds.  For fixed
T and eta ln(1/rho), rho/eta small enough,
    |x(ceil(T/(eta rho^2))) - X(T)| = O(eta ln(1/rho)),  and the angle of grad L(x) to the top eigenspace is O(rho).

Checked at three step sizes eta, eta/2, eta/4 with rho/eta fixed.  The order of the error is that of its last halving,
and the last change of that order is its uncertainty.  The constant of the theorem is large (at eta lam_1 = 1 the error
exceeds the path), so the limit itself is checked by extrapolation: two Richardson steps on the centre of the last two
iterates leave an error of order eta^3, and are allowed the last change of the first, which is of order eta^2
(and, lest that be small by chance, (eta lam_1)^2 times the last change of x).
How small rho/eta must be, and the constant of the angle, are derived (`samtheory.flows.cycle`): the centre of the
two-cycle is off the manifold by the share rho |D^3 L[v1, v1, v1]|/(eta lam_1^2) of its amplitude a, which must stay
below one; the gradient is off v_1 by the tilt, rho |(D_11j/(2 lam_j))_j| at first order, and v_1 of the Hessian at x,
which is at a from the manifold, turns by at most a |D_11|/(lam_1 - lam_2).

Conventions: full batch; normalised ascent; no perturbation at a zero gradient; tau = eta rho^2 t; X(0) = Phi(x_0).
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, equals, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients, hessian
from samtheory.flows.cycle import descent, last_two, tilt
from samtheory.flows.gradient import project
from samtheory.flows.manifold import manifold_flow, third_twice, top_eigenvalue, trace
from samtheory.problems.interpolating import interpolating
from samtheory.sde.order import richardson_limit
from samtheory.theory.cycles import cycle_amplitude

LEVELS = 0.5 ** np.arange(3)
SHARE, GAP = "the shift of the cycle is at most half its amplitude", "lam_2 <= 0.9 lam_1 along the flow"


@claim(
    title="Full-batch SAM follows the flow of the top eigenvalue",
    where="Theorem 4.5, phase II",
    kind="order",
    confidence="text; the extrapolated limit, the threshold of rho/eta and the constant of the angle derived",
    statement="""After ceil(T/(eta rho^2)) steps SAM is O(eta ln(1/rho)) from X(T), dX/dtau = -(1/2) P_X grad lam_1,
        X(0) = Phi(x_0), and the angle of its gradient to the top eigenvector is O(rho), for rho/eta small enough.""",
    cost=12,
)
class TopEigenvalue:
    kind: str = choice("product", "bowls", "regression")
    h: float = real(0.2, 0.3)  # eta lam_1 at the largest of the step sizes
    rho: float = log_real(0.03, 0.06)  # there
    move: float = real(0.25, 0.5)  # T, as the distance it takes X at its first speed
    seed: int = seeds()

    examples = ({"kind": "regression", "h": 0.3, "rho": 0.05, "move": 0.4, "seed": 3},)

    @functools.cached_property
    def fall(self):
        """The flow X, None where there is none."""
        return descent(*interpolating(self.kind, np.random.default_rng(self.seed)), self.move)

    @property
    def eta(self):
        return self.h / self.fall.lam

    def assumptions(self):
        exists = requires("the gradient flow reaches a minimum from which X exists", self.fall is not None)
        if self.fall is None:
            return [exists]
        share = self.rho * self.fall.lean / self.eta
        return [exists, requires(SHARE, share, "<=", 0.5), requires(GAP, self.fall.gap, "<=", 0.9)]

    def measure(self, moving=True):
        """The last two iterates at the three levels, [3, 2, d]."""
        out = []
        for level in LEVELS:
            eta, rho = level * self.eta, level * self.rho
            steps = int(np.ceil(self.fall.times[-1] / (eta * rho**2)))
            out.append(last_two(self.fall.problem, eta, rho * moving, self.fall.start, steps))
        return np.array(out)

    def predict(self, speed=0.5, slope=top_eigenvalue, tilted=1):
        """X(T), the order of eta ln(1/rho) over the last halving, and the largest angle as a function of (p, level)."""
        fall, X = self.fall, self.fall.path[-1]
        if speed != 0.5 or slope is not top_eigenvalue:
            X = manifold_flow(fall.problem, fall.path[0], fall.times[[0, -1]], slope, speed=speed)[-1]
        growth = LEVELS[1:] * np.log(1 / (LEVELS[1:] * self.rho))

        def angle(p, level):
            eta, rho = level * self.eta, level * self.rho
            lam, V = np.linalg.eigh(hessian(fall.problem, p))
            turn = np.linalg.norm(third_twice(fall.problem, p, V[:, -1])) / (lam[-1] - lam[-2])
            uneven = 1 / (1 - min(rho * fall.lean / eta, 0.5))  # the smaller of the two steps' distances
            return tilted * uneven * tilt(fall.problem, p, fall.limit.rank, eta, rho) + turn * cycle_amplitude(
                eta, rho, lam[-1]
            )

        return X, np.log2(growth[0] / growth[1]), angle

    def judge(self, x, predicted):
        X, order, angle = predicted
        error = np.linalg.norm(x[:, 0] - X, axis=1)
        orders = np.log2(error[:-1] / error[1:])
        centre = x.mean(axis=1)
        limit, changed = richardson_limit(centre)
        changed += self.h**2 * np.linalg.norm(centre[2] - centre[1])
        allowed = angle(project(self.fall.problem, centre[2]).point, LEVELS[2])
        second = (self.rho * self.fall.lean / self.eta) ** 2 + self.h * LEVELS[2]
        extrapolated = "last change of the first extrapolation, (eta lam_1)^2 of that of x"
        why = "tilt, and turn of v_1 off the manifold; next order in eta lam_1 and in the share"
        return [
            at_least("order of |x - X|", orders[1], order, slack=abs(orders[1] - orders[0]), why="its last change"),
            equals(
                "|limit of x - X|",
                np.linalg.norm(limit - X),
                0,
                tolerance=changed,
                why=extrapolated,
            ),
            at_most("angle", max(self.angle(one) for one in x[2]), allowed, slack=second * allowed, why=why),
        ]

    def angle(self, x):
        """Between the gradient and the top eigenvector of the Hessian at x."""
        along = np.linalg.eigh(hessian(self.fall.problem, x))[1].T @ gradients(self.fall.problem, x)
        return np.arctan2(np.linalg.norm(along[:-1]), abs(along[-1]))

    controls = {
        "no factor 1/2": control(predict=lambda c: c.predict(speed=1.0)),
        "a speed of 0.58 for 1/2": control(predict=lambda c: c.predict(speed=0.58), refutes="|limit of x - X|"),
        "a speed of 0.51 for 1/2, on one pair": control(
            predict=lambda c: c.predict(speed=0.51), where={"kind": "product"}, refutes="|limit of x - X|"
        ),
        "the flow of the trace": control(predict=lambda c: c.predict(slope=trace), where={"kind": "regression"}),
        "gradient descent instead": control(measure=lambda c: c.measure(moving=False)),
        "order two": control(predict=lambda c: (c.predict()[0], 2.0, c.predict()[2]), refutes="order of |x - X|"),
        "no tilt": control(
            predict=lambda c: c.predict(tilted=0), where={"kind": "regression", "seed": 3}, refutes="angle"
        ),
        "rho/eta too large": control(  # the drift still follows the flow
            where={"kind": "regression", "seed": 3, "h": real(0.025, 0.03), "rho": real(0.09, 0.11)},
            violates=SHARE,
            refutes="angle",
        ),
    }


if __name__ == "__main__":
    script(__file__)
