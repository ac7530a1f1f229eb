"""The integrators of this package: weak and strong orders on linear equations, with their leading constants.

On geometric Brownian motion dX = aX dt + bX dW and on the Ornstein-Uhlenbeck process dX = aX dt + b dW, X_0 = 1, with
h -> 0 at a fixed time T,
    (E X_n - E X_T)/h^p -> mean,   (E X_n^2 - E X_T^2)/h^p -> square,   E (X_n - X_T)^2/h^(2 q) -> strong,
p the weak and q the strong order.  Multiplicative noise: Euler-Maruyama p = 1, q = 1/2; Milstein 1, 1; drift-Heun 1,
1/2; Platen 2, 1.  Additive noise: Euler-Maruyama and Milstein 1, 1; drift-Heun and Platen 2, 1.  The constants were
derived here (one-step expansion, summed over the steps).

Nothing is sampled: a step is affine in X, so Gauss-Hermite quadrature over the increments gives the exact law of two
moments; that of (X_n, X_T) follows because the exact step is e^{(a - b^2/2) h + b dW} X, or linear.
"""

import math

import numpy as np

from samtheory.claims import choice, claim, control, equals, real, requires, script
from samtheory.sde.linear import geometric_brownian, ornstein_uhlenbeck
from samtheory.sde.scheme_moments import affine_maps, normal_nodes
from samtheory.sde.schemes import DriftHeun, EulerMaruyama, Milstein, PlatenWeak2, StratonovichHeun

SCHEMES = {"euler-maruyama": EulerMaruyama(), "milstein": Milstein(), "heun": DriftHeun(), "platen": PlatenWeak2()}
WRONG = {"stratonovich-heun": StratonovichHeun()}
STEPS = 128  # and twice as many
Z, WEIGHTS = normal_nodes(1, 40)
EPS = np.finfo(float).eps


@claim(
    title="Weak and strong orders of the integrators, with their constants",
    where="derived here",
    kind="order",
    confidence="derived",
    statement="""Weak order 2 of Platen's scheme and, under additive noise, of drift-Heun, 1 of the others; strong order
        1/2 of Euler-Maruyama and drift-Heun under multiplicative noise, 1 otherwise.""",
    cost=2,
)
class IntegratorOrders:
    scheme: str = choice(*SCHEMES)
    noise: str = choice("multiplicative", "additive")
    a: float = real(-2, -0.25)
    b: float = real(0.25, 1)
    T: float = real(0.25, 1.5)

    examples = ({"scheme": "euler-maruyama", "noise": "multiplicative", "a": -1.0, "b": 0.8, "T": 1.0},)

    def assumptions(self):
        return [requires("the equation pulls back: a < 0", self.a, "<", 0)]

    @property
    def orders(self):
        """(weak, strong)."""
        additive = self.noise == "additive"
        weak = 2 if self.scheme == "platen" or (self.scheme == "heun" and additive) else 1
        return weak, 1 if additive or self.scheme in ("milstein", "platen") else 0.5

    def errors(self, steps, scheme, share):
        """E X_n - E X_T, E X_n^2 - E X_T^2 and E (X_n - X_T)^2; the scheme believes in a step of share * h."""
        a, b, h = self.a, self.b, self.T / steps
        grow = math.exp(a * h)
        multiplicative = self.noise == "multiplicative"
        model = geometric_brownian(a, b) if multiplicative else ornstein_uhlenbeck([[-a]], [[b]])
        dw = math.sqrt(h) * Z
        maps = affine_maps(model, scheme, dw, share * h)
        m, c = maps[:, 0, 0], maps[:, 0, 1]  # X+ = m X + c
        if multiplicative:
            exact = np.exp((a - b * b / 2) * h + b * dw[:, 0])
            first, second, joint = (WEIGHTS @ v for v in (m, m * m, m * exact))
            square, mixed, truth = second**steps, joint**steps, math.exp((2 * a + b * b) * self.T)
        else:  # the exact step adds I ~ N(0, b^2 (e^{2ah} - 1)/(2a)), Cov(I, dW) = b (e^{ah} - 1)/a
            first, second, joint = m[0], m[0] ** 2, m[0] * grow
            total = (second**steps - 1) / (second - 1), (joint**steps - 1) / (joint - 1)
            square = second**steps + WEIGHTS @ c**2 * total[0]
            mixed = joint**steps + WEIGHTS @ (c * dw[:, 0]) / h * b * (grow - 1) / a * total[1]
            truth = math.exp(2 * a * self.T) + b * b * math.expm1(2 * a * self.T) / (2 * a)
        return np.array([first**steps - math.exp(a * self.T), square - truth, square - 2 * mixed + truth])

    def measure(self, scheme=None, share=1.0):
        """The three errors over the powers of h, extrapolated from h and h/2 to h = 0."""
        weak, strong = self.orders
        fine, finer = (
            self.errors(n, (SCHEMES | WRONG)[scheme or self.scheme], share)
            / (self.T / n) ** np.array([weak, weak, 2 * strong])
            for n in (STEPS, 2 * STEPS)
        )
        return 2 * finer - fine

    def predict(self):
        a, b, T, s = self.a, self.b, self.T, 2 * self.a + self.b**2
        mean = T * math.exp(a * T) * (-(a**3) / 6 if self.scheme in ("heun", "platen") else -(a**2) / 2)
        if self.noise == "additive":
            decay, steady = math.expm1(2 * a * T), T * math.exp(2 * a * T) * (1 + b * b / (2 * a))
            xi = a * b * b / 24 * decay  # of the part of int (h - s) dW that dW does not tell
            if self.scheme in ("heun", "platen"):
                return np.array([mean, -(a**3) * steady / 3 - a * b * b * decay / 8, xi])
            v = a * T
            drift = (math.exp(2 * v) * (v * v + v + 0.5) - 0.5) * b * b / (2 * a) + v * v * math.exp(2 * v)
            return np.array([mean, -(a**2) * steady - b * b * decay / 4, a * a / 4 * drift + xi])
        square, strong = {
            "euler-maruyama": (a * a - s * s / 2, b**4 / 2),
            "milstein": (-a * a - 2 * a * b * b, b**6 / 6 + a * a * b * b + T * (a * (a + 2 * b * b)) ** 2 / 4),
            "heun": (-a * b * b - b**4 / 2, b**4 / 2),
            "platen": (a**3 + a * a * b * b - s**3 / 6, b**6 / 6),
        }[self.scheme]
        constants = T * math.exp(s * T) * np.array([square, strong])
        return np.array([mean if self.scheme != "heun" else 0.0, *constants])  # Heun's mean converges faster

    def judge(self, measured, predicted):
        rate, h, (weak, strong) = abs(self.a) + self.b**2, self.T / STEPS, self.orders
        why = "what the extrapolation leaves, (rate h)^2, and the round-off of a power, over h^p"
        names = ("(E X_n - E X)/h^p", "(E X_n^2 - E X^2)/h^p", "E (X_n - X)^2/h^2q")
        return [
            equals(
                name,
                measured[i],
                predicted[i],
                tolerance=self.T * rate ** (p + 1) * (rate * h) ** 2 + 16 * STEPS * EPS / (h / 2) ** p,
                why=why,
            )
            for i, (name, p) in enumerate(zip(names, (weak, weak, 2 * strong)))
        ]

    controls = {
        "constants 2 % larger": control(predict=lambda c: 1.02 * c.predict(), where={"scheme": "platen"}),
        "the drift of half a step": control(measure=lambda c: c.measure(share=0.5)),
        "Stratonovich Heun for an Ito equation": control(
            measure=lambda c: c.measure("stratonovich-heun"), where={"noise": "multiplicative"}
        ),
        "Euler-Maruyama has no weak order 2": control(
            measure=lambda c: c.measure("euler-maruyama"), where={"scheme": "platen"}
        ),
        "Euler-Maruyama has no strong order 1": control(
            measure=lambda c: c.measure("euler-maruyama"), where={"scheme": "milstein", "noise": "multiplicative"}
        ),
    }


if __name__ == "__main__":
    script(__file__)
