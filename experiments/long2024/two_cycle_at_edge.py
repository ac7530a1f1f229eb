"""Long & Bartlett 2024 (arXiv 2309.12488): on a quadratic SAM settles exactly at its edge of stability.

H positive semidefinite of top curvature lam_1 (which may be multiple), 0 < h = eta lam_1 < 2: almost every start ends
on a 2-cycle x <-> -x in the top eigenspace, |x| = eta rho lam_1/(2 - h), so |g| = eta rho lam_1^2/(2 - h), and there
SAM-edge(|g|) = lam_1 exactly, for the factor -1 of the cycle is what defines the edge.  The cycles of lower curvatures
lam_j repel: s = lam_1/lam_j, a deviation along e_1 is multiplied by 1 - 2 s^2 + h (s - 1) < -1 a step.

Conventions: loss with 1/2; full batch; normalised ascent; no perturbation at a zero gradient.  Code that divides by
|g| + 1e-5 instead moves the cycle where |g| is not much larger than that.
"""

import numpy as np

from samtheory.claims import at_least, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_amplitude, cycle_rates
from samtheory.theory.edges import sam_edge

EPS = np.finfo(float).eps
NUDGE = 1e-7


@claim(
    title="On a quadratic SAM ends on a two-cycle that sits at its edge of stability",
    where="Derivation of the edge",
    kind="limit",
    confidence="derived",
    statement="""For almost every x_0 and 0 < eta lam_1 < 2, |g| -> eta rho lam_1^2/(2 - eta lam_1) in the top
        eigenspace and SAM-edge(|g|) -> lam_1; cycles of lower curvature repel, by
        1 - 2 s^2 + eta lam_1 (s - 1) < -1 a step, s = lam_1/lam_j.""",
    cost=2,
)
class TwoCycleAtEdge:
    h: float = real(0.05, 1.95)  # eta lam_1
    rho: float = log_real(1e-2, 10)
    top: float = log_real(0.1, 20)  # lam_1
    gap: float = real(0.1, 0.9)  # the next curvature over lam_1
    multiplicity: int = integer(1, 3)  # of lam_1
    dim: int = integer(1, 4)  # of the rest
    first: float = log_real(1e-3, 3)  # x_0 in the top eigenspace, in units of rho; the rest is N(0, rho^2)
    seed: int = seeds()

    examples = (
        {
            "h": 1.0,
            "rho": 0.1,
            "top": 10.0,
            "gap": 0.4,
            "multiplicity": 1,
            "dim": 2,
            "first": 1.0,
            "seed": 0,
        },  # |g| = 1
        {"h": 1.8, "rho": 0.1, "top": 18.0, "gap": 2 / 9, "multiplicity": 1, "dim": 2, "first": 1.0, "seed": 0},  # 16.2
        {"h": 0.5, "rho": 0.2, "top": 5.0, "gap": 0.2, "multiplicity": 2, "dim": 1, "first": 1.0, "seed": 0},  # 1/3
    )

    @property
    def eta(self):
        return self.h / self.top

    @property
    def lam(self):
        below = np.random.default_rng([self.seed, 0]).uniform(0.05, 1, self.dim - 1)
        return self.top * np.array([*[1.0] * self.multiplicity, self.gap, *(self.gap * below)])

    @property
    def start(self):
        x = np.random.default_rng([self.seed, 1]).standard_normal(self.lam.size)
        x[: self.multiplicity] *= self.first / np.linalg.norm(x[: self.multiplicity])
        return self.rho * x

    @property
    def rate(self):
        """Of convergence, to the cycle of one top mode and the rest: within the top eigenspace no direction changes."""
        return np.abs(cycle_rates(self.eta, self.lam[self.multiplicity - 1 :])).max() if self.h < 2 else 0.9

    def assumptions(self):
        return [
            requires("eta lam_1 < 2", self.eta * self.lam.max(), "<", 2),
            requires("x_0 has a part in the top eigenspace", np.abs(self.start[self.lam == self.top]).max(), ">", 0),
        ]

    def tail(self, rule, start):
        """The last 100 iterates over 60 e-foldings of the slowest mode, and 300 steps to come near."""
        steps = 300 + int(60 / -np.log(self.rate))
        run = simulate(Diagonal(self.lam, 0 * self.lam), rule, start, steps, threads=1, on_divergence="report")
        return np.nan_to_num(run.states[-100:], nan=1e100)

    def nudged(self):
        """By what a step multiplies a small deviation along e_1 from the cycle of the next curvature."""
        x = np.zeros_like(self.lam)
        x[self.multiplicity] = cycle_amplitude(self.eta, self.rho, self.gap * self.top)
        x[0] = NUDGE * x[self.multiplicity]
        run = simulate(Diagonal(self.lam, 0 * x), SAM(self.eta, self.rho), x, 1, threads=1).states
        return run[1, 0] / run[0, 0]

    def measure(self, rule=SAM):
        return self.tail(rule(self.eta, self.rho), self.start), self.nudged()

    def predict(self, edge=sam_edge):
        s = 1 / self.gap
        norm = self.eta * self.rho * self.top**2 / (2 - self.h)
        return norm, lambda g: edge(self.eta, self.rho, g), 1 - 2 * s**2 + self.h * (s - 1)

    def judge(self, measured, predicted):
        (tail, nudged), (norm, edge, multiplier) = measured, predicted
        g = np.linalg.norm(self.lam * tail, axis=1)
        allowed = 32 * EPS / (1 - self.rate)
        why = "32 ulp a step, summed over the memory 1/(1 - R) of the cycle"
        bent = (2 - self.h * self.gap) * (NUDGE / self.gap) ** 2 / (2 * self.gap**2) + 32 * EPS * (1 - multiplier)
        return [
            equals("|g|", g, norm, tolerance=allowed * abs(norm), why=why),
            equals("SAM-edge(|g|)", edge(g), self.top, tolerance=allowed * self.top, why=f"{why}; edge' <= edge/|g|"),
            equals(
                "part outside the top eigenspace",
                np.abs(tail[:, self.multiplicity :]).max(axis=1) * self.top,
                0,
                tolerance=allowed * abs(norm),
                why=why,
            ),
            equals("multiplier on the next cycle", nudged, multiplier, tolerance=bent, why="O(nudge^2), 32 ulp"),
            at_least("minus that multiplier", -nudged, 1, why="strict"),
        ]

    controls = {
        "edge at twice the radius": control(
            predict=lambda c: c.predict(lambda eta, rho, g: sam_edge(eta, 2 * rho, g)), refutes="SAM-edge(|g|)"
        ),
        "edge of gradient descent": control(
            predict=lambda c: c.predict(lambda eta, rho, g: 2 / eta + 0 * g), refutes="SAM-edge(|g|)"
        ),
        "settles on the cycle of the next curvature": control(
            predict=lambda c: (c.eta * c.rho * (c.gap * c.top) ** 2 / (2 - c.gap * c.h), *c.predict()[1:]),
            refutes="|g|",
        ),
        "gradient norm off by one part in a million": control(
            predict=lambda c: ((1 + 1e-6) * c.predict()[0], *c.predict()[1:]), refutes="|g|"
        ),
        "2 - h for 2 in the multiplier": control(
            predict=lambda c: (*c.predict()[:2], c.predict()[2] + c.h / c.gap**2),
            refutes="multiplier on the next cycle",
        ),
        "un-normalised SAM settles at 0": control(
            measure=lambda c: c.measure(USAM), where={"h": real(0.05, 1.6), "rho": 0.01}, refutes="|g|"
        ),
        "start outside the top eigenspace": control(
            where={"first": 0.0}, violates="x_0 has a part in the top eigenspace", refutes="SAM-edge(|g|)"
        ),
        "eta lam_1 > 2": control(where={"h": real(2.05, 3), "gap": real(0.1, 0.6)}, violates="eta lam_1 < 2"),
    }


if __name__ == "__main__":
    script(__file__)
