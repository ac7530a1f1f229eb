"""Andriushchenko & Flammarion 2022 (arXiv 2206.06232): to first order, alpha_eff = alpha exp(-rho Delta).

Along plain gradient flow of the diagonal network (f = (1/4n)|r|^2, w_+- = alpha at the start, z = X'r/n)

    Delta_n = int z^2 dt  (n-SAM),    Delta_1 = int (1/n) sum_i r_i^2 x_i^2 dt  (1-SAM),    squares by coordinate,

and ln(alpha_eff/alpha) = -rho Delta + O(rho^2) at the limit, i.e. d ln alpha_eff/d rho = -Delta at rho = 0.  Both are
>= 0, and Delta_n <= Delta_1 in every coordinate (Cauchy-Schwarz), with equality where the r_i x_ij are equal over i:
always for n = 1.

Measured: alpha_eff of the SAM flows at +-rho, differenced.  Predicted: integrals along gradient flow alone.
"""

import functools

import numpy as np

from samtheory.claims import (
    at_least,
    at_most,
    choice,
    claim,
    control,
    equals,
    integer,
    log_real,
    requires,
    script,
    seeds,
)
from samtheory.flows.diagonal import limit
from samtheory.measures.response import response
from samtheory.problems.diagonal_net import sparse_regression


@claim(
    title="The first-order shrinkage of alpha, and that of n-SAM is at most that of 1-SAM in every coordinate",
    where="Theorem on diagonal linear networks",
    kind="limit",
    confidence="memory (the theorem), derived",
    statement="""d ln alpha_eff/d rho at rho = 0 is -Delta, Delta_n = int z^2, Delta_1 = int (1/n) sum_i r_i^2 x_i^2
    along
        gradient flow; 0 <= Delta_n <= Delta_1 coordinatewise, with equality for n = 1.""",
    cost=8,
)
class FirstOrder:
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

    def assumptions(self):
        s = np.linalg.svd(self.data[0], compute_uv=False)
        return [requires("X has full row rank", s[-1], ">", 0.1 * s[0])]

    def measure(self):
        """d ln alpha_eff/d rho at 0, and its error."""
        step = 0.05 / max(1.0, self.plain.delta_1.max())
        return response(lambda rho: np.log(limit(*self.data, rho, self.kind).alpha), step)

    def predict(self):
        small, large = self.plain.delta_n, self.plain.delta_1
        return (small if self.kind == "n-SAM" else large), small, large

    def judge(self, measured, predicted):
        slope, error = measured
        delta, small, large = predicted
        accuracy = 1e-7 * (1 + large.max())  # a thousand steps of 1e-10
        why = "Richardson's error, and 16 errors of int D, 1e-7 (1 + max Delta) each"
        order = [
            at_least("Delta_n", small, 0, slack=accuracy, why="accuracy of the flow"),
            at_most("Delta_n against Delta_1", small, large, slack=accuracy, why="accuracy of the flow"),
        ]
        if self.n == 1:
            order.append(equals("Delta_n for n = 1", small, large, tolerance=accuracy, why="accuracy of the flow"))
        slack = error + 16 * accuracy
        return [equals("d ln alpha_eff/d rho", slope, -delta, tolerance=slack, why=why), *order]

    several = {"n": integer(2, 5)}
    controls = {
        "Delta off by one part in a thousand": control(
            predict=lambda c: (1.001 * c.predict()[0], *c.predict()[1:]), refutes="d ln alpha_eff/d rho"
        ),
        "n-SAM with 1-SAM's Delta": control(
            predict=lambda c: (c.plain.delta_1, *c.predict()[1:]), where=several | {"kind": "n-SAM"}
        ),
        "1-SAM with n-SAM's Delta": control(
            predict=lambda c: (c.plain.delta_n, *c.predict()[1:]), where=several | {"kind": "1-SAM"}
        ),
        "the larger is n-SAM's": control(
            predict=lambda c: (c.predict()[0], c.plain.delta_1, c.plain.delta_n),
            where=several,
            refutes="Delta_n against Delta_1",
        ),
        "the loss's own sign: alpha grows": control(
            predict=lambda c: (-c.predict()[0], *c.predict()[1:]), refutes="d ln alpha_eff/d rho"
        ),
    }


if __name__ == "__main__":
    script(__file__)
