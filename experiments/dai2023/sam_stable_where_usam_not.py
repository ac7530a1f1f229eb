"""Dai, Ahn & Sra 2023 (arXiv 2305.15287), after Theorem 1: normalisation stabilises, at any step where GD is stable.

At the same eta < 2/beta and the same rho > (2/(eta beta) - 1)/beta, on the same quadratic from the same start, USAM
multiplies the component along the top curvature by eta beta (1 + rho beta) - 1 > 1 in modulus and diverges, while SAM
ends on the cycle of amplitude eta rho beta/(2 - eta beta) along it (bartlett2023/cycle), however large rho is.  On
beta-smooth losses that are strongly convex SAM stays bounded as well (dai2023/sc-bound-large-step).

It is a statement on globally smooth losses: on quartics normalised SAM with a large rho blows up too.  The same number
rho is a length for SAM and an inverse curvature for USAM, so that the comparison depends on the unit of w; the theorem
holds in every unit.

Conventions: loss with 1/2; full batch; eigenvectors along the axes; no perturbation at a zero gradient.
"""

import numpy as np

from samtheory.claims import at_least, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_amplitude, cycle_rate
from samtheory.theory.stability import usam_factor

EPS = np.finfo(float).eps
FAR = 1e12  # "diverges": w_1 grows beyond this factor
STEPS = 3000  # the slowest cycle of the space forgets a factor exp(-60) in 2450 steps


def changed(c, amplitude=1.0, factor=1.0):
    """The prediction with a wrong amplitude or factor."""
    right = c.predict()
    return amplitude * right[0], right[1], factor * right[2]


@claim(
    title="SAM is stable for every rho at step sizes where USAM diverges",
    where="Section 3, after Theorem 1",
    kind="comparison",
    confidence="derived",
    statement="""On a strongly convex quadratic of simple top curvature beta, for almost every w_0, eta < 2/beta and
        rho > (2/(eta beta) - 1)/beta: SAM ends on |w_1| = eta rho beta/(2 - eta beta), the other components 0, while
        |w_1| of USAM grows by the factor eta beta (1 + rho beta) - 1 > 1 a step.""",
)
class SamStableWhereUsamNot:
    h: float = real(0.05, 1.95)  # eta beta
    growth: float = log_real(0.02, 30)  # USAM multiplies w_1 by -(1 + growth); this sets rho
    beta: float = log_real(0.1, 10)
    gap: float = real(0.1, 0.9)  # second curvature / beta; the others are random, in [0.1, gap]
    first: float = log_real(1e-4, 10)  # w_0 along e_1, in units of rho; the rest is N(0, rho^2)
    dim: int = integer(2, 8)
    seed: int = seeds()

    examples = ({"h": 1.8, "growth": 3.4, "beta": 4.0, "gap": 0.25, "first": 4.0, "dim": 2, "seed": 0},)  # rho = 1/2

    @property
    def eta(self):
        return self.h / self.beta

    @property
    def rho(self):
        return (2 + self.growth - self.h) / (self.h * self.beta)

    @property
    def lam(self):
        others = np.random.default_rng([self.seed, 0]).uniform(0.1, self.gap, self.dim - 2)
        return self.beta * np.array([1, self.gap, *others])

    @property
    def start(self):
        rest = np.random.default_rng([self.seed, 1]).standard_normal(self.dim - 1)
        return self.rho * np.array([self.first, *rest])

    def assumptions(self):
        lam = np.sort(self.lam)[::-1]
        h = self.eta * lam[0]
        return [
            requires("min lam > 0", lam[-1], ">", 0),
            requires("eta beta < 2", h, "<", 2),
            requires("beta is simple: lam_2/beta < 1", lam[1] / lam[0], "<", 1),
            requires("rho > (2/(eta beta) - 1)/beta", self.rho, ">", (2 / h - 1) / lam[0]),
            requires("w_0 is not orthogonal to e_1", abs(self.start[0]), ">", 0),
        ]

    def run(self, rule, steps):
        problem = Diagonal(self.lam, 0 * self.lam)
        run = simulate(problem, rule, self.start, steps, threads=1, on_divergence="report")
        return np.nan_to_num(run.states, nan=np.inf)

    def measure(self, stable=SAM, unstable=USAM):
        """The last iterates of SAM, and |w_1| of USAM until it has grown by FAR and more."""
        tail = self.run(stable(self.eta, self.rho), STEPS)[-100:]
        steps = 1 + int(1.5 * np.log(FAR) / abs(np.log1p(self.growth)))
        return tail, abs(self.run(unstable(self.eta, self.rho), steps)[:, 0])

    def predict(self):
        amplitude, rate = cycle_amplitude(self.eta, self.rho, self.beta), cycle_rate(self.eta, self.lam)
        return amplitude, rate, abs(usam_factor(self.eta, self.rho, self.beta))

    def judge(self, measured, predicted):
        (tail, path), (amplitude, rate, factor) = measured, predicted
        allowed = 32 * EPS * amplitude / (1 - rate)
        why = "32 ulp a step, summed over the memory 1/(1 - R) of the cycle"
        t = np.arange(1, path.size)
        expected = path[0] * factor**t
        return [
            equals("SAM: |w_1|", abs(tail[:, 0]), amplitude, tolerance=allowed, why=why),
            equals("SAM: |w_rest|", abs(tail[:, 1:]).sum(axis=1), 0, tolerance=allowed, why=why),
            equals("USAM: |w_1|", path[1:], expected, tolerance=24 * EPS * t * expected, why="18 ulp a step"),
            at_least("USAM: last |w_1|", path[-1], FAR * path[0]),
        ]

    controls = {
        "amplitude off by one part in a million": control(predict=lambda c: changed(c, amplitude=1 + 1e-6)),
        "USAM's factor off by one part in a million": control(predict=lambda c: changed(c, factor=1 + 1e-6)),
        "USAM in the place of SAM": control(measure=lambda c: c.measure(stable=USAM)),
        "SAM in the place of USAM": control(measure=lambda c: c.measure(unstable=SAM)),
        "gradient descent in the place of USAM": control(
            measure=lambda c: c.measure(unstable=lambda eta, rho: GD(eta))
        ),
        "USAM within its own threshold": control(
            where={"growth": real(-0.5, -0.05), "h": real(0.05, 1.4)}, violates="rho > (2/(eta beta) - 1)/beta"
        ),
        "eta beta > 2": control(
            predict=lambda c: (c.rho * c.h / (c.h - 2), 0.5, 1 + c.growth),
            where={"h": real(2.01, 2.5), "growth": real(1, 30)},
            violates="eta beta < 2",
        ),
        "two equal top curvatures": control(
            predict=lambda c: (cycle_amplitude(c.eta, c.rho, c.beta), 0.5, 1 + c.growth),
            where={"gap": 1.0},
            violates="beta is simple: lam_2/beta < 1",
        ),
        "start orthogonal to e_1": control(where={"first": 0.0}, violates="w_0 is not orthogonal to e_1"),
    }


if __name__ == "__main__":
    script(__file__)
