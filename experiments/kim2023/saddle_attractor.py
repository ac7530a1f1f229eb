"""Kim, Park, Choi & Lee 2023 (arXiv 2301.06308), Theorem 1: from which radius a saddle attracts SAM.

The flow dw/dt = -grad f(w + rho grad f(w)) has the rates lam (1 + rho lam) at a critical point: a saddle whose negative
eigenvalue is lam_1 attracts iff rho > 1/|lam_1|.  With several negative eigenvalues the flattest decides (derived):
rho > 1/min|lam_neg|.  A step eta attracts iff besides eta < 2/max_i lam_i (1 + rho lam_i) (derived).

Looked at: rotated quadratics and the saddle (0, 1) of Beale's function, Hessian [[0, 27.75], [27.75, 0]], threshold
1/27.75 = 0.036036; a start 1e-6 away with a share of every eigenvector, for eight e-foldings of the slowest mode.
Conventions: the paper's SAM is USAM; loss with 1/2; rho in units of inverse curvature.
"""

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import hessian
from samtheory.problems.beale import Beale
from samtheory.problems.quadratic import quadratic
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.edges import saddle_radius


@claim(
    title="A saddle attracts un-normalised SAM iff rho > 1/|flattest negative curvature|, for small steps",
    where="Theorem 1",
    kind="limit",
    confidence="second-hand + derived",
    statement="""A saddle attracts USAM iff rho > 1/min{|lam| : lam < 0} and eta < 2/max_i lam_i (1 + rho lam_i); for
        one negative eigenvalue and eta -> 0: iff rho > -1/lam_1.""",
)
class SaddleAttractor:
    place: str = choice("quadratic", "beale")
    ratio: float = log_real(0.3, 3)  # rho / threshold
    stride: float = real(0.05, 1.5)  # eta in units of 2/max h
    flat: float = log_real(0.3, 3)  # flattest negative curvature of the quadratic
    spread: float = real(1, 4)  # steepest / flattest negative one
    negative: int = integer(1, 3)
    positive: int = integer(1, 3)
    seed: int = seeds()

    examples = tuple(
        {
            "place": place, "ratio": ratio, "stride": stride, "flat": 2.0, "spread": 1.0, "negative": 1, "positive": 1,
            "seed": 0,
        }
        for place in ("quadratic", "beale")
        for ratio, stride in ((0.98, 0.3), (1.02, 0.3), (2.0, 0.97), (2.0, 1.03))
    )  # fmt: skip

    @property
    def setting(self):
        """Problem, critical point, eigenvalues, eigenvectors (columns)."""
        rng = np.random.default_rng([self.seed, 0])
        if self.place == "beale":
            problem, point = Beale(), np.array([0.0, 1.0])
        else:
            between = rng.uniform(1, self.spread, max(0, self.negative - 2))
            down = -self.flat * np.array([1, self.spread, *between])[: self.negative]
            problem = quadratic([*down, *rng.uniform(0.2, 4, self.positive)], rotation=rng)
            point = problem.centre
        return problem, point, *np.linalg.eigh(hessian(problem, point))

    @property
    def rho(self):
        return float(self.ratio * saddle_radius(self.setting[2]))

    def response(self):
        lam = self.setting[2]
        return lam * (1 + self.rho * lam)

    @property
    def eta(self):
        return self.stride * 2 / self.response().max()

    def assumptions(self):
        lam = self.setting[2]
        margin = np.abs(np.abs(1 - self.eta * self.response()) - 1).min()
        return [
            requires("a saddle: eigenvalues of both signs", lam[0] < 0 < lam[-1]),
            requires("not marginal: every factor differs from 1 by 0.0003", margin, ">=", 3e-4),
        ]

    def measure(self, rule=None):
        problem, point, lam, axes = self.setting
        rng = np.random.default_rng([self.seed, 1])
        shares = rng.uniform(0.3, 1, lam.size) * rng.choice([-1, 1], lam.size)
        start = 1e-6 * axes @ shares
        slow = np.abs(np.log(np.maximum(np.abs(1 - self.eta * self.response()), 1e-3))).min()
        steps = 1 + int(8 / slow)
        run = simulate(
            problem, rule or USAM(self.eta, self.rho), point + start, steps, every=steps, record={}, limit=1e6,
            on_divergence="report", threads=1,
        )  # fmt: skip
        return run.diverged[0] < 0 and np.linalg.norm(run.x - point) < np.linalg.norm(start)

    def predict(self):
        return self.attracts()

    def attracts(self, threshold=1.0, step=True):
        """rho above `threshold` times the radius of the claim, and (`step`) eta below its limit."""
        return self.ratio > threshold and (self.stride < 1 or not step)

    def judge(self, attracted, attracts):
        return [equals("attracted", attracted, attracts, tolerance=0.5, why="yes or no")]

    controls = {
        "the steepest negative curvature decides": control(
            predict=lambda c: c.attracts(1 / c.spread),
            where={
                "place": "quadratic",
                "negative": integer(2, 3),
                "spread": real(2, 4),
                "ratio": real(0.6, 0.95),
                "stride": real(0.1, 0.9),
            },
        ),
        "rho > 1/(2 |lam|)": control(
            predict=lambda c: c.attracts(0.5), where={"ratio": real(0.55, 0.95), "stride": real(0.1, 0.9)}
        ),
        "rho > 2/|lam|": control(
            predict=lambda c: c.attracts(2.0), where={"ratio": real(1.05, 1.9), "stride": real(0.1, 0.9)}
        ),
        "any step": control(
            predict=lambda c: c.attracts(step=False), where={"ratio": real(1.1, 3), "stride": real(1.02, 1.5)}
        ),
        "gradient descent is attracted as well": control(
            measure=lambda c: c.measure(GD(c.eta)), where={"ratio": real(1.1, 3), "stride": real(0.1, 0.9)}
        ),
        "normalised SAM has the threshold of USAM": control(
            measure=lambda c: c.measure(SAM(c.eta, c.rho)), where={"ratio": real(1.1, 3), "stride": real(0.1, 0.9)}
        ),
    }


if __name__ == "__main__":
    script(__file__)
