"""Andriushchenko & Flammarion 2022 (arXiv 2206.06232): to first order, alpha_eff = alpha exp(-rho Delta).

Along plain gradient flow of the diagonal network (f = (1/4n)|r|^2, w_+- = alpha at the start, z = X'r/n)

    Delta_n = int z^2 dt  (n-SAM),    Delta_1 = int (1/n) sum_i r_i^2 x_i^2 dt  (1-SAM),    squares by coordinate,

and ln(alpha_eff/alpha) = -rho Delta + O(rho^2) at the limit, i.e. d ln alpha_eff/d rho = -Delta at rho = 0.  Both are
>= 0, and Delta_n <= Delta_1 in every coordinate (Cauchy-Schwarz), with equality where the r_i x_ij are equal over i:
always for n = 1.

Measured: alpha_eff of the SAM flows at +-rho, differenced.  Predicted: integrals along gradient flow alone; the order
is that of the measured shrinkage of one kind against the integral of the other.
"""

import dataclasses
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
        along gradient flow; 0 <= Delta_n <= Delta_1 coordinatewise, with equality for n = 1.""",
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
        """Delta of this kind, and of the other one."""
        deltas = self.plain.delta_n, self.plain.delta_1
        return deltas if self.kind == "n-SAM" else deltas[::-1]

    def judge(self, measured, predicted):
        slope, error = measured
        delta, other = predicted
        accuracy = 1e-7 * (1 + max(delta.max(), other.max()))  # a thousand steps of 1e-10
        why = "Richardson's error, and 16 errors of int D, 1e-7 (1 + max Delta) each"
        slack = error + 16 * accuracy
        out = [
            equals("d ln alpha_eff/d rho", slope, -delta, tolerance=slack, why=why),
            at_most("d ln alpha_eff/d rho, its sign", slope, 0, slack=slack, why=why),
        ]
        if self.n == 1:
            return [*out, equals("against the other kind, n = 1", -slope, other, tolerance=slack, why=why)]
        compare = at_most if self.kind == "n-SAM" else at_least
        return [*out, compare("shrinkage against the other kind's Delta", -slope, other, slack=slack, why=why)]

    several = {"n": integer(2, 5)}
    controls = {
        "Delta off by one part in a thousand": control(
            predict=lambda c: (1.001 * c.predict()[0], c.predict()[1]), refutes="d ln alpha_eff/d rho"
        ),
        "the Delta of the other kind": control(
            predict=lambda c: (c.predict()[1], c.predict()[1]), where=several, refutes="d ln alpha_eff/d rho"
        ),
        "Delta_n against 99 % of Delta_1, n = 1": control(
            predict=lambda c: (c.predict()[0], 0.99 * c.predict()[1]),
            where={"n": 1},
            refutes="against the other kind, n = 1",
        ),
        "the larger is n-SAM's": control(
            measure=lambda c: dataclasses.replace(c, kind="1-SAM" if c.kind == "n-SAM" else "n-SAM").measure(),
            predict=lambda c: c.predict()[::-1],
            where=several,
            refutes="shrinkage against the other kind's Delta",
        ),
        "alpha grows": control(
            measure=lambda c: (-c.measure()[0], c.measure()[1]), refutes="d ln alpha_eff/d rho, its sign"
        ),
    }


if __name__ == "__main__":
    script(__file__)
