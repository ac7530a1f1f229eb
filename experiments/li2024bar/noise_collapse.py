"""Beside Li, Zhang & He 2024 (arXiv 2410.14802), figure 1b: label noise makes SAM miss the target, then collapse.

E (x'y - a - alpha n)^2/2, one label a step.  At x = y, w = x'y = p^2, m = w - a, e = E sgn(m - alpha n),
k = E|m - alpha n|, the mean step of SAM is, in the limit eta -> 0,

    -d log p/dt = m + sqrt(2) rho p e + 3 rho^2/2 + rho k/(sqrt(2) p) + rho^3 e/(2 sqrt(2) p).

The ascent with |f'| adds a pull rho k/(sqrt(2) p) to 0, the stronger the noise and the smaller p.  Its stable zero
w(alpha) is below a, by rho alpha sqrt(2/pi)/sqrt(2 w) to first order; beyond an alpha_c there is none, and x, y fall to
the saddle 0, where they jump about with |p| of the order of eta alpha rho.  At a = 1/2, rho = 1/5 (the paper's
instance) alpha_c = 1.047, where the first-order formula puts 1.2 or so, and w = 0.380, 0.222 at alpha = 1/2, 1.

Measured: the mean of x'y over the second half of independent runs, at steps eta and eta/2, extrapolated to 0; above
alpha_c the largest |x'y| at the end.
Conventions: loss with 1/2; one draw a step for both gradients; time = eta times steps.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.measures.balancedness import blocks
from samtheory.oracles import DataNoise
from samtheory.problems.balanced import Inner
from samtheory.problems.links import HalfSquare
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.sde.order import mean_interval
from samtheory.simulate import simulate
from samtheory.theory.balancedness import collapse_noise, noisy_balance

MEMBERS, RECORDS = 24, 400


@claim(
    title="Under label noise SAM on f(x'y) settles below the target, and above a critical noise at the saddle 0",
    where="figure 1b, what it does not show",
    kind="distribution",
    confidence="derived",
    statement="""On E (x'y - a - alpha n)^2/2, as eta -> 0, SAM near balance has E x'y = w(alpha), the stable zero of
        its mean step, for alpha < alpha_c, and x'y -> 0 for alpha > alpha_c.""",
    cost=20,
)
class NoiseCollapse:
    side: str = choice("below", "above")
    ratio: float = real(0, 1)  # alpha/alpha_c = 0.3 + 0.5 ratio, or 1.15 + ratio
    target: float = log_real(0.3, 3)
    reach: float = real(0.25, 0.4)  # rho/sqrt(target)
    size: int = integer(1, 3)
    eta: float = log_real(3e-3, 4e-3)  # times the target
    seed: int = seeds()

    examples = (
        {"side": "below", "ratio": 0.355, "target": 0.5, "reach": 0.2 * 2**0.5, "size": 3, "eta": 4e-3, "seed": 0},
        {"side": "above", "ratio": 0.28, "target": 0.5, "reach": 0.2 * 2**0.5, "size": 3, "eta": 4e-3, "seed": 0},
    )  # alpha = 0.5 and 1.5

    @property
    def rho(self):
        return self.reach * self.target**0.5

    @functools.cached_property
    def alpha(self):
        share = 0.3 + 0.5 * self.ratio if self.side == "below" else 1.15 + self.ratio
        return share * collapse_noise(self.target, self.rho)

    def assumptions(self):
        none = np.isnan(noisy_balance(self.target, self.alpha, self.rho))
        return [requires("there is a balance below alpha_c, and none above", none == (self.side == "above"))]

    def measure(self, rule=SAM):
        """x'y over the second half, its mean for every member, at eta and eta/2; the largest |x'y| at the end."""
        rng = np.random.default_rng(self.seed)
        x = rng.standard_normal(self.size)
        x *= np.sqrt(self.target / 2) / np.linalg.norm(x)
        problem = DataNoise(Inner(HalfSquare(0.0), [self.target], self.size), [self.alpha])
        means = []
        for k, eta in enumerate((self.eta / self.target, self.eta / 2 / self.target)):
            every = int(np.ceil(30 / self.target / eta / RECORDS))
            step = rule(eta, self.rho) if rule is SAM else rule(eta)
            states = simulate(
                problem,
                step,
                [*x, *x],
                every * RECORDS,
                every=every,
                members=MEMBERS,
                seed=2 * self.seed + k,
                threads=1,
            ).states
            products = (blocks(states, self.size)[0] * blocks(states, self.size)[1]).sum(axis=-1)
            means.append(products[:, RECORDS // 2 :].mean(axis=1))
        return means, np.abs(products[:, -1]).max()

    def predict(self, share=1.0, alpha=None):
        """w(alpha), 0 beyond alpha_c; and how far from 0 a step at 0 leads, with labels of up to 7 alpha."""
        w = noisy_balance(self.target, self.alpha, share * self.rho)
        jump = self.eta / 2 / self.target * (self.target + 7 * self.alpha) * self.rho
        return (0.0 if np.isnan(w) else w), jump

    def judge(self, measured, predicted):
        (coarse, fine), last = measured
        w, jump = predicted
        half = np.hypot(*(mean_interval(m, 1e-7, batches=MEMBERS).half_width * f for m, f in ((coarse, 1), (fine, 2))))
        # the second order in eta is a fraction of the first, which the extrapolation removes
        first = abs(coarse.mean() - fine.mean())
        evidence = [
            equals(
                "E x'y",
                2 * fine.mean() - coarse.mean(),
                w,
                tolerance=float(half) + first / 2 + 2 * jump**2,
                why="Student's law of 24 members, half of what the extrapolation in eta removes, the jumps about 0",
            )
        ]
        if w == 0:
            evidence.append(at_most("|x'y| at the end", last, jump**2, why="one step from 0 in x and in y"))
        return evidence

    below = {"side": "below", "ratio": real(0.4, 0.6), "reach": real(0.35, 0.4), "eta": 4e-3}
    controls = {
        "rho off by fifteen per cent": control(predict=lambda c: c.predict(share=1.15), where=below),
        "SAM ends at the target": control(predict=lambda c: (c.target, 0.0), where=below),
        "it settles above alpha_c too": control(
            predict=lambda c: (c.target / 4, c.predict()[1]), where={"side": "above"}
        ),
        "gradient descent": control(measure=lambda c: c.measure(GD)),
    }


if __name__ == "__main__":
    script(__file__)
