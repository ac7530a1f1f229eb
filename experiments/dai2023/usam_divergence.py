"""Dai, Ahn & Sra 2023 (arXiv 2305.15287), Theorem 1, the part on USAM: the radius costs stability.

On a quadratic USAM, w+ = w - eta g(w + rho g(w)), is linear: it multiplies the component of curvature lam by
1 - eta lam (1 + rho lam).  With 0 < lam <= beta the modulus is largest at lam = beta or below 1, so the largest stable
step is exactly 2/(beta + rho beta^2).  Above it every start with a component along the top curvature diverges (the
others are a set of measure zero), below it every start converges, at it the top component keeps its modulus for ever.
The paper states, for eta in (2/(beta + rho beta^2), 2/beta], that some strongly convex smooth f diverges.

The threshold is measured by bisection: a step is too large if after 50 steps some component has grown.

Conventions: loss with 1/2; full batch; rho in units of inverse curvature; eigenvectors along the axes.
"""

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.stability import usam_factor, usam_threshold

EPS = np.finfo(float).eps
STEPS, HALVINGS = 50, 40


@claim(
    title="USAM diverges above the step size 2/(beta + rho beta^2)",
    where="Theorem 1 (USAM)",
    kind="counterexample",
    confidence="memory + derived",
    statement="""On a strongly convex quadratic USAM multiplies the component of curvature lam by
        1 - eta lam (1 + rho lam); its largest stable step is 2/(beta + rho beta^2), from every w_0 with a component
        along the top curvature beta.""",
    cost=4,
)
class UsamDivergence:
    ratio: float = real(0.1, 3)  # eta / threshold
    reach: float = log_real(1e-2, 30)  # rho beta
    beta: float = log_real(0.1, 10)
    low: float = real(0.05, 0.95)  # the second curvature is low * beta, the others are random below 0.95 beta
    top: float = log_real(1e-6, 1)  # w_0 along the top curvature; the rest is N(0, 1)
    dim: int = integer(2, 6)
    seed: int = seeds()

    examples = (
        {"ratio": 0.99, "reach": 2.0, "beta": 4.0, "low": 0.25, "top": 1.0, "dim": 2, "seed": 0},
        {"ratio": 1.0, "reach": 2.0, "beta": 4.0, "low": 0.25, "top": 1.0, "dim": 2, "seed": 0},  # eta = 1/6
        {"ratio": 1.01, "reach": 2.0, "beta": 4.0, "low": 0.25, "top": 1.0, "dim": 2, "seed": 0},
    )

    @property
    def rho(self):
        return self.reach / self.beta

    @property
    def eta(self):
        return self.ratio * 2 / (self.beta * (1 + self.reach))

    @property
    def lam(self):
        others = np.random.default_rng([self.seed, 0]).uniform(0.05, 0.95, self.dim - 2)
        return self.beta * np.array([1, self.low, *others])

    @property
    def start(self):
        return np.array([self.top, *np.random.default_rng([self.seed, 1]).standard_normal(self.dim - 1)])

    def assumptions(self):
        return [
            requires("f is strongly convex: min lam > 0", self.lam.min(), ">", 0),
            requires("w_0 has a component along the top curvature", abs(self.start[self.lam.argmax()]), ">", 0),
        ]

    def run(self, rule):
        start = self.start
        states = simulate(Diagonal(self.lam, 0 * start), rule, start, STEPS, threads=1, on_divergence="report").states
        return np.nan_to_num(states, nan=np.inf)

    def largest_stable_step(self, rule):
        low, high = 0.0, 4 / self.beta
        for _ in range(HALVINGS):
            eta = (low + high) / 2
            states = self.run(rule(eta, self.rho))
            low, high = (low, eta) if (abs(states[-1]) > abs(states[0])).any() else (eta, high)
        return (low + high) / 2

    def measure(self, rule=USAM):
        return self.run(rule(self.eta, self.rho)), self.largest_stable_step(rule)

    def predict(self):
        return usam_factor(self.eta, self.rho, self.lam), usam_threshold(self.rho, self.beta)

    def judge(self, measured, predicted):
        (states, edge), (factor, threshold) = measured, predicted
        # w+ and factor * w err by at most 6 ulp of |w| + |eta lam (1 + rho lam) w|, and by what underflows
        rounding = 8 * EPS * (1 + abs(1 - factor)) * abs(states[:-1]) + np.finfo(float).tiny
        return [
            equals("w_{t+1}", states[1:], factor * states[:-1], tolerance=rounding, why="6 ulp a step"),
            equals(
                "largest stable eta",
                edge,
                threshold,
                tolerance=16 * EPS * threshold + 4 / self.beta / 2**HALVINGS,
                why="12 ulp of the factor -1, and the last interval of the bisection",
            ),
        ]

    controls = {
        "threshold of gradient descent, 2/beta": control(predict=lambda c: (c.predict()[0], 2 / c.beta)),
        "threshold 2/(beta + rho beta)": control(
            predict=lambda c: (c.predict()[0], 2 / (c.beta + c.reach)), where={"beta": log_real(1.1, 10)}
        ),
        "threshold off by one part in a billion": control(
            predict=lambda c: (c.predict()[0], (1 + 1e-9) * c.predict()[1])
        ),
        "factor 1 - eta lam (1 + rho)": control(
            predict=lambda c: (1 - c.eta * c.lam * (1 + c.rho), c.predict()[1]), where={"beta": log_real(1.1, 10)}
        ),
        "SAM has another threshold": control(measure=lambda c: c.measure(SAM)),
        "start without a top component": control(
            where={"top": 0.0}, violates="w_0 has a component along the top curvature"
        ),
        "a saddle": control(
            where={"low": real(-0.9, -0.05), "reach": log_real(0.01, 1)}, violates="f is strongly convex: min lam > 0"
        ),
    }


if __name__ == "__main__":
    script(__file__)
