"""Andriushchenko & Flammarion 2022 (arXiv 2206.06232): the product w_+ w_- under steps of finite size.

Diagonal network, r = X beta - y, z = X'r/n, step gamma; G = X'r~/n and D as in the flow (n-SAM: D = z~ z, G = z~;
1-SAM: D = (1/n) sum_i r~_i r_i x_i^2).  One step multiplies w_+- by 1 -+ gamma (G +- rho D), so w_+ w_- by

    (1 - gamma rho D)^2 - gamma^2 G^2,    n-SAM: 1 - 2 gamma rho z~ z - gamma^2 z~^2 (1 - rho^2 z^2).

Gradient descent alone (rho = 0) has 1 - gamma^2 z^2: its steps shrink alpha already, and its limit minimises the
entropy only up to O(gamma).  In the layers' form w_+- = (u +- v)/2.

Measured: `simulate` with USAM and its sharded form.  Predicted: the factors, from the states before each step.
Conventions: f = (1/4n)|r|^2 for (w_+, w_-), (1/2n)|r|^2 for (u, v); un-normalised ascent.
"""

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.oracles import EverySample
from samtheory.problems.diagonal_net import layered_net, sparse_regression, squared_net
from samtheory.rules.sharded import Sharded
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

EPS, STEPS = np.finfo(float).eps, 25


@claim(
    title="The exact factor of w_+ w_- in one step of n-SAM or 1-SAM",
    where="(discrete form of the theorem on diagonal linear networks)",
    kind="identity",
    confidence="derived",
    statement="w_+ w_- is multiplied by (1 - gamma rho D)^2 - gamma^2 G^2; n-SAM: G = z~, D = z~ z.",
)
class Product:
    net: str = choice("w+ w-", "u v")
    kind: str = choice("n-SAM", "1-SAM")
    n: int = integer(1, 6)
    d: int = integer(1, 8)
    step: float = log_real(1e-3, 0.5)  # gamma * the largest |x_i|^2
    rho: float = real(0, 0.5)  # over the largest |x_ij|^2
    size: float = log_real(0.1, 1)  # of the weights
    seed: int = seeds()

    @property
    def data(self):
        """X, y, w_+ and w_-, gamma, rho."""
        rng = np.random.default_rng(self.seed)
        X, target = sparse_regression(rng, "gaussian", self.n, self.d, 1)
        w = self.size * rng.uniform(0.2, 1, (2, self.d))
        return X, X @ target, w, self.step / (X**2).sum(axis=1).max(), self.rho / (X**2).max()

    def assumptions(self):
        return [requires("gamma max |x_i|^2 <= 1/2", self.step, "<=", 0.5)]

    def measure(self, kind=None):
        """w_+ and w_- step by step, [steps, 2, d]."""
        X, y, w, gamma, rho = self.data
        split = np.array([[1.0, 1.0], [1.0, -1.0]])
        problem, x = (squared_net(X, y), w) if self.net == "w+ w-" else (layered_net(X, y), split @ w)
        rule = USAM(gamma, rho)
        own = (kind or self.kind) == "1-SAM"
        source, rule = (EverySample(problem), Sharded(rule, 1)) if own else (problem, rule)
        states = simulate(source, rule, x.ravel(), STEPS, threads=1).states.reshape(STEPS + 1, 2, self.d)
        return states if self.net == "w+ w-" else split @ states / 2

    def predict(self, cross=2.0, square=1.0, ascent=1.0):
        """The factor of a step, as a function of w_+ and w_-."""
        X, y, _, gamma, rho = self.data
        n = len(y)

        def factor(plus, minus):
            r = X @ (plus**2 - minus**2) - y
            z = r[:, None] * X if self.kind == "1-SAM" else np.tile(X.T @ r / n, (n, 1))
            P, M = plus * (1 + rho * z), minus * (1 - ascent * rho * z)
            moved = ((P**2 - M**2) * X).sum(axis=1) - y
            G, D = X.T @ moved / n, (moved[:, None] * X * z).mean(axis=0)
            return 1 - cross * gamma * rho * D + (gamma * rho * D) ** 2 - square * (gamma * G) ** 2

        return factor

    def judge(self, states, factor):
        X, y, _, gamma, rho = self.data
        before, after = states[:-1], states[1:]
        predicted = np.array([factor(*w) * w.prod(axis=0) for w in before])
        # every sum of a step has n + d terms of at most this size; the weights are then known to its ulp
        top = np.abs(before).sum(axis=1)
        pull = np.abs(X).max() ** 2 * (top**2).sum(axis=1, keepdims=True) + np.abs(X).max() * np.abs(y).max()
        reach = 1 + (gamma + rho) * pull
        slack = (self.n + self.d + 16) * EPS * top**2 * reach**4
        return [equals("w_+ w_-", after.prod(axis=1), predicted, tolerance=slack, why="n + d + 16 ulp of a step")]

    visible = {"step": log_real(0.05, 0.5), "rho": real(0.1, 0.5)}
    controls = {
        "without the square of gamma": control(
            predict=lambda c: c.predict(square=0), where={"step": log_real(0.05, 0.5)}
        ),
        "rho in place of 2 rho": control(predict=lambda c: c.predict(cross=1), where=visible),
        "2 rho off by one part in a thousand": control(predict=lambda c: c.predict(cross=2.002), where=visible),
        "w_- ascends half as far": control(predict=lambda c: c.predict(ascent=0.5), where=visible),
        "the other kind": control(
            measure=lambda c: c.measure("n-SAM" if c.kind == "1-SAM" else "1-SAM"),
            where=visible | {"n": integer(2, 6), "d": integer(2, 8)},
        ),
    }


if __name__ == "__main__":
    script(__file__)
