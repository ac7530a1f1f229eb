"""Bartlett, Long & Bousquet 2023 (arXiv 2210.01513): SAM on a quadratic bounces across the ravine.

SAM on f = 1/2 w' diag(lam) w with lam_1 > lam_2 >= ... > 0 converges from almost every start to the two-cycle
w_t = +-(-1)^t A e_1 with A = eta rho lam_1 / (2 - eta lam_1); A is the distance of the iterate, not of the perturbed
point.  The paper proves it for eta lam_1 < 1/2 (recalled); here 0 < eta lam_1 < 2, which is what is observed.

Conventions: loss with 1/2; full batch; normalised ascent; no perturbation at a zero gradient.
"""

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_amplitude, cycle_rate


@claim(
    title="SAM on a quadratic converges to a two-cycle along the top eigenvector",
    where="Theorem on quadratics",
    kind="limit",
    confidence="memory + derived",
    statement="""On 1/2 w' diag(lam) w, lam_1 > lam_2 >= ... > 0: w_t -> +-(-1)^t A e_1 with
        A = eta rho lam_1/(2 - eta lam_1), for almost every w_0, 0 < eta lam_1 < 2.""",
    caveat="recalled for eta lam_1 < 1/2; from there to 2 it is what is observed",
    cost=2,
)
class Cycle:
    h: float = real(0.05, 1.95)  # eta lam_1
    rho: float = log_real(1e-3, 10)
    top: float = log_real(0.1, 10)  # lam_1
    gap: float = real(0.1, 0.9)  # lam_2 / lam_1
    first: float = log_real(1e-4, 3)  # w_0 along e_1, in units of rho; the rest is N(0, rho^2)
    dim: int = integer(2, 8)
    seed: int = seeds()

    examples = ({"h": 0.5, "rho": 0.2, "top": 1.0, "gap": 0.6, "first": 1.5, "dim": 3, "seed": 0},)

    @property
    def eta(self):
        return self.h / self.top

    @property
    def lam(self):
        below = np.random.default_rng([self.seed, 0]).uniform(0.05, 1, self.dim - 2)
        return self.top * np.array([1, self.gap, *(self.gap * below)])

    @property
    def start(self):
        rest = np.random.default_rng([self.seed, 1]).standard_normal(self.dim - 1)
        return self.rho * np.array([self.first, *rest])

    def assumptions(self):
        lam = np.sort(self.lam)[::-1]
        return [
            requires("eta lam_1 > 0", self.eta * lam[0], ">", 0),
            requires("eta lam_1 < 2", self.eta * lam[0], "<", 2),
            requires("lam_1 is simple: lam_2/lam_1 < 1", lam[1] / lam[0], "<", 1),
            requires("every curvature is positive", lam[-1], ">", 0),
            requires("w_0 is not orthogonal to e_1", abs(self.start[0]), ">", 0),
        ]

    def tail(self, rule):
        """The last 100 iterates of a run over 60 e-foldings of the slowest mode."""
        steps = 300 + int(60 / -np.log(cycle_rate(self.eta, self.lam)))
        run = simulate(Diagonal(self.lam, 0 * self.lam), rule, self.start, steps, threads=1, on_divergence="report")
        return np.nan_to_num(run.states[-100:], nan=np.inf)

    def measure(self):
        return self.tail(SAM(self.eta, self.rho))

    def predict(self):
        return cycle_amplitude(self.eta, self.rho, self.top)

    def judge(self, tail, amplitude):
        allowed = 32 * np.finfo(float).eps * amplitude / (1 - cycle_rate(self.eta, self.lam))
        why = "32 ulp a step, summed over the memory 1/(1 - R) of the cycle"
        return [
            equals("|w_1|", np.abs(tail[:, 0]), amplitude, tolerance=allowed, why=why),
            equals("|w_rest|", np.abs(tail[:, 1:]).sum(axis=1), 0, tolerance=allowed, why=why),
            equals("sign of w_1 w_1+", np.sign(tail[1:, 0] * tail[:-1, 0]), -1, tolerance=0.5, why="an integer"),
        ]

    controls = {
        "amplitude eta rho lam/2": control(predict=lambda c: c.eta * c.rho * c.top / 2),
        "amplitude eta rho": control(predict=lambda c: c.eta * c.rho, where={"h": real(0.05, 0.9), "top": 2.7}),
        "amplitude off by one part in a million": control(predict=lambda c: (1 + 1e-6) * c.predict()),
        "gradient descent does not cycle": control(measure=lambda c: c.tail(GD(c.eta))),
        "un-normalised SAM converges to 0": control(measure=lambda c: c.tail(USAM(c.eta, 0.01 / c.top))),
        "start orthogonal to e_1": control(where={"first": 0.0}, violates="w_0 is not orthogonal to e_1"),
    }


if __name__ == "__main__":
    script(__file__)
