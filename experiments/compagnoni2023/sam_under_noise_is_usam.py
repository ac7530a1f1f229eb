"""SAM under isotropic noise: near a critical point it is USAM with rho_eff = rho m_d/(d s), so noise opens saddles.

On f = x'Hx/2 with gradient noise s Z in d dimensions, at |g| << s,
    E[Z_i/|Z + g/s|] ~ (m_d/d) g_i/s, m_d = E|Z|:   E x_i <- (1 - eta lam_i (1 + rho_eff lam_i)) E x_i,
    Cov of the step: eta^2 D_i,   D_i = s^2 + 2 rho lam_i s m_d/d + rho^2 lam_i^2/d.
Full-batch SAM is attracted to a saddle from |H x_0| < rho |lam_*| whatever rho (Monzio Compagnoni et al. 2023); under
noise only if rho > d s/(m_d |lam_*|).  (Derived from the SDE of SAM; a statement about small |g|, so not for ever.)

Measured: half the difference of runs from x_0 and -x_0 with the same noise, whose mean is E x_k by symmetry; and the
variances.  2^14 pairs, intervals with false alarm 1e-6 together; the rate is wrong by half of itself or more when
the attraction is taken from the full batch, which is refuted with probability above 0.999 (standard error of the rate
below 0.02, of the variance 1 %).
"""

import math

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.oracles import GaussianNoise
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.sde.order import FALSE_ALARM, mean_interval
from samtheory.sde.pushes import mean_length
from samtheory.simulate import simulate

PAIRS, STEPS, START = 2**14, 50, 0.1  # |g(x_0)| = s/10


@claim(
    title="Under noise SAM near a saddle is USAM with rho m_d/(d s), and attracted only if rho > d s/(m_d |lam|)",
    where="consequence of the SDE of SAM",
    kind="distribution",
    confidence="derived",
    statement="""Where |g| << s the mean of SAM obeys E x_i <- (1 - eta lam_i (1 + rho_eff lam_i)) E x_i with
        rho_eff = rho m_d/(d s), and the variances are those of the noise D_i.""",
    cost=15,
)
class SamUnderNoiseIsUsam:
    dim: int = integer(3, 6)
    ratio: float = real(0.1, 2.5)  # rho over the threshold d s/(m_d |lam|)
    h: float = log_real(0.002, 0.02)  # eta |lam|, lam the negative curvature
    lam: float = log_real(0.1, 10)
    s: float = log_real(0.1, 10)
    seed: int = seeds()

    examples = (
        {"dim": 3, "ratio": 0.26596, "h": 0.01, "lam": 1.0, "s": 1.0, "seed": 0},  # rho = 0.5, below the threshold
        {"dim": 3, "ratio": 1.59577, "h": 0.01, "lam": 1.0, "s": 1.0, "seed": 0},  # rho = 3
    )

    @property
    def share(self):
        """m_d/d."""
        return mean_length(self.dim) / self.dim

    @property
    def rho(self):
        return self.ratio * self.s / (self.share * self.lam)

    @property
    def curvature(self):
        others = np.random.default_rng([self.seed, 0]).uniform(0.2, 1, self.dim - 1)
        return self.lam * np.array([-1.0, *others])

    def assumptions(self):
        return [
            requires("|H x_0| < rho |lam_*|: full-batch SAM is attracted", START * self.s, "<", self.rho * self.lam)
        ]

    def measure(self, rule=SAM):
        """Intervals of log(E x_1,k / x_1,0)/k and of the variances over those predicted."""
        x0 = np.zeros(self.dim)
        x0[0] = START * self.s / self.lam
        source = GaussianNoise(Diagonal(self.curvature, 0 * x0), self.s)
        plus, minus = (
            simulate(source, rule(self.h / self.lam, self.rho), sign * x0, STEPS, members=PAIRS, seed=self.seed,
                     every=STEPS).x for sign in (1, -1)
        )  # fmt: skip
        part = FALSE_ALARM / (1 + self.dim)
        growth = mean_interval((plus - minus)[:, 0] / (2 * x0[0]), part)
        spread = mean_interval((plus - plus.mean(axis=0)) ** 2, part)
        return growth, spread

    def predict(self):
        """Growth factor a step, and variances after the steps."""
        eta, lam = self.h / self.lam, self.curvature
        factor = 1 - eta * lam * (1 + self.rho * self.share / self.s * lam)
        noise = self.s**2 + 2 * self.rho * lam * self.s * self.share + self.rho**2 * lam**2 / self.dim
        return factor[0], eta**2 * noise * (1 - factor ** (2 * STEPS)) / (1 - factor**2)

    def judge(self, measured, predicted):
        (growth, spread), (factor, variance) = measured, predicted
        rate = math.log(growth.estimate) / STEPS / self.h  # in units of |lam|
        error = growth.half_width / (growth.estimate - growth.half_width) / STEPS / self.h
        # to second order E u falls by (E|g|^2 + 2 E g_1^2)/(2 s^2 (d + 2)); taken where it is largest
        g2 = self.curvature**2 * np.array(self.predict()[1])
        g2[0] += (START * self.s * max(1, growth.estimate)) ** 2
        cubic = (g2.sum() + 2 * g2.max()) / (2 * self.s**2 * (self.dim + 2))
        why = "the cubic term of the expansion in g/s"
        return [
            equals("rate of E x_1 / |lam|", rate, math.log(factor) / self.h, tolerance=0.01 + 2 * self.ratio * cubic,
                   error=error, why=why),
            equals("variances / predicted", spread.estimate / variance, 1, tolerance=0.15 + 4 * self.ratio * cubic,
                   error=spread.half_width / variance, why=why),
        ]  # fmt: skip

    controls = {
        "attracted, as full-batch SAM is": control(
            predict=lambda c: (1 - c.h * c.ratio, c.predict()[1]), where={"ratio": real(0.2, 2)}
        ),
        "SGD's rate": control(predict=lambda c: (1 + c.h, c.predict()[1]), where={"ratio": real(0.5, 2)}),
        "rho_eff = rho/s": control(
            predict=lambda c: (1 + c.h * (1 - c.ratio / c.share), c.predict()[1]), where={"ratio": real(0.5, 2)}
        ),
        "variances of SGD": control(
            predict=lambda c: (c.predict()[0], c.h**2 / c.lam**2 * c.s**2 * STEPS * np.ones(c.dim)),
            where={"ratio": real(0.5, 2)},
        ),
        "USAM itself, rho in place of rho_eff": control(
            measure=lambda c: c.measure(USAM), where={"ratio": real(0.5, 2), "lam": real(2, 10)}
        ),
    }


if __name__ == "__main__":
    script(__file__)
