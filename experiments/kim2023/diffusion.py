"""How much less USAM diffuses along negative curvature near a saddle (repair of Kim et al. 2023, arXiv 2301.06308).

Near a critical point, noise covariance |H|/B, start at the saddle, t = eta k.  Along an eigenvalue lam the variance is

    noise in both gradients (same batch)    (eta |lam| (1 + rho lam)/(2 B lam)) (1 - e^{-2 lam (1 + rho lam) t})
    full-batch ascent, mini-batch descent   (eta |lam|/(2 B lam (1 + rho lam))) (1 - e^{-2 lam (1 + rho lam) t})

since the algorithm's drift is lam (1 + rho lam) w.  The paper's Theorem 2 (second-hand) has (1 + rho lam)^2 instead,
the drift of f(w + rho grad f(w)) differentiated through the perturbation: kim2023/saddle-diffusion-formula.  For
lam < 0 and small t the variance of SGD exceeds the above by

    (eta |lam|/B)(2 rho |lam| - rho^2 lam^2) t + O(t^2)      and      eta rho |lam|^3 t^2/B + O(t^3),

not by 2 eta rho |lam|^3 t^2/B.  That USAM diffuses less, the less the larger rho, stands for rho |lam| < 1.

The algorithm's variance is V+ = (1 - eta a)^2 V + eta^2 c, a and c read off one step of the rule; the equation is its
limit at fixed t, approached like eta.
Conventions: the paper's SAM is USAM; loss with 1/2; rho in units of inverse curvature.
"""

import numpy as np

from samtheory.claims import at_least, choice, claim, control, equals, log_real, real, requires, script
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.usam import USAM
from samtheory.sde.limits import extrapolate
from samtheory.sde.moments import Linear, discrete_law
from samtheory.simulate import simulate

EPS = np.finfo(float).eps
STEPS = 2 ** np.array([8, 10, 12, 14, 16])
TIMES = 2.0 ** -np.arange(5, 11)  # in units of 1/|lam|, for the gap at small times


def variance(kappa, noise, t):
    """Variance per eta of dX = -kappa X dt + sqrt(eta noise) dW from 0."""
    return -noise * np.expm1(-2 * kappa * t) / (2 * kappa)


@claim(
    title="Variance of USAM near a saddle, and by how much that of SGD exceeds it",
    where="Theorem 2, Corollary 1 (repaired)",
    kind="distribution",
    confidence="second-hand; constants derived",
    statement="""Var = (eta |lam|(1 + rho lam)/(2 B lam))(1 - e^{-2 lam (1 + rho lam) t}) with the same batch in both
        gradients, (eta |lam|/(2 B lam (1 + rho lam)))(...) with full-batch ascent; SGD exceeds them by
        (eta |lam|/B)(2 rho |lam| - rho^2 lam^2) t and eta rho |lam|^3 t^2/B to leading order for lam < 0.""",
    caveat="the printed drift lam (1 + rho lam)^2 is that of no SAM; with it the gap is 2 eta rho |lam|^3 t^2/B",
)
class Diffusion:
    ascent: str = choice("same batch", "full batch")
    lam: float = real(-2, -0.2)
    reach: float = real(0.05, 0.9)  # rho |lam|
    batch: float = log_real(1, 100)
    time: float = real(0.2, 2)  # |lam| t

    examples = ({"ascent": "same batch", "lam": -1.0, "reach": 0.3, "batch": 4.0, "time": 0.2},)

    @property
    def rho(self):
        return self.reach / -self.lam

    def assumptions(self):
        return [
            requires("the curvature is negative", self.lam, "<", 0),
            requires("rho |lam| < 1", self.rho * -self.lam, "<", 1),
        ]

    def model(self, eta, through=False):
        """Rate a and noise covariance c of one step, read off the rule: w+ = (1 - eta a) w - eta sqrt(c) z."""
        rule = USAM(eta, self.rho)
        lam = np.array([self.lam])
        rate = 1 - simulate(Diagonal(lam, 0 * lam), rule, [1.0], 1, threads=1).x[0]
        response = 1.0  # of the descent gradient to its own noise
        if self.ascent == "same batch":  # a unit of noise moves the centre by -1/lam
            response = -simulate(Diagonal(lam, -1 / lam), rule, [0.0], 1, threads=1).x[0] / eta
        if through:  # the gradient of l(w + rho grad l(w)) by the chain rule
            rate *= 1 + self.rho * self.lam
        return Linear([[rate / eta]], [[response**2 * -self.lam / self.batch]])

    def measure(self, through=False):
        """Variance/eta at the time t as eta -> 0; the gap to SGD over its power of t as t -> 0."""
        t, values = self.time / -self.lam, []
        for k in STEPS:
            eta = t / k
            values.append(discrete_law(self.model(eta, through), eta, [0.0], int(k)).cov[0, 0] / eta)
        one = self.model(1e-3 / -self.lam, through)
        a, c = one.rate[0, 0], one.noise[0, 0]
        times = TIMES / -self.lam
        power = 1 if self.ascent == "same batch" else 2
        gap = (variance(self.lam, -self.lam / self.batch, times) - variance(a, c, times)) / times**power
        return extrapolate(values, t / STEPS), extrapolate(gap, times)

    def predict(self):
        lam, rho, t = self.lam, self.rho, self.time / -self.lam
        push = 1 + rho * lam
        grown = -np.expm1(-2 * lam * push * t)
        if self.ascent == "same batch":
            gap = -lam / self.batch * (2 * self.reach - self.reach**2)
            return -push / (2 * self.batch) * grown, gap
        return -1 / (2 * self.batch * push) * grown, rho * -(lam**3) / self.batch

    def printed(self):
        """The formula as reported, with its consequence."""
        lam, t, square = self.lam, self.time / -self.lam, (1 - self.reach) ** 2
        value = np.expm1(-2 * lam * square * t) / (2 * self.batch * square)
        return value, 2 * self.rho * -(lam**3) / self.batch

    def judge(self, measured, predicted):
        scale = -self.lam / self.batch
        rate = 8 * EPS / (self.time / STEPS[-1])  # the rate read off 1 - eta a
        grown = np.exp(2 * self.time) * self.time / -self.lam
        read = 8 * EPS / 1e-3 * np.array([1, -self.lam])[int(self.ascent == "full batch")]
        why = "the last three corrections of the extrapolation, and the rates read off one step"
        names = ("variance/eta", "gap to SGD over its power of t")
        extra = (scale * grown * (rate + 16 * EPS / (1 - self.reach)), 64 * scale * (read + EPS / TIMES[-1] ** 2))
        return [
            equals(name, got.value, want, tolerance=got.allowance + more, why=why)
            for name, got, want, more in zip(names, measured, predicted, extra)
        ] + [at_least("SGD diffuses more", measured[1].value, 0)]

    controls = {
        "the printed variance and gap": control(predict=lambda c: c.printed()),
        "the printed gap alone": control(predict=lambda c: (c.predict()[0], c.printed()[1])),
        "half the gap of full-batch ascent, for the same batch": control(
            predict=lambda c: (c.predict()[0], 0.5 * c.predict()[1])
        ),
        "the printed variance is that of the gradient through the perturbation, with its own gap": control(
            predict=lambda c: (c.printed()[0], c.lam**2 / c.batch * (2 * c.reach - c.reach**2)),
            measure=lambda c: c.measure(through=True),
            where={"ascent": "full batch"},
            expect="holds",
        ),
        "variance of SGD": control(predict=lambda c: (-np.expm1(2 * c.time) / (-2 * c.batch), c.predict()[1])),
        "off by a hundred-thousandth": control(predict=lambda c: tuple((1 + 1e-5) * p for p in c.predict())),
        "rho |lam| > 1 turns the saddle into an attractor": control(
            where={"reach": real(1.1, 1.9), "ascent": "full batch"},
            violates="rho |lam| < 1",
            predict=lambda c: (c.predict()[0], -c.predict()[1]),
        ),
    }


if __name__ == "__main__":
    script(__file__)
