"""Clara, Langer & Schmidt-Hieber 2025 (arXiv 2503.11891): weight noise balances the two layers, at a rate without data.

beta = u v, E f = (1/2n)|X beta - y|^2 + 1/2 sum_j s_j [e^2 (u_j^2 + v_j^2) + e^4], s_j = (1/n) sum_i x_ij^2, and
b = u^2 - v^2.  With z = X'r/n, one step of size gamma of gradient descent on E f is, by coordinate,

    u+ = (1 - gamma e^2 s) u - gamma z v,   v+ = (1 - gamma e^2 s) v - gamma z u,
    b+ = [(1 - gamma e^2 s)^2 - gamma^2 z^2] b,

and the gradient flow has b(t) = b(0) exp(-2 e^2 s t), whatever the residual and X.  Without noise the flow keeps b and
descent multiplies it by 1 - gamma^2 z^2.  Balanced layers have the least u^2 + v^2 = 2 |beta|, the least trace of the
Hessian among factorisations of beta.

Measured: the flow, and `simulate`, on the marginal loss.
"""

import functools

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients
from samtheory.flows.core import solve
from samtheory.problems.diagonal_net import marginal_net
from samtheory.rules.gd import GD
from samtheory.simulate import simulate

EPS, STEPS, RTOL = np.finfo(float).eps, 20, 1e-12


@claim(
    title="Under weight noise u^2 - v^2 decays at the exact rate 2 e^2 s_j, whatever the residual",
    where="Balancing of the layers",
    kind="identity",
    confidence="text (abstract), derived (the rates)",
    statement="""On the marginal loss of depth 2 the gradient flow has (u^2 - v^2)(t) = (u^2 - v^2)(0) exp(-2 e^2 s
        t), and a step of descent multiplies u^2 - v^2 by (1 - gamma e^2 s)^2 - gamma^2 z^2.""",
    cost=3,
)
class Balancing:
    n: int = integer(1, 5)
    d: int = integer(1, 6)
    noise: float = log_real(0.05, 1)
    step: float = real(0.01, 0.5)  # gamma times the sum of squares of X over n
    size: float = log_real(0.1, 2)  # of the weights
    time: float = real(0.1, 2)  # times e^2 max s
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """X, y, start, gamma."""
        rng = np.random.default_rng(self.seed)
        X = rng.standard_normal((self.n, self.d))
        start = self.size * rng.standard_normal(2 * self.d)
        y = 2 * rng.standard_normal(self.n)
        # the curvature is at most about this
        curvature = (X**2).sum() / self.n * (start**2).sum() + np.abs(X.T @ y).max() / self.n + self.noise**2
        return X, y, start, self.step / (curvature + (X**2).sum() / self.n)

    def assumptions(self):
        return [requires("there is noise", self.noise, ">", 0)]

    def measure(self, noise=None):
        """Times, u and v of the flow, its evaluations of the gradient, and u and v step by step of descent."""
        X, y, start, gamma = self.data
        net = marginal_net(X, y, self.noise if noise is None else noise, 2)
        times = np.array([0, 0.3, 1]) * self.time / (self.noise**2 * (X**2).mean(axis=0).max())
        calls = []

        def rhs(t, x):
            calls.append(t)
            return -gradients(net, x)

        flow = solve(rhs, start, times, rtol=RTOL, atol=1e-2 * RTOL).reshape(3, 2, -1)
        return (
            times,
            flow,
            len(calls),
            simulate(net, GD(gamma), start, STEPS, threads=1).states.reshape(STEPS + 1, 2, -1),
        )

    def predict(self, noise=None, square=1.0):
        """(u^2 - v^2)(t) over its start, and the factor of a step, as functions."""
        X, y, _, gamma = self.data
        rate = (self.noise if noise is None else noise) ** 2 * (X**2).mean(axis=0)

        def factor(u, v):
            z = (u * v @ X.T - y) @ X / self.n
            return (1 - gamma * rate) ** 2 - square * (gamma * z) ** 2

        return lambda t: np.exp(-2 * np.outer(t, rate)), factor

    def judge(self, measured, predicted):
        X, y, _, gamma = self.data
        decay, factor = predicted
        times, flow, calls, steps = measured
        balance = flow[:, 0] ** 2 - flow[:, 1] ** 2
        # u^2 - v^2 contracts, so what is lost a step adds up at most; no step without an evaluation
        slack = 4 * calls * RTOL * (flow**2).max()
        u, v = steps[:, 0], steps[:, 1]
        now, after = u[:-1] ** 2 - v[:-1] ** 2, u[1:] ** 2 - v[1:] ** 2
        size = np.abs(steps).sum(axis=1)[:-1]
        pull = np.abs(X).max() * (np.abs(X).max() * (size**2).sum(axis=1, keepdims=True) + np.abs(y).max())
        ulp = (self.n + self.d + 16) * EPS * size**2 * (1 + gamma * (pull + self.noise**2 * (X**2).max())) ** 2
        why = "the integrator's tolerance, times its evaluations"
        return [
            equals("u^2 - v^2 along the flow", balance[1:], decay(times)[1:] * balance[0], tolerance=slack, why=why),
            equals("u^2 - v^2 a step", after, factor(u[:-1], v[:-1]) * now, tolerance=ulp, why="n + d + 16 ulp"),
        ]

    flow, descent = "u^2 - v^2 along the flow", "u^2 - v^2 a step"
    controls = {
        "noise e/sqrt 2 in the flow": control(predict=lambda c: c.predict(c.noise / 2**0.5), refutes=flow),
        "noise off by one part in a thousand, flow": control(
            predict=lambda c: c.predict(1.001 * c.noise), refutes=flow
        ),
        "noise off by one part in a thousand, descent": control(
            predict=lambda c: c.predict(1.001 * c.noise), refutes=descent
        ),
        "descent without z^2": control(predict=lambda c: c.predict(square=0), refutes=descent),
        "no noise in the flow": control(measure=lambda c: c.measure(noise=0.0), refutes=flow),
    }


if __name__ == "__main__":
    script(__file__)
