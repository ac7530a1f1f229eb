"""Li, Zhang & He 2024 (arXiv 2410.14802), Theorems 1, 4, 6: gradient flows of f(x'y) and f(x y') keep B.

x'g_x = y'g_y, as both factors scale the same product: gradient flow, stochastic gradient flow (any sequence of samples)
and normalised gradient flow all keep B = (|x|^2 - |y|^2)/2.  Descent keeps it only in the limit of small steps:

    f(x'y)    B+ = B (1 - eta^2 f'^2)                                    exactly
    f(x y')   B+ = B + (eta^2/2)(|G y|^2 - |G'x|^2)                      exactly

so B drifts by O(eta) in a time T: to 0.984 B in T = 10 at eta = 1e-4 with labels of standard deviation 2.

Measured: the flow of a sequence of problems that differ in their labels, one after the other; a step of `GD`.
Conventions: f a sum of losses of the entries; flow time = eta times steps; normalised: velocity -g/|g|.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients
from samtheory.flows.core import solve
from samtheory.measures.balancedness import balancedness
from samtheory.problems.balanced import Inner, Outer, pair
from samtheory.problems.links import HalfSquare, LogCosh, PseudoHuber
from samtheory.rules.gd import GD
from samtheory.simulate import simulate
from samtheory.theory.balancedness import SLOPES

EPS, RTOL = np.finfo(float).eps, 1e-10
LINKS = {"half-square": HalfSquare(0.0), "log-cosh": LogCosh(), "pseudo-huber": PseudoHuber()}


@claim(
    title="Gradient flows keep |x|^2 - |y|^2; a step of descent changes it to second order, exactly",
    where="Theorems 1, 4 and 6",
    kind="identity",
    confidence="text (flows), derived (steps)",
    statement="""B(t) = B(0) along gradient flow, stochastic and normalised gradient flow; a step of descent has
        B+ = B + (eta^2/2)(|g_x|^2 - |g_y|^2), which is B (1 - eta^2 f'^2) on f(x'y).""",
    caveat="SGD itself keeps B only as its step goes to 0",
    cost=3,
)
class Conserves:
    shape: str = choice("x'y", "x y'")
    flow: str = choice("gradient", "stochastic", "normalised")
    link: str = choice("half-square", "log-cosh", "pseudo-huber")
    size: int = integer(1, 4)
    scale: float = log_real(0.2, 2)  # |x||y| = scale^2
    tilt: float = log_real(0.2, 5)  # |x|/|y|
    target: float = log_real(0.1, 3)
    time: float = real(0.05, 0.5)  # over h^2, the scale of the curvature
    eta: float = log_real(1e-3, 1)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """(x, y), the labels of the problems, one after the other, the time of each."""
        rng = np.random.default_rng(self.seed)
        z = pair(rng, (self.size, self.size), self.scale, self.tilt)
        shape = (1,) if self.shape == "x'y" else (self.size, self.size)
        labels = [self.target * rng.standard_normal(shape) for _ in range(3 if self.flow == "stochastic" else 1)]
        return z, labels, self.time / (z @ z)

    def problem(self, labels):
        return Inner(LINKS[self.link], labels, self.size) if self.shape == "x'y" else Outer(LINKS[self.link], labels)

    def assumptions(self):
        z, labels, _ = self.data
        away = [np.linalg.norm(gradients(self.problem(b), z)) for b in labels]
        return [requires("the gradients are not zero at the start", min(away), ">", 1e-3 * np.linalg.norm(z))]

    def measure(self, keep=1.0, rtol=RTOL):
        """B along the flow (x at `keep` of its speed), gradients evaluated, the largest |z|^2; B after a step."""
        z, labels, time = self.data
        calls, out, size = 0, [], z @ z
        for b in labels:
            problem, span = self.problem(b), time
            if self.flow == "normalised":  # a fraction of the way to the next point where the gradient may vanish
                span = min(time, 0.1) * np.linalg.norm(gradients(problem, z)) / (1 + self.target + 3 * z @ z)

            def rhs(t, v, problem=problem):
                nonlocal calls
                calls += 1
                g = gradients(problem, v)
                move = -g / np.linalg.norm(g) if self.flow == "normalised" else -g
                return move * np.repeat([keep, 1.0], self.size)

            z = solve(rhs, z, [0, span], rtol=rtol, atol=1e-2 * rtol)[-1]
            out.append(balancedness(z, self.size))
            size = max(size, z @ z)
        one = simulate(self.problem(labels[0]), GD(self.eta), self.data[0], 1, threads=1).x
        return np.array(out), calls, size, balancedness(one, self.size)

    def predict(self, square=1.0):
        """B, and B after a step of descent."""
        z, labels, _ = self.data
        x, y = np.split(z, 2)
        B, slope = balancedness(z, self.size), SLOPES[self.link]
        if self.shape == "x'y":
            return B, B * (1 - square * (self.eta * slope(x @ y - labels[0][0])) ** 2)
        G = slope(np.outer(x, y) - labels[0])
        return B, B + square * self.eta**2 / 2 * (np.sum((G @ y) ** 2) - np.sum((G.T @ x) ** 2))

    def judge(self, measured, predicted):
        along, calls, size, after = measured
        B, stepped = predicted
        z, labels, _ = self.data
        slack = 4 * calls * RTOL * size
        entries = z @ z + np.abs(labels[0]).sum()
        ulp = 8 * (self.size**2 + 4) * EPS * z @ z * (1 + self.eta * entries) ** 2
        return [
            equals(
                "B along the flow", along, B, tolerance=slack, why="the integrator's tolerance, times its evaluations"
            ),
            equals(
                "B after a step", after, stepped, tolerance=ulp, why="8 (d^2 + 4) ulp of the iterates and the slopes"
            ),
        ]

    away = {
        "tilt": real(2, 5),
        "target": real(1, 3),
        "eta": real(0.2, 1),
        "time": real(0.2, 0.5),
        "scale": real(0.5, 2),
    }
    controls = {
        "x at 0.999 of its speed": control(
            measure=lambda c: c.measure(keep=0.999), where=away, refutes="B along the flow"
        ),
        "descent keeps B": control(predict=lambda c: c.predict(square=0.0), where=away, refutes="B after a step"),
        "eta^2 off by one part in a million": control(
            predict=lambda c: c.predict(square=1 + 1e-6), where=away, refutes="B after a step"
        ),
    }


if __name__ == "__main__":
    script(__file__)
