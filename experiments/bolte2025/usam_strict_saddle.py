"""Bolte, Le & Pauwels 2025 (arXiv 2510.09034), after the filter of USAM: it may converge to a strict saddle.

A critical point attracts x+ = x - eta d(x) exponentially iff 0 < h(lam) < 2/eta for every eigenvalue lam.  For USAM a
negative lam must lie in (-1/rho - edge, -1/rho): from rho = 1/|lam| on maxima and saddles attract, as long as eta is
small enough for their other eigenvalues too.  GD, Hessian USAM and two_restart never do that, as h(lam) has the sign of
lam; two_seq has h <= 0 at lam < 0.  At h = 0 or 2/eta the linear part decides nothing (the double well at rho = 1
repels, f' = -x - x^3 attracts): such instances are left out here.

    saddle    f = (uv - y)^2/2 at (0, 0): eigenvalues -y, y: attracts iff rho y > 1 and eta y (1 + rho y) < 2
    maximum   f = y (x^2 - 1)^2/4 at 0: lam = -y: attracts iff 1 < rho y < 1 + 2/(eta y)

Sixteen starts 1e-5 away are followed until |x| has grown or shrunk by e^9.  From the box |x_i| <= 0.3 (scaled) USAM
ends at the saddle from all 2000 starts for rho y = 1.1 and 2 and eta y = 0.2, from none for rho y <= 0.99 (measured in
the notes); here 100 starts for each instance, none or more than half of them.
Conventions: rho is an inverse curvature, for `hess` an inverse square curvature; reach is rho y, for `hess` rho y^2.
"""

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, equals, real, requires, script, seeds
from samtheory.problems.double_well import DoubleWell
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.gradient_penalty import GradientPenalty
from samtheory.rules.hessian_usam import HessianUSAM
from samtheory.rules.two_step_usam import TwoRestartUSAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.filters import response

RULES = {
    "gd": lambda eta, rho: GD(eta),
    "usam": USAM,
    "penalty": GradientPenalty,
    "two_restart": TwoRestartUSAM,
    "hess": HessianUSAM,
}
LONG = 3000  # steps from the box


@claim(
    title="USAM converges to strict saddles and maxima whose negative curvatures its filter lets through",
    where="Discussion of Proposition 3.4",
    kind="counterexample",
    confidence="text (qualitative) + derived",
    statement="""A critical point attracts exponentially iff 0 < h(lam) < 2/eta for all its eigenvalues: for USAM a
        negative one must lie in (-1/rho - edge, -1/rho); GD, Hessian USAM and two_restart are attracted by no point
        with a negative eigenvalue.""",
    cost=2,
)
class UsamStrictSaddle:
    place: str = choice("saddle", "maximum")
    direction: str = choice(*RULES)
    pace: float = real(0.02, 1.5)  # eta y
    reach: float = real(0.1, 4)  # rho y
    y: float = real(0.5, 2)
    seed: int = seeds()

    examples = tuple(
        {"place": "saddle", "direction": "usam", "pace": pace, "reach": reach, "y": 1.0, "seed": 0}
        for pace, reach in ((0.2, 0.9), (0.2, 0.95), (0.2, 1.1), (0.2, 2.0), (0.4, 3.9), (0.41, 4.0))
    ) + tuple(
        {"place": "maximum", "direction": "usam", "pace": 0.2, "reach": reach, "y": 1.0, "seed": 0}
        for reach in (0.5, 1.5, 2.5)
    )

    @property
    def eta(self):
        return self.pace / self.y

    @property
    def rho(self):
        return self.reach / self.y ** (2 if self.direction == "hess" else 1)

    @property
    def problem(self):
        return Product(HalfSquare(self.y)) if self.place == "saddle" else DoubleWell(self.y)

    def factors(self, direction=None, rho=None):
        lam = np.array([-self.y, self.y] if self.place == "saddle" else [-self.y])
        return 1 - self.eta * response(direction or self.direction, lam, self.rho if rho is None else rho)

    def assumptions(self):
        margin = np.abs(np.abs(self.factors()) - 1).min()
        return [requires("not marginal: every factor |1 - eta h| differs from 1 by 0.005", margin, ">=", 0.005)]

    def run(self, starts, steps, every):
        """max |x_i|, [starts, records]."""
        rule = RULES[self.direction](self.eta, self.rho)
        run = simulate(self.problem, rule, starts, steps, every=every, limit=1e6, on_divergence="report", threads=1)
        return np.nan_to_num(np.abs(run.states).max(axis=-1), nan=1e9)

    def measure(self):
        """Growth of |x| from 1e-5 over nine e-foldings of the slower mode; share of a box that ends at the point."""
        d = 2 if self.place == "saddle" else 1
        rng = np.random.default_rng([self.seed, 0])
        box, near = rng.uniform(-1, 1, (100, d)), np.ones((16, 1))
        if d == 2:  # a share of at least a fifth for both eigenvectors, (1, 1) and (1, -1)
            angle = rng.uniform(0.2, np.pi / 2 - 0.2, 16) + np.pi / 2 * rng.integers(0, 4, 16)
            near = np.stack([np.cos(angle) + np.sin(angle), np.cos(angle) - np.sin(angle)], axis=1)
        near *= 1e-5 / np.abs(near).max(axis=1, keepdims=True)
        size = 0.3 * np.sqrt(self.y) if d == 2 else 0.3
        slow = np.abs(np.log(np.maximum(np.abs(self.factors()), 1e-3))).min()
        steps = 1 + int(9 / slow)
        growth = self.run(near, steps, steps)[:, -1] / 1e-5
        # to end there is to be near and to come nearer: where nothing attracts, orbits pass by chance
        late = self.run(size * box, LONG, LONG // 12)[:, -5:]
        return growth, ((late < 1e-2) & (np.diff(late, axis=1, append=-1) <= 0)).all(axis=1).mean()

    def predict(self):
        return self.attracts(), self.share()

    def attracts(self, direction=None, rho=None):
        return bool((np.abs(self.factors(direction, rho)) < 1).all())

    def share(self):
        """Least and largest share of the box; in the range of the notes at least half is attracted."""
        if not self.attracts():
            return 0.0, 0.0
        most = self.direction == "usam" and self.place == "saddle" and 1.1 <= self.reach <= 2 and self.pace <= 0.2
        return (0.5 if most else 0.0), 1.0

    def judge(self, measured, predicted):
        (growth, share), (attracts, (least, most)) = measured, predicted
        return [
            equals("attracted from 1e-5", growth < 1, np.full(growth.size, attracts), tolerance=0.5, why="yes or no"),
            at_least("share of the box that ends there", share, least, slack=0.005, why="half a start"),
            at_most("share of the box that ends there, at most", share, most, slack=0.005, why="half a start"),
        ]

    controls = {
        "USAM avoids strict saddles from almost every start": control(
            predict=lambda c: (False, (0.0, 0.0)),
            where={"direction": "usam", "place": "saddle", "reach": real(1.2, 2), "pace": real(0.05, 0.2)},
        ),
        "and maxima": control(
            predict=lambda c: (False, (0.0, 0.0)),
            where={"direction": "usam", "place": "maximum", "reach": real(1.2, 3), "pace": real(0.05, 0.5)},
        ),
        "threshold rho |lam| > 1/2": control(
            predict=lambda c: (c.attracts(rho=2 * c.rho), c.share()),
            where={"direction": choice("usam", "penalty"), "reach": real(0.6, 0.9), "pace": real(0.1, 0.5)},
        ),
        "the positive eigenvalue does not matter": control(
            predict=lambda c: (c.reach > 1, (0.0, 1.0)),
            where={"direction": "usam", "place": "saddle", "reach": real(1.3, 2), "pace": real(0.95, 1.5)},
        ),
        "Hessian USAM has the filter of USAM": control(
            predict=lambda c: (c.attracts("usam"), (0.0, 1.0)),
            where={"direction": "hess", "reach": real(1.2, 2), "pace": real(0.1, 0.5), "y": 1.0},
        ),
        "two_restart has the filter of USAM": control(
            predict=lambda c: (c.attracts("usam"), (0.0, 1.0)),
            where={"direction": "two_restart", "reach": real(1.2, 2), "pace": real(0.1, 0.5)},
        ),
        "USAM at rho |lam| < 1 is attracted": control(
            predict=lambda c: (True, (0.5, 1.0)), where={"direction": "usam", "reach": real(0.1, 0.9)}
        ),
    }


if __name__ == "__main__":
    script(__file__)
