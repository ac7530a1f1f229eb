"""Beside Wen, Ma & Li 2023 (arXiv 2211.05729), Theorem 4.5: the flow of full-batch SAM at a finite step size.

In phase II SAM alternates across the manifold along v_1, its perturbed points at 2 rho/(2 - eta lam_1) from it, not at
rho.  Per step Phi(x) moves by -(eta/2) (2 rho/(2 - eta lam_1))^2 P grad lam_1 + O(rho^3), so that
    dX/dtau = -(1/2) (2/(2 - eta lam_1(X)))^2 P_X grad lam_1(X),    |Phi(x) - X| = O(rho) at ANY eta lam_1 < 2:
the error of order eta of the flow of Theorem 4.5 is gone.

Checked at a fixed, large eta and rho, rho/2, rho/4.  X starts from Phi of the centre of two iterates once phase I is
over, so that what phase I adds, O(eta + rho), is left out.  The limit of Phi(x) - X is extrapolated from two halvings;
it must vanish up to the last change of the error itself plus that of the extrapolation.

Conventions: full batch; normalised ascent; no perturbation at a zero gradient; tau = eta rho^2 t.
"""

import functools

import numpy as np

from samtheory.claims import at_least, choice, claim, control, equals, log_real, real, requires, script, seeds
from samtheory.flows.cycle import descent, last_two
from samtheory.flows.gradient import project
from samtheory.flows.manifold import manifold_flow, radius_factor, refined_top, top_eigenvalue
from samtheory.problems.interpolating import interpolating
from samtheory.sde.order import halving_limit

LEVELS = 0.5 ** np.arange(3)
SETTLED = 30  # phase I is given this long, in units of 1/(eta lam_M)
SHARE, GAP = "the shift of the cycle is at most half its amplitude", "lam_2 <= 0.9 lam_1 along the flow"


def misread(eta):
    """The factor with eta lam_1 of the wrong sign."""
    return lambda problem, x, lam, V: radius_factor(-eta, lam[-1]) ** 2 * top_eigenvalue(problem, x, lam, V)


@claim(
    title="The flow of full-batch SAM at a finite step size",
    where="beside Theorem 4.5",
    kind="limit",
    confidence="derived",
    statement="""In phase II Phi(x) follows dX/dtau = -(1/2) (2/(2 - eta lam_1))^2 P_X grad lam_1 to an error O(rho), at
        every eta with eta lam_1 < 2, instead of the O(eta + rho) of the flow without the factor.""",
    cost=8,
)
class RefinedFlow:
    kind: str = choice("product", "bowls", "regression")
    h: float = real(0.3, 1.2)  # eta lam_1 where it is largest
    rho: float = log_real(0.02, 0.05)  # the largest of the three
    move: float = real(0.25, 0.5)  # T, as the distance the flow without the factor takes at its first speed
    seed: int = seeds()

    examples = ({"kind": "regression", "h": 0.5, "rho": 0.04, "move": 0.4, "seed": 3},)

    @functools.cached_property
    def fall(self):
        """The flow without the factor, None where there is none."""
        return descent(*interpolating(self.kind, np.random.default_rng(self.seed)), self.move)

    @property
    def eta(self):
        return self.h / self.fall.lam

    def assumptions(self):
        exists = requires("the gradient flow reaches a minimum from which X exists", self.fall is not None)
        if self.fall is None:
            return [exists]
        share = self.rho * self.fall.lean / self.eta
        return [
            exists,
            requires(SHARE, share, "<=", 0.5),
            requires(GAP, self.fall.gap, "<=", 0.9),
            requires("eta lam_1 < 2", self.h, "<", 2),
            requires("phase I is the smaller part", self.settling, "<=", self.steps(1.0) / 4),
        ]

    @property
    def settling(self):
        return int(np.ceil(SETTLED / (self.eta * self.fall.lam_M)))

    def steps(self, level):
        speed_up = radius_factor(self.eta, self.fall.lam) ** 2  # so that the refined flow stays on the path examined
        return int(np.ceil(self.fall.times[-1] / (speed_up * self.eta * (level * self.rho) ** 2)))

    @functools.cached_property
    def runs(self):
        """Phi of the centre of two iterates, after phase I and at the end; [3, 2, d]."""
        out = []
        for level in LEVELS:
            problem, rho = self.fall.problem, level * self.rho
            early = last_two(problem, self.eta, rho, self.fall.start, self.settling)
            late = last_two(problem, self.eta, rho, early[0], self.steps(level) - self.settling)
            out.append([project(problem, pair.mean(axis=0)).point for pair in (early, late)])
        return np.array(out)

    def measure(self):
        return self.runs[:, 1]

    def predict(self, slope=refined_top):
        """X from where phase I ended."""
        out = []
        for level, (start, _) in zip(LEVELS, self.runs):
            tau = self.eta * (level * self.rho) ** 2 * (self.steps(level) - self.settling)
            out.append(manifold_flow(self.fall.problem, start, [0.0, tau], slope(self.eta))[-1])
        return np.array(out)

    def judge(self, x, X):
        error = x - X
        limit, changed = halving_limit(error)
        size = np.linalg.norm(error, axis=1) + 1e-9  # of the flows and projections
        orders = np.log2(size[:-1] / size[1:])
        return [
            equals(
                "|limit of Phi(x) - X as rho -> 0|", np.linalg.norm(limit), 0, tolerance=changed + 1e-9,
                why="last changes of the error and of its extrapolation",
            ),
            at_least("order in rho", orders[1], 1, slack=abs(orders[1] - orders[0]), why="its last change"),
        ]  # fmt: skip

    controls = {
        "no factor": control(predict=lambda c: c.predict(lambda eta: top_eigenvalue)),
        "power 1": control(predict=lambda c: c.predict(lambda eta: refined_top(eta, 1))),
        "power 2.1": control(predict=lambda c: c.predict(lambda eta: refined_top(eta, 2.1))),
        "power 2.02, at a large step": control(
            predict=lambda c: c.predict(lambda eta: refined_top(eta, 2.02)), where={"h": real(0.8, 1.2)}
        ),
        "eta lam_1 of the wrong sign": control(predict=lambda c: c.predict(misread)),
    }


if __name__ == "__main__":
    script(__file__)
