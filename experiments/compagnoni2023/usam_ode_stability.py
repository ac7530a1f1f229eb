"""Monzio Compagnoni et al. 2023 (arXiv 2301.08203): USAM is attracted to a saddle iff rho > 1/|lam_*|.

On f = x'Hx/2 the ordinary equation of USAM is X' = -H(I + rho H) X: the component of curvature lam is multiplied by
exp(-lam (1 + rho lam) t).  A critical point is attracting iff every lam (1 + rho lam) > 0: always at a minimum, and at
a saddle (even a maximum) iff rho > 1/|lam_*|, lam_* the negative curvature CLOSEST to zero.  Below that the escape is
slower than that of gradient descent.  Discrete USAM multiplies by 1 - eta lam (1 + rho lam), so for small enough
eta its window is 1/|lam_*| < rho < min over lam of

    1/|lam| + 2/(eta lam^2)  (lam < 0)      and      2/(eta lam^2) - 1/lam  (lam > 0).

The thresholds are measured by bisection: of the sign of the slowest rate of the model, and of growth in a run.
Conventions: full batch; rho in units of inverse curvature.
"""

import functools

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, requires, script, seeds
from samtheory.problems.quadratic import Diagonal, Quadratic, orthogonal
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.core import deterministic_flow
from samtheory.sde.moments import linear_of
from samtheory.sde.pushes import NoPush, USAMPush
from samtheory.simulate import simulate

EPS = np.finfo(float).eps
HALVINGS, RUN = 45, 30


@claim(
    title="USAM is attracted to a saddle iff rho exceeds 1/|lam|, lam the negative curvature closest to zero",
    where="Theorem on the USAM ODE near saddles",
    kind="identity",
    confidence="memory + derived",
    statement="""X_i(t) = X_i(0) exp(-lam_i (1 + rho lam_i) t); the origin attracts iff rho > 1/|lam_*|, and discrete
        USAM iff also rho < 1/|lam| + 2/(eta lam^2) for every lam (-1/|lam| for lam > 0).""",
    cost=3,
)
class OdeStability:
    negative: int = integer(1, 3)
    positive: int = integer(0, 3)
    scale: float = log_real(0.1, 10)  # the largest |lam|
    h: float = log_real(1e-2, 0.05)  # eta times it
    reach: float = log_real(0.1, 10)  # rho |lam_*|
    seed: int = seeds()

    @functools.cached_property
    def lam(self):
        """Curvatures of modulus in [scale/5, scale]."""
        rng = np.random.default_rng([self.seed, 0])
        signs = np.append(-np.ones(self.negative), np.ones(self.positive))
        return self.scale * signs * rng.uniform(0.2, 1, signs.size)

    @property
    def flattest(self):
        return np.abs(self.lam[self.lam < 0]).min(initial=np.inf)

    @property
    def eta(self):
        return self.h / self.scale

    def assumptions(self):
        low, high = self.predict()[1:]
        return [
            requires("some curvature is negative", self.negative, ">", 0),
            requires("the discrete window is not empty", high / low, ">", 1),
        ]

    def attracts(self, rho, rule=USAM):
        """No component of a short run grows (components are powers of their factors)."""
        step = rule(self.eta, rho) if rule is USAM else rule(self.eta)
        end = simulate(Diagonal(self.lam, 0 * self.lam), step, np.ones(self.lam.size), RUN, every=RUN, threads=1).x
        return bool((np.abs(end) < 1).all())

    def measure(self, push=USAMPush(), rule=USAM):  # noqa: B008
        rng = np.random.default_rng([self.seed, 1])
        basis, x0 = orthogonal(rng, self.lam.size), rng.standard_normal(self.lam.size)
        H = (basis * self.lam) @ basis.T
        problem = Quadratic((H + H.T) / 2, 0 * x0)

        def model(rho, eta):
            return AdditiveSDE(problem, np.eye(self.lam.size), eta, rho, push)

        rho, t = self.reach / self.flattest, 1 / self.scale / (1 + self.reach)
        path = deterministic_flow(model(rho, 0.0), basis @ x0, np.array([0.0, t / 2, t]))
        ode = bisect(lambda rho: np.linalg.eigvalsh(linear_of(model(rho, 1.0)).rate)[0] > 0, 0, 10 / self.flattest)
        inside = np.sqrt(np.prod(self.predict()[1:]))  # geometric middle of the window
        low = bisect(lambda rho: self.attracts(rho, rule), 0, inside)
        high = bisect(lambda rho: not self.attracts(rho, rule), inside, 1e6 / self.scale)
        return path @ basis / x0, ode, low, high

    def predict(self):
        lam, eta = self.lam, self.eta
        return 1 / self.flattest, 1 / self.flattest, (2 / (eta * lam**2) - 1 / lam).min()

    def judge(self, measured, predicted):
        path, *thresholds = measured
        rho, t = self.reach / self.flattest, 1 / self.scale / (1 + self.reach)
        a = self.lam * (1 + rho * self.lam)
        growth = np.exp(-a * np.array([[0.0], [t / 2], [t]]))
        # the solver errs by 1e-11 of the state a step and some ten steps, mixed by the rotation over starts of N(0, 1)
        x0 = np.random.default_rng([self.seed, 1])
        orthogonal(x0, self.lam.size)
        x0 = np.abs(x0.standard_normal(self.lam.size))
        allowed = 1e-9 * growth.max() * np.linalg.norm(x0) / x0
        names = ("ODE attracts from rho =", "discrete USAM attracts from rho =", "discrete USAM attracts up to rho =")
        spread = (10 * self.scale / self.flattest, 100 / self.h, 100)  # ulp: of the rates, of 1 - eta a, of the last
        brackets = (10 / self.flattest, predicted[2], 1e6 / self.scale)
        return [equals("X_t/X_0", path, growth, tolerance=allowed, why="tolerance of the solver")] + [
            equals(
                name, got, want, tolerance=ulps * 10 * EPS * want + bracket / 2**HALVINGS, why="rounding, last interval"
            )
            for name, got, want, ulps, bracket in zip(names, thresholds, predicted, spread, brackets)
        ]

    controls = {
        "threshold of the steepest negative curvature": control(
            predict=lambda c: (1 / np.abs(c.lam[c.lam < 0]).max(), *c.predict()[1:]), where={"negative": integer(2, 3)}
        ),
        "threshold 1/(2 |lam|)": control(predict=lambda c: (c.predict()[0], c.predict()[1] / 2, c.predict()[2])),
        "threshold off by a millionth": control(
            predict=lambda c: (c.predict()[0], (1 + 1e-6) * c.predict()[1], c.predict()[2])
        ),
        "no upper end of the discrete window": control(predict=lambda c: (*c.predict()[:2], 1e6 / c.scale)),
        "upper end 2/(eta lam^2)": control(predict=lambda c: (*c.predict()[:2], (2 / (c.eta * c.lam**2)).min())),
        "gradient flow in place of USAM's": control(measure=lambda c: c.measure(push=NoPush())),
        "gradient descent in place of USAM": control(measure=lambda c: c.measure(rule=GD)),
    }


def bisect(happens, low, high):
    """The point in [low, high] above which `happens` is true."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if happens(middle) else (middle, high)
    return (low + high) / 2


if __name__ == "__main__":
    script(__file__)
