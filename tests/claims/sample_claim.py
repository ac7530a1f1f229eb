"""A claim that the tests of the machinery bend: x_t = (1 - h)^t for gradient descent on x^2/2."""

import numpy as np

from samtheory.claims import at_most, claim, control, equals, integer, real, requires, script, seeds
from samtheory.problems.quadratic import quadratic
from samtheory.rules.gd import GD
from samtheory.simulate import simulate


@claim(
    title="GD on x^2/2",
    where="textbook",
    kind="identity",
    confidence="derived",
    statement="x_t = (1 - eta)^t x_0",
)
class Decay:
    eta: float = real(0.01, 0.9)
    steps: int = integer(1, 40)
    seed: int = seeds()

    examples = ({"eta": 0.25, "steps": 10, "seed": 3},)

    @property
    def start(self):
        return 1 + np.random.default_rng(self.seed).random()

    def assumptions(self):
        return [requires("eta < 1", self.eta, "<", 1)]

    def measure(self):
        return simulate(quadratic([1.0]), GD(self.eta), [self.start], self.steps, threads=1).states[:, 0]

    def predict(self):
        return (1 - self.eta) ** np.arange(self.steps + 1) * self.start

    def judge(self, x, predicted):
        slack = 4 * np.finfo(float).eps * (1 + np.arange(self.steps + 1)) * predicted
        return [
            equals("x_t", x, predicted, tolerance=np.maximum(slack, 1e-300), why="two roundings a step"),
            at_most("x_t <= x_0", x[1:], x[0], slack=0, why="exact"),
        ]

    controls = {
        "one step too many": control(predict=lambda c: c.predict() * (1 - c.eta)),
        "eta above 1": control(where={"eta": real(2.1, 3.0)}, violates="eta < 1"),
        "doubled": control(measure=lambda c: 2 * c.measure()),
    }


if __name__ == "__main__":
    script(__file__)
