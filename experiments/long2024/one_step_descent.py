"""Long & Bartlett 2024 (arXiv 2309.12488): below its edge, a step of SAM on a quadratic lowers the loss.

L = x'Hx/2, H positive semidefinite, g = Hx != 0.  The mode of curvature lam is multiplied by 1 - eta lam c,
c = 1 + rho lam/|g|, hence L(x) - L(x+) = eta sum (lam x)^2 c (1 - eta lam c/2), and, z = eta lam_1 (1 + rho lam_1/|g|)
being less than 2 iff lam_1 < SAM-edge(|g|),
    L(x+) <= L(x) - eta (1 - z/2) |g|^2 < L(x).
Above the edge a step along the top eigenvector multiplies L by (1 - z)^2 > 1.  Elsewhere it may lower L all the same:
the statement is no "iff" (control).  The wording of the paper is recalled; this is what holds.

Conventions: loss with 1/2; full batch; normalised ascent; no perturbation at a zero gradient.
"""

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.edges import sam_edge

EPS = np.finfo(float).eps


@claim(
    title="Below SAM's edge a step on a quadratic lowers the loss",
    where="Derivation of the edge",
    kind="bound",
    confidence="memory + derived",
    statement="""L(x+) <= L(x) - eta (1 - z/2) |g|^2 < L(x) if lam_1 < SAM-edge(|g|), where
        z = eta lam_1 (1 + rho lam_1/|g|); L(x+) > L(x) if lam_1 > SAM-edge(|g|) and g is along the top eigenvector.""",
)
class OneStepDescent:
    eta: float = log_real(1e-2, 1)
    rho: float = log_real(1e-2, 3)
    grad_norm: float = log_real(1e-2, 10)
    share: float = real(0.01, 0.9999)  # lam_1 / edge
    beyond: float = log_real(1e-6, 2)  # lam_1 / edge - 1, in the step along the top eigenvector
    lean: float = log_real(1e-2, 1e2)  # x along e_1, in units of the other coordinates
    dim: int = integer(1, 7)
    seed: int = seeds()

    @property
    def edge(self):
        return float(sam_edge(self.eta, self.rho, self.grad_norm))

    @property
    def shape(self):
        """Curvatures over the largest; the last one of three and more is 0."""
        lam = np.append(1.0, np.random.default_rng([self.seed, 0]).uniform(0, 1, self.dim - 1))
        lam[2:][-1:] = 0
        return lam

    @property
    def start(self):
        """Where g has the given norm."""
        x = np.append(self.lean, np.random.default_rng([self.seed, 1]).standard_normal(self.dim - 1))
        return x * self.grad_norm / np.linalg.norm(self.share * self.edge * self.shape * x)

    @property
    def z(self):
        lam = self.share * self.edge
        return self.eta * lam * (1 + self.rho * lam / self.grad_norm)

    def assumptions(self):
        return [requires("lam_1 < SAM-edge(|g|)", self.share * self.edge, "<", self.edge)]

    def step(self, lam, x):
        """L before and after a step."""
        problem = Diagonal(lam, 0 * lam)
        return losses(problem, simulate(problem, SAM(self.eta, self.rho), x, 1, threads=1).states)

    def measure(self, aligned=True):
        above = (1 + self.beyond) * self.edge * self.shape
        x = np.eye(self.dim)[0] if aligned else np.append(1e-9, np.ones(self.dim - 1))
        before, after = self.step(above, x * self.grad_norm / np.linalg.norm(above * x))
        return self.step(self.share * self.edge * self.shape, self.start), after / before

    def predict(self):
        return self.eta * (1 - self.z / 2) * self.grad_norm**2

    def judge(self, measured, fall):
        (before, after), ratio = measured
        slack = (2 * self.dim + 16) * EPS * (before + after) * (1 + self.z)
        why = "(2d + 16) ulp of L: of |g|, the factors and the sums"
        return [
            at_most("L(x+)/L(x)", after / before, 1, why="strict"),
            at_least("L(x) - L(x+)", before - after, fall, slack=slack, why=why),
            at_least("L(x+)/L(x) along e_1, above the edge", ratio, 1 + 4 * self.beyond, slack=32 * EPS, why="32 ulp"),
        ]

    controls = {
        "above the edge, along e_1": control(
            where={"share": real(1.0001, 3), "dim": 1}, violates="lam_1 < SAM-edge(|g|)", refutes="L(x+)/L(x)"
        ),
        "below 2/eta is not enough": control(  # 1.05 to 1.9 times an edge of less than 2/eta/1.9
            where={"share": real(1.05, 1.9), "rho": real(1, 3), "grad_norm": log_real(0.01, 0.3), "lean": 100.0},
            violates="lam_1 < SAM-edge(|g|)",
            refutes="L(x+)/L(x)",
        ),
        "fall of gradient descent": control(
            predict=lambda c: c.eta * (1 - c.eta * c.share * c.edge / 2) * c.grad_norm**2,
            where={"dim": 1, "share": 0.9999, "rho": real(1, 3), "grad_norm": log_real(0.1, 0.3)},
            refutes="L(x) - L(x+)",
        ),
        "fall off by one per cent": control(
            predict=lambda c: 1.01 * c.predict(),
            where={"dim": 1, "share": 0.01, "rho": 0.01, "grad_norm": 10.0},
            refutes="L(x) - L(x+)",
        ),
        "above the edge, in general position": control(
            measure=lambda c: c.measure(aligned=False),
            where={"dim": 2, "beyond": log_real(1e-6, 1e-3)},
            refutes="L(x+)/L(x) along e_1, above the edge",
        ),
    }


if __name__ == "__main__":
    script(__file__)
