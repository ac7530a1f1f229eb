"""Andriushchenko & Flammarion 2022 (arXiv 2206.06232): where a small rho moves the limit of the diagonal network.

The limit is argmin {phi_{alpha exp(-rho Delta)}(b): X b = y} up to O(rho^2) (andriushchenko2022/first-order-delta), so

    d beta/d rho at 0 = -2 P (beta * Delta),    P = I - M X'(X M X')^{-1} X,    M = diag(2 sqrt(beta^2 + 4 alpha^4)),

at the limit beta of gradient flow, Delta that of n-SAM or of 1-SAM: d grad phi/d rho at fixed beta is
Delta beta/sqrt(beta^2 + 4 alpha^4), and X d beta = 0.  A uniform Delta moves beta as a smaller alpha does.

Measured: limits of the SAM flows at +-rho, differenced.  Conventions: f = (1/4n)|r|^2, w_+- = alpha at the start,
un-normalised ascent, infinitesimal steps.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, requires, script, seeds
from samtheory.flows.diagonal import limit
from samtheory.measures.interpolators import minimise_entropy
from samtheory.measures.response import response
from samtheory.problems.diagonal_net import sparse_regression
from samtheory.theory.potentials import limit_response, mobility


@claim(
    title="The derivative of the limit in rho at rho = 0",
    where="Theorem on diagonal linear networks (derivative of it)",
    kind="identity",
    confidence="derived",
    statement="d beta/d rho = -2 P (beta * Delta), P the projection on ker X that is orthogonal for M^{-1}.",
    cost=12,
)
class Response:
    kind: str = choice("n-SAM", "1-SAM")
    design: str = choice("gaussian", "sign", "orthogonal")
    n: int = integer(1, 5)
    extra: int = integer(2, 6)  # d - n
    alpha: float = log_real(0.05, 0.5)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """X, y, alpha."""
        rng = np.random.default_rng(self.seed)
        d = self.n + self.extra
        X, target = sparse_regression(rng, self.design, self.n, d, min(d, 1 + self.n // 2))
        return X, X @ target, self.alpha * np.exp(0.3 * rng.uniform(-1, 1, d))

    @functools.cached_property
    def plain(self):
        return limit(*self.data)

    @property
    def delta(self):
        return self.plain.delta_n if self.kind == "n-SAM" else self.plain.delta_1

    def assumptions(self):
        s = np.linalg.svd(self.data[0], compute_uv=False)
        return [requires("X has full row rank", s[-1], ">", 0.1 * s[0])]

    def measure(self):
        """d beta/d rho at 0, and its error."""
        step = 0.05 / max(1.0, self.plain.delta_1.max())
        return response(lambda rho: limit(*self.data, rho, self.kind).beta, step)

    def predict(self, delta=None):
        X, y, alpha = self.data
        return limit_response(X, minimise_entropy(X, y, alpha).beta, alpha, self.delta if delta is None else delta)

    def judge(self, measured, predicted):
        slope, error = measured
        # a limit errs by the residual, 1e-9, and by rho |beta| times the error of int D, a thousand steps of 1e-10;
        # the difference quotient has 16 such errors over the step
        size = np.abs(self.plain.beta).max() * (1 + self.plain.delta_1.max())
        why = "Richardson's error, 16 errors of the flow over the step"
        return [equals("d beta/d rho", slope, predicted, tolerance=error + 16 * (1e-7 + 1e-9 / 0.05) * size, why=why)]

    several = {"n": integer(2, 5)}
    controls = {
        "off by one part in a thousand": control(
            predict=lambda c: 1.001 * c.predict(), where=several | {"design": "gaussian"}
        ),
        "half of it": control(predict=lambda c: 0.5 * c.predict()),
        "the Delta of 1-SAM for n-SAM": control(
            predict=lambda c: c.predict(c.plain.delta_1), where=several | {"kind": "n-SAM", "design": "gaussian"}
        ),
        "the mean of Delta in its place": control(
            predict=lambda c: c.predict(c.delta.mean()), where=several | {"design": "gaussian"}
        ),
        "not projected": control(predict=lambda c: -2 * c.plain.beta * c.delta),
        "projected orthogonally": control(
            predict=lambda c: _euclidean(c.data[0], -2 * c.plain.beta * c.delta),
            where=several | {"design": "gaussian"},
        ),
        "beta itself in place of M": control(
            predict=lambda c: c.predict() * np.abs(c.plain.beta) * 2 / mobility(c.plain.beta, c.data[2]),
            where={"alpha": log_real(0.2, 0.5)},
        ),
    }


def _euclidean(X, v):
    return v - np.linalg.pinv(X) @ (X @ v)


if __name__ == "__main__":
    script(__file__)
