"""Beside Wen, Ma & Li 2023 (arXiv 2211.05729): what one step of SAM does to the imbalance of a product.

For L = (u v - y)^2/2 let Dl = u^2 - v^2, N = |(u, v)|, s = sign(u v - y).  The perturbed point (u + rho s v/N,
v + rho s u/N) has the residual e', and the step (u, v) - eta e' (v + rho s u/N, u + rho s v/N) gives, exactly,
    Dl+ = Dl (1 - 2 eta rho s e'/N - eta^2 e'^2 (1 - rho^2/N^2)).
Gradient flow conserves Dl, gradient descent (rho = 0) lowers |Dl| at order eta^2 e^2, SAM at order eta rho |e'|/N even
where e = 0 is all but reached: this is what drives it to the flattest point, Dl = 0.

Conventions: loss with 1/2; full batch; normalised ascent; no perturbation at a zero gradient.
"""

import numpy as np

from samtheory.claims import claim, control, equals, real, requires, script
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate

EPS = np.finfo(float).eps


@claim(
    title="One step of SAM multiplies the imbalance of a product by an exact factor",
    where="beside Theorem 4.5, on the product",
    kind="identity",
    confidence="derived",
    statement="""On (u v - y)^2/2, Dl+ = Dl (1 - 2 eta rho s e'/N - eta^2 e'^2 (1 - rho^2/N^2)) for Dl = u^2 - v^2,
        N = |(u, v)|, s the sign of the residual and e' the residual at the perturbed point.""",
)
class BalanceIdentity:
    u: float = real(-3, 3)
    v: float = real(-3, 3)
    y: float = real(-3, 3)
    eta: float = real(0, 0.5)
    rho: float = real(0, 0.5)

    examples = ({"u": 2.0, "v": 0.3, "y": 1.0, "eta": 0.08, "rho": 0.008},)

    def assumptions(self):
        return [
            requires("the residual is not zero", self.u * self.v != self.y),
            requires("(u, v) is not the origin", np.hypot(self.u, self.v), ">", 1e-150),
        ]

    def measure(self, rule=None):
        u, v = simulate(Product(HalfSquare(self.y)), rule or SAM(self.eta, self.rho), [self.u, self.v], 1, threads=1).x
        return (u - v) * (u + v)

    def predict(self, share=1.0):
        u, v, N = self.u, self.v, np.hypot(self.u, self.v)
        push = self.rho * np.sign(u * v - self.y) / N
        e = (u + push * v) * (v + push * u) - self.y
        factor = 1 - 2 * self.eta * push * e - self.eta**2 * e**2 * (1 - share * push**2)
        return (u - v) * (u + v) * factor

    def judge(self, measured, predicted):
        size = np.hypot(self.u, self.v) + self.rho  # of the perturbed point
        after = size * (1 + self.eta * (size**2 + abs(self.y)))  # of u+ and v+
        return [equals("Dl+", measured, predicted, tolerance=32 * EPS * after**2, why="32 ulp of u+^2 + v+^2")]

    away = {"u": real(1, 2), "v": real(-0.5, 0.5), "y": real(1, 3), "eta": real(0.2, 0.5), "rho": real(0.2, 0.5)}
    controls = {
        "no rho^2/N^2": control(predict=lambda c: c.predict(share=0.0), where=away),
        "rho^2/N^2 off by one part in 10^9": control(predict=lambda c: c.predict(share=1 + 1e-9), where=away),
        "gradient descent instead": control(measure=lambda c: c.measure(GD(c.eta)), where=away),
    }


if __name__ == "__main__":
    script(__file__)
