"""Clara, Langer & Schmidt-Hieber 2025 (arXiv 2503.11891): the loss of a diagonal network under Gaussian weight noise.

beta = w_1 * ... * w_D, f = (1/2n)|X beta - y|^2, every weight perturbed by an independent N(0, e^2):

    E f = f + 1/2 sum_j s_j [prod_l (w_lj^2 + e^2) - prod_l w_lj^2],    s_j = (1/n) sum_i x_ij^2,

since E prod (w + noise)^2 = prod (w^2 + e^2) and the mean of prod (w + noise) is beta.  For D = 2 the added term is
1/2 sum_j s_j [e^2 (u_j^2 + v_j^2) + e^4], and tr Hess f = sum_j s_j (u_j^2 + v_j^2) everywhere: it is
(e^2/2) tr Hess f + const.  Stochastic SAM descends this loss in the mean.

Measured: the mean of f itself over Gauss-Hermite nodes, two a weight, which integrate degree three exactly; f has
degree two in every weight.  Predicted: the formula.
"""

import functools
import itertools

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, script, seeds
from samtheory.evaluate import gradients, hessian, losses
from samtheory.problems.diagonal_net import effective, layered_net, marginal_net

EPS = np.finfo(float).eps


@claim(
    title="Marginalising Gaussian weight noise adds an explicit penalty; at depth 2 it is the trace of the Hessian",
    where="Marginalised loss",
    kind="identity",
    confidence="text (abstract), derived (the formula)",
    statement="""E f(w + e N(0, I)) = f(w) + 1/2 sum_j s_j [prod_l (w_lj^2 + e^2) - prod_l w_lj^2]; at depth 2 this is
        f + (e^2/2) tr Hess f + (e^4/2) sum_j s_j.""",
)
class ExpectedLoss:
    depth: int = integer(2, 4)
    n: int = integer(1, 4)
    d: int = integer(1, 3)
    noise: float = log_real(0.05, 2)
    size: float = log_real(0.1, 2)  # of the weights
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """The network, its weights, and the signs of 2^(d depth) (at most 4096) equally likely weights around them."""
        rng = np.random.default_rng(self.seed)
        net = layered_net(rng.standard_normal((self.n, self.d)), rng.standard_normal(self.n), self.depth)
        w = self.size * rng.standard_normal(self.depth * self.d)
        nodes = np.array(list(itertools.product([-1.0, 1.0], repeat=w.size)))
        return net, w, nodes

    def assumptions(self):
        return []

    def measure(self, noise=None):
        """The mean of f and of its gradient; at depth 2 the trace of the Hessian as well."""
        net, w, nodes = self.data
        points = w + (noise or self.noise) * nodes
        trace = float(np.trace(hessian(net, w))) if self.depth == 2 else None
        return losses(net, points).mean(), gradients(net, points).mean(axis=0), trace

    def predict(self, noise=None):
        net, w, _ = self.data
        e = noise or self.noise
        mean = marginal_net(net.X, net.y, e, self.depth)
        s = (net.X**2).mean(axis=0)
        layers = w.reshape(self.depth, self.d) ** 2
        r = net.X @ effective(net, w) - net.y
        value = r @ r / (2 * self.n) + s @ ((layers + e**2).prod(axis=0) - layers.prod(axis=0)) / 2
        by_trace = 2 * (value - r @ r / (2 * self.n)) / e**2 - e**2 * s.sum()
        return value, gradients(mean, w), by_trace

    def judge(self, measured, predicted):
        net, w, _ = self.data
        loss, grad, trace = measured
        # sums of terms that are all at most this large
        top = (np.abs(w) + self.noise).max()
        size = (np.abs(net.X).sum(axis=1).max() * top**self.depth + np.abs(net.y).max()) ** 2
        ulp = (32 + self.n + self.d + self.depth) * EPS
        why = "32 + n + d + depth ulp of the largest terms"
        slope = size * (1 + 1 / top) * self.depth
        out = [
            equals("E f", loss, predicted[0], tolerance=ulp * size, why=why),
            equals("E grad f", grad, predicted[1], tolerance=ulp * slope, why=why),
        ]
        if trace is not None:
            slack = ulp * (size / self.noise**2 + self.noise**2 * (net.X**2).sum())
            out.append(equals("tr Hess f", trace, predicted[2], tolerance=slack, why=why))
        return out

    controls = {
        "noise off by one part in a thousand": control(predict=lambda c: c.predict(1.001 * c.noise)),
        "noise e/sqrt 2": control(predict=lambda c: c.predict(c.noise / 2**0.5)),
        "no penalty": control(predict=lambda c: c.predict(1e-9), where={"depth": 3}),
        "without e^4": control(
            predict=lambda c: (
                c.predict()[0] - c.noise**4 * (c.data[0].X ** 2).mean(axis=0).sum() / 2,
                *c.predict()[1:],
            ),
            where={"depth": 2, "noise": log_real(0.2, 2)},
        ),
    }


if __name__ == "__main__":
    script(__file__)
