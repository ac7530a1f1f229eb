"""Wen, Ma & Li 2023 (arXiv 2211.05729), Appendix F: sets that SAM on a quadratic does not leave.

For f = 1/2 x' A x the gradient g = A x obeys g+ = (I - eta A - eta rho A^2/|g|) g.  P_j projects on the modes j, j+1,
... of decreasing curvature; B_j = eta rho lam_j^2.  For i >= j and eta lam_j <= 1 the factor of g_i lies between
-B_j/|g| and 1, so where |P_j g| <= B_j its modulus is at most B_j/|P_j g|, and |P_j g+| <= B_j: attained as P_j g -> 0.
This bounds none of the larger curvatures (the paper, recalled, has eta lam_1 <= 1).
A factor of modulus above 1 is one below -1, so g_i != 0 grows iff |g| < eta rho lam_i^2/(2 - eta lam_i).

Conventions: loss with 1/2; full batch; normalised ascent; g != 0.
"""

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import invariant_bound, top_component_growth_threshold

STARTS, STEPS = 200, 20


@claim(
    title="SAM on a quadratic does not leave the sets of small gradient in the flat modes",
    where="Appendix F",
    kind="bound",
    confidence="memory + derived",
    statement="""On x'Ax/2, A > 0: if |P_j g| <= eta rho lam_j^2 and eta lam_j <= 1, P_j the projection on the modes of
        curvature at most lam_j, then the same holds after a step of SAM; for eta lam_i < 2 component i != 0 of g grows
        in a step iff |g| < eta rho lam_i^2/(2 - eta lam_i).""",
    caveat="stronger than recalled: eta lam_j <= 1 instead of eta lam_1 <= 1",
)
class InvariantSets:
    h: float = real(0.01, 1.0)  # eta lam_j
    rho: float = log_real(1e-3, 10)
    lam_j: float = log_real(0.1, 10)
    above: int = integer(0, 3)  # modes with a larger curvature,
    sharp: float = real(1.02, 4)  # up to this times lam_j
    below: int = integer(0, 4)  # modes with a smaller one,
    low: float = real(0.01, 0.9)  # down to this times lam_j
    seed: int = seeds()

    examples = ({"h": 1.0, "rho": 0.1, "lam_j": 1.0, "above": 0, "sharp": 2.0, "below": 3, "low": 0.1, "seed": 0},)

    @property
    def eta(self):
        return self.h / self.lam_j

    @property
    def lam(self):
        over = np.linspace(self.sharp, 1, self.above, endpoint=False)
        return self.lam_j * np.array([*over, *np.linspace(1, self.low, self.below + 1)])

    @property
    def bounded(self):
        """The modes that have a threshold."""
        return (self.lam > 0) & (self.eta * self.lam < 2)

    def assumptions(self):
        return [
            requires("eta lam_j <= 1", self.eta * self.lam[self.above], "<=", 1),
            requires("no curvature is negative", self.lam.min(), ">=", 0),
        ]

    def measure(self):
        """Gradients: 20 steps from inside the set, and one step from norms close to the threshold of a mode."""
        rng, j, B = np.random.default_rng(self.seed), self.above, invariant_bound(self.eta, self.rho, self.lam_j)
        inside, close = rng.standard_normal((2, STARTS, self.lam.size))
        inside[:, j + 1 :] *= 10 ** -rng.uniform(0, 6, (STARTS, 1))
        inside[:, j:] *= B * 10 ** -rng.uniform(0, 6, (STARTS, 1)) / np.linalg.norm(inside[:, j:], axis=1)[:, None]
        inside[:, :j] *= B * 10 ** rng.uniform(-6, 2, (STARTS, 1))
        norms = rng.choice(top_component_growth_threshold(self.eta, self.rho, self.lam[self.bounded]), (STARTS, 1))
        norms *= 1 + rng.choice([-0.5, 1], (STARTS, 1)) * 10 ** -rng.uniform(0, 14, (STARTS, 1))
        close *= norms / np.linalg.norm(close, axis=1)[:, None]
        problem, rule = Diagonal(self.lam, 0 * self.lam), SAM(self.eta, self.rho)
        runs = [simulate(problem, rule, g / self.lam, n, threads=1) for g, n in ((inside, STEPS), (close, 1))]
        return [self.lam * run.states for run in runs]

    def predict(self):
        """B_j, and the thresholds of the modes that have one."""
        thresholds = top_component_growth_threshold(self.eta, self.rho, self.lam[self.bounded])
        return invariant_bound(self.eta, self.rho, self.lam_j), thresholds

    def judge(self, measured, predicted):
        (inside, close), (B, thresholds) = measured, predicted
        ulps, push = (16 + self.lam.size) * np.finfo(float).eps, self.eta * self.rho * self.lam**2
        flat = np.linalg.norm(inside[:, 1:, self.above :], axis=-1)
        norm = np.linalg.norm(close[:, 0], axis=1)[:, None]
        growth = np.abs(close[:, 1] / close[:, 0])[:, self.bounded] - 1
        allowed = ulps * (1 + self.eta * self.lam + push / norm)[:, self.bounded]
        growth *= np.sign(thresholds - norm)
        return [
            at_most("max |P_j g_t|", flat.max(axis=0), B, slack=STEPS * ulps * B, why="16 + d ulp a step"),
            at_least("growth of |g_i| times the sign of threshold - |g|", growth, 0, slack=allowed, why="16 + d ulp"),
        ]

    controls = {
        "eta lam_j > 1": control(where={"h": real(1.05, 1.95)}, violates="eta lam_j <= 1"),
        "a negative curvature": control(
            where={"low": real(-0.5, -0.3), "h": real(0.9, 1), "below": integer(1, 4)},
            violates="no curvature is negative",
        ),
        "sets smaller by 1 %": control(predict=lambda c: (0.99 * c.predict()[0], c.predict()[1])),
        "threshold with 2 for 2 - eta lam": control(
            predict=lambda c: (c.predict()[0], c.eta * c.rho * c.lam[c.bounded] ** 2 / 2)
        ),
        "threshold off by one part in a million": control(
            predict=lambda c: (c.predict()[0], (1 + 1e-6) * c.predict()[1])
        ),
    }


if __name__ == "__main__":
    script(__file__)
