"""Dai, Ahn & Sra 2023 (arXiv 2305.15287), section 4: what one step does to the imbalance y^2 - x^2 on l(xy).

With d = l'(xy) and the perturbed point (a, b) = (x + re d y, y + re d x), d' = l'(ab), each rule is
x+ = x - eta d' b, y+ = y - eta d' a; re = 0 for GD, rho for USAM, rho/(|d| sqrt(x^2 + y^2)) for SAM. Hence

    (y -+ x)+ = (y -+ x) (1 +- eta d' (1 -+ re d)),

and the product of the two is the identity. Nothing is used of l; the identity is the sieve through which the limits
of gradient descent, USAM and SAM are read (gd-limit, usam-limit, sam-drift-to-origin).

Conventions: L = l(xy) unscaled; full batch; no perturbation at a zero gradient.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, log_real, real, script
from samtheory.problems.links import LogCosh, PseudoHuber
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.stopping import CoordinateBelow
from samtheory.theory.product import imbalance_factor

LINKS = {"log-cosh": (LogCosh(), np.tanh), "pseudo-huber": (PseudoHuber(), lambda u: u / np.sqrt(1 + u * u))}
PERTURBED = {
    "rule": choice("USAM", "SAM"),
    "eta": real(0.1, 1),
    "rho": real(0.1, 1),
    "x": real(0.1, 0.5),
    "y": real(1, 3),
}
STEPS = 30


@claim(
    title="One step multiplies the imbalance y^2 - x^2 by a factor known exactly",
    where="Section 4 (behind the results on l(xy))",
    kind="identity",
    confidence="derived",
    statement="""y+^2 - x+^2 = (y^2 - x^2) (1 - 2 eta re d d' - eta^2 d'^2 (1 - re^2 d^2)) on L = l(xy), d = l'(xy),
        d' = l'(ab) at the perturbed point (a, b); re = 0 for GD, rho for USAM, rho/(|d| |(x, y)|) for SAM.""",
)
class ImbalanceIdentity:
    rule: str = choice("GD", "USAM", "SAM")
    link: str = choice("log-cosh", "pseudo-huber")
    eta: float = log_real(1e-3, 1)
    rho: float = log_real(1e-3, 1)
    x: float = log_real(1e-3, 3)
    y: float = log_real(1e-3, 3)
    signs: str = choice("++", "+-", "-+", "--")

    examples = ({"rule": "SAM", "link": "log-cosh", "eta": 0.1, "rho": 0.1, "x": 0.5, "y": 2.5, "signs": "++"},)

    @property
    def start(self):
        return np.array([float(f"{self.signs[0]}{self.x!r}"), float(f"{self.signs[1]}{self.y!r}")])

    def assumptions(self):
        return []  # none: where x y = 0 nothing moves, and everywhere else it is algebra

    def measure(self):
        """Iterates of a run that ends before x y is so small that squares underflow."""
        rule = {"GD": GD(self.eta), "USAM": USAM(self.eta, self.rho), "SAM": SAM(self.eta, self.rho)}[self.rule]
        stop = CoordinateBelow(0, 1e-100)
        return simulate(Product(LINKS[self.link][0]), rule, self.start, STEPS, stop=stop, threads=1).states

    def step(self, x, y, factor=imbalance_factor):
        """Prediction for y+^2 - x+^2, and the sizes of the terms of which x+ and y+ are made."""
        slope = LINKS[self.link][1]
        d = slope(x * y)
        re = {"GD": 0 * d, "USAM": self.rho + 0 * d, "SAM": self.rho / (abs(d) * np.hypot(x, y))}[self.rule]
        a, b = x + re * d * y, y + re * d * x
        d_plus = slope(a * b)
        size = np.hypot(abs(x) + self.eta * abs(d_plus * b), abs(y) + self.eta * abs(d_plus * a))
        return (y**2 - x**2) * factor(self.eta, re, d, d_plus), size

    def predict(self):
        return self.step

    def judge(self, states, step):
        moving = np.flatnonzero((states[1:] != states[:-1]).any(axis=1))
        (x, y), (x_plus, y_plus) = states[moving].T, states[moving + 1].T
        predicted, size = step(x, y)
        allowed = 64 * np.finfo(float).eps * size**2
        why = "64 ulp of the squared terms of x+ and y+: 27 for the run, 27 for the prediction at worst"
        return [equals("y+^2 - x+^2", y_plus**2 - x_plus**2, predicted, tolerance=allowed, why=why)]

    controls = {
        "without re^2 d^2": control(
            predict=lambda c: functools.partial(
                c.step, factor=lambda eta, re, d, dp: 1 - 2 * eta * re * d * dp - (eta * dp) ** 2
            ),
            where=PERTURBED,
        ),
        "factor off by 1e-11": control(
            predict=lambda c: functools.partial(c.step, factor=lambda *a: imbalance_factor(*a) * (1 + 1e-11)),
            where=PERTURBED,
        ),
        "slope at the unperturbed point": control(
            predict=lambda c: functools.partial(c.step, factor=lambda eta, re, d, dp: imbalance_factor(eta, re, d, d)),
            where=PERTURBED,
        ),
        "conserved, as by the gradient flow": control(
            predict=lambda c: functools.partial(c.step, factor=lambda *a: 1.0), where=PERTURBED | {"rule": "GD"}
        ),
    }


if __name__ == "__main__":
    script(__file__)
