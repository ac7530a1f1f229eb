"""Stochastic DNSAM has a tail of index d: what the SDE of Monzio Compagnoni et al. 2023 must assume away.

On f = lam |x|^2/2 in d dimensions with noise s Z, one step of DNSAM from x != 0 has the law
    N(x - eta lam (x + rho x/|x|), (eta s)^2 (1 + rho/|x|)^2 I),
so the second step from x_0 throws x_2 far away whenever x_1, which has a positive density p_1 at 0, comes close to 0:
    P(|x_2| > u) ~ C u^-d,   C = p_1(0) V_d (eta rho s)^d E|Z|^d,   V_d the volume of the unit ball (lam cancels).
Hence E|x_k|^p is infinite for p >= d, k >= 2 and every eta, rho > 0; no weak order with polynomial test functions can
hold unless the iterates keep away from critical points.  (Derived; at k = 1 the law is Gaussian.)

The tail of the law above is integrated over |x_1| (`exact`); that the algorithm has this law is sampled: 2^18 runs,
P = 0.005 or more, an exact binomial interval with false alarm 1e-6, half-width 15 % of the tolerated
30 % (inconclusive with probability below 1e-6).  SAM or USAM
instead of DNSAM, whose P is below 1e-4 there, come out refuted with probability above 1 - 1e-6.
"""

import math

import numpy as np
from scipy.special import chndtr, gammaln, hyp0f1

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.oracles import GaussianNoise
from samtheory.problems.quadratic import quadratic
from samtheory.rules.dnsam import DNSAM
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.sde.order import proportion_interval
from samtheory.simulate import simulate

RUNS = 2**18


@claim(
    title="After two steps stochastic DNSAM has a tail of index d: its d-th moment is infinite",
    where="a condition that the theorem on the SDE of DNSAM needs",
    kind="counterexample",
    confidence="derived",
    statement="On lam |x|^2/2, P(|x_2| > u) ~ p_1(0) V_d (eta rho s)^d E|Z|^d u^-d, for every eta, rho, s > 0.",
    cost=10,
)
class DnsamMomentBlowup:
    dim: int = integer(1, 3)
    start: float = real(1.5, 3)  # |x_0|/rho
    noise: float = log_real(0.03, 1)  # eta s/rho
    offset: float = real(-1.2, 1.2)  # E x_1 in standard deviations
    rho: float = log_real(0.01, 1)
    lam: float = log_real(0.1, 10)
    seed: int = seeds()

    # C = 0.0223293
    examples = ({"dim": 1, "start": 2.0, "noise": 1.0, "offset": 17 / 15, "rho": 0.1, "lam": 1.0, "seed": 0},)

    @property
    def deviation(self):
        """Standard deviation of x_1, in units of rho."""
        return self.noise * (1 + 1 / self.start)

    @property
    def h(self):
        """eta lam, from E x_1 = (start - h (start + 1)) rho = offset * deviation * rho."""
        return (self.start - self.offset * self.deviation) / (self.start + 1)

    def assumptions(self):
        return [requires("0 < eta lam", self.h, ">", 0), requires("eta lam < 1", self.h, "<", 1)]

    @property
    def constant(self):
        """log of C in units of rho^d."""
        d = self.dim
        density = -(self.offset**2) / 2 - d * math.log(math.sqrt(2 * math.pi) * self.deviation)
        ball = d / 2 * math.log(math.pi) - gammaln(d / 2 + 1)
        return density + ball + d * math.log(self.noise) + d / 2 * math.log(2) + gammaln(d) - gammaln(d / 2)

    def far(self, p):
        """u with C u^-d = p, in units of rho."""
        return math.exp((self.constant - math.log(p)) / self.dim)

    def exact(self, u):
        """P(|x_2| > u rho): the noncentral chi laws of x_1 and of x_2 given |x_1|, integrated over log |x_1|."""
        d, delta = self.dim, self.offset
        r = np.exp(np.linspace(-60.0, math.log(abs(delta) + 12), 20001))  # |x_1| in its standard deviations
        log_density = (1 - d / 2) * math.log(2) - gammaln(d / 2) + d * np.log(r) - (r * r + delta * delta) / 2
        length = self.deviation * r
        spread = self.noise * (1 + 1 / length)
        mean = length - self.h * (length + 1)
        beyond = 1 - chndtr((u / spread) ** 2, d, (mean / spread) ** 2)
        return np.trapezoid(np.exp(log_density) * hyp0f1(d / 2, (r * delta) ** 2 / 4) * beyond, np.log(r))

    def hits(self, rule, u):
        """How many of the runs are beyond u after two steps."""
        eta = self.h / self.lam
        x0 = np.zeros(self.dim)
        x0[0] = self.start * self.rho
        oracle = GaussianNoise(quadratic([self.lam] * self.dim), self.noise * self.rho / eta)
        run = simulate(oracle, rule(eta, self.rho), x0, 2, members=RUNS, seed=self.seed, every=2)
        return int((np.linalg.norm(run.x, axis=1) > u * self.rho).sum())

    def measure(self, rule=DNSAM):
        near, near_far, far = self.far(5e-3), self.far(2e-9), self.far(1e-9)
        probability = self.exact(near)
        low, high = proportion_interval(self.hits(rule, near), RUNS)
        index = math.log(self.exact(near_far) / self.exact(far)) / math.log(far / near_far)
        return probability, low, high, self.exact(far) / 1e-9, index

    def predict(self):
        return 1.0, self.dim

    def judge(self, measured, predicted):
        (probability, low, high, ratio, index), (constant, d) = measured, predicted
        centre, half = (low + high) / 2, (high - low) / 2
        left = 5 * self.dim * (1 + self.noise) / self.far(1e-9) + 1e-6
        why = "O(d/u), x_1 and x_2 without the thrown part; round-off of 1 - P"
        return [
            equals("P(|x_2| > u)/exact law", centre / probability, 1, tolerance=0.3, error=half / probability,
                   why="what the number of runs resolves"),
            equals("u^d P(|x_2| > u)/C", ratio, constant, tolerance=left, why=why),
            equals("tail index", index, d, tolerance=left, why=why),
        ]  # fmt: skip

    controls = {
        "tail index d + 1": control(predict=lambda c: (1.0, c.dim + 1)),
        "C a twentieth larger": control(predict=lambda c: (1.05, c.dim)),
        "C grows with the curvature": control(
            predict=lambda c: (c.lam**c.dim, c.dim), where={"lam": log_real(1.5, 10)}
        ),
        "SAM has no such tail": control(measure=lambda c: c.measure(SAM), where={"noise": log_real(0.03, 0.1)}),
        "USAM has no such tail": control(
            measure=lambda c: c.measure(USAM),
            where={"noise": log_real(0.03, 0.1), "rho": log_real(0.01, 0.1), "lam": 1.0},
        ),
    }


if __name__ == "__main__":
    script(__file__)
