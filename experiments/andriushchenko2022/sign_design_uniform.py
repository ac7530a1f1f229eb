"""Andriushchenko & Flammarion 2022 (arXiv 2206.06232): with entries +-1, 1-SAM is gradient flow from a smaller alpha.

The shrinkage rate of 1-SAM is D = (1/n) sum_i r~_i r_i x_i^2 (squares by coordinate).  If x_ij = +-1 it is the scalar
(1/n) <r~, r> in every coordinate, for every rho.  So alpha_eff stays the same in all coordinates if it was at the
start, and 1-SAM's limit is exactly that of plain gradient flow from the scalar alpha' = alpha exp(-rho int
(1/n) <r~, r> dt).  n-SAM's D = z~ z is not uniform.

Measured: the weights, moved down the perturbed gradients of the samples; then gradient flow from the mean of the
alpha_eff that they end at.  Conventions: f_i = r_i^2/4, beta = w_+^2 - w_-^2, un-normalised ascent, infinitesimal
steps.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, requires, script, seeds
from samtheory.flows.diagonal import limit, weight_flow
from samtheory.measures.interpolators import minimise_entropy
from samtheory.problems.diagonal_net import effective, sparse_regression, squared_net

SIGNS = "every entry of X is +-1"


@claim(
    title="On designs of signs 1-SAM shrinks every coordinate's alpha alike, at every rho",
    where="(not in the paper)",
    kind="identity",
    confidence="derived",
    statement="""If x_ij = +-1 then sqrt(w_+ w_-) is the same in all coordinates along 1-SAM's flow, and the limit is
        that of gradient flow from the scalar alpha' = lim sqrt(w_+ w_-).""",
    cost=8,
)
class Uniform:
    design: str = choice("sign")
    n: int = integer(2, 5)
    extra: int = integer(3, 6)  # d - n
    alpha: float = log_real(0.05, 0.5)
    rho: float = log_real(0.01, 0.3)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """X, y, alpha."""
        d = self.n + self.extra
        X, target = sparse_regression(np.random.default_rng(self.seed), self.design, self.n, d, 2)
        return X, X @ target, np.full(d, self.alpha)

    @functools.cached_property
    def rank(self):
        s = np.linalg.svd(self.data[0], compute_uv=False)
        return s[-1] / s[0]

    def assumptions(self):
        return [
            requires(SIGNS, np.abs(np.abs(self.data[0]) - 1).max(), "<=", 0),
            requires("X has full row rank", self.rank, ">", 0.1),
        ]

    def measure(self, kind="1-SAM"):
        """sqrt(w_+ w_-) on the way and at the end, [K, d], the last beta, at two accuracies."""
        X, y, alpha = self.data
        net, d, end = squared_net(X, y), X.shape[1], limit(*self.data, self.rho, kind).times
        out = []
        for rtol, atol in ((1e-10, 1e-13), (1e-8, 1e-11)):
            times = [0, 1e-3 * end, 1e-2 * end, end]
            w = weight_flow(net, np.tile(alpha, 2), self.rho, kind, times, rtol=rtol, atol=atol)
            out.append((np.sqrt(w[1:, :d] * w[1:, d:]), effective(net, w[-1])))
        return out

    def predict(self, factor=1.0):
        """The limit of gradient flow, as a function of the scalar it starts from."""
        return lambda alpha: minimise_entropy(*self.data[:2], factor * alpha).beta

    def judge(self, measured, predicted):
        (alpha, beta), (coarse, rough) = measured
        mean = alpha.mean(axis=1, keepdims=True)
        slack = 1e-7 * mean + np.abs(alpha - coarse).max()
        why = "a thousand steps of 1e-10, and what a hundred times the integrator's tolerance changes"
        residual = np.abs(self.data[0] @ beta - self.data[1]).max()
        off = 1e-7 + np.abs(beta - rough).max() + 20 * residual
        return [
            equals("sqrt(w_+ w_-)", alpha, np.broadcast_to(mean, alpha.shape), tolerance=slack, why=why),
            equals("beta", beta, predicted(mean[-1, 0]), tolerance=off, why=why + ", 20 residuals"),
        ]

    visible = {"rho": log_real(0.05, 0.3)}
    free = {"n": integer(4, 5)}  # with fewer rows equal columns often leave a limit that no alpha changes
    controls = {
        "n-SAM": control(measure=lambda c: c.measure("n-SAM"), where=visible, refutes="sqrt(w_+ w_-)"),
        "alpha' off by one part in a thousand": control(predict=lambda c: c.predict(1.001), where=free, refutes="beta"),
        "gradient flow from alpha": control(
            predict=lambda c: lambda mean: c.predict()(c.alpha), where=visible | free, refutes="beta"
        ),
        "Gaussian entries": control(
            where=visible | {"design": "gaussian", "n": 2}, violates=SIGNS, refutes="sqrt(w_+ w_-)"
        ),
    }


if __name__ == "__main__":
    script(__file__)
