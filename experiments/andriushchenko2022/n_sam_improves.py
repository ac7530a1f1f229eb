"""Andriushchenko & Flammarion 2022 (arXiv 2206.06232), as usually read: n-SAM improves sparse recovery.  False.

The theorem gives n-SAM a smaller effective alpha in every coordinate, and a smaller alpha is nearer to the l1 norm: it
is read as better recovery.  That reading needs a *uniform* smaller alpha.  At rho = 0,

    d err/d rho = <beta - target, d beta/d rho>,    d beta/d rho = -2 P (beta * Delta)

(andriushchenko2022/first-order-response), err = |beta - target|^2/2, is negative for a uniform Delta and positive for
n-SAM's, which is concentrated on the support.  It is positive for any small rho, so no step size and no tuning helps.
The repaired statement has finite rho and both kinds.

One instance is 24 draws of n = 20, d = 30 and three non-zero coordinates; exact binomial interval at level 0.01.
Conventions: beta = w_+^2 - w_-^2 from alpha, f = (1/4n)|r|^2, un-normalised ascent, infinitesimal steps.
"""

import numpy as np

from samtheory.claims import at_least, choice, claim, control, real, requires, script, seeds
from samtheory.measures.recovery import error_slopes
from samtheory.problems.diagonal_net import sparse_regression
from samtheory.sde.order import proportion_interval

DRAWS, LEVEL = 24, 0.01
KIND = {"n-SAM": 0, "1-SAM": 1, "uniform": 2}


@claim(
    title="As usually read: a little n-SAM lowers the error of sparse recovery",
    where="Theorem on diagonal linear networks (its reading as generalisation)",
    kind="comparison",
    confidence="memory (the reading), derived (that it is false)",
    statement="""P(d err/d rho < 0 at rho = 0) > 1/2 for n-SAM on random sparse regressions (n, d, r) = (20, 30, 3) and
        small alpha.""",
    expected="refuted",
    repaired="andriushchenko2022/one-sam-helps-n-sam-hurts",
    caveat="true of 1-SAM, and of a uniform shrinkage of alpha (controls)",
    cost=25,
)
class Improves:
    design: str = choice("orthogonal", "gaussian", "sign")
    alpha: float = real(0.01, 0.05)
    seed: int = seeds()

    examples = tuple({"design": design, "alpha": 0.03, "seed": 0} for design in ("orthogonal", "gaussian", "sign"))

    def assumptions(self):
        return [requires("alpha is small", self.alpha, "<=", 0.05)]

    def measure(self, kind="n-SAM"):
        """d err/d rho of every draw."""
        rng = np.random.default_rng(self.seed)
        drawn = (sparse_regression(rng, self.design, 20, 30, 3) for _ in range(DRAWS))
        return np.array([error_slopes(X, target, self.alpha)[KIND[kind]] for X, target in drawn])

    def predict(self):
        """The sign of d err/d rho."""
        return -1

    def judge(self, slope, sign):
        hits = int((sign * slope > 0).sum())
        low, high = proportion_interval(hits, DRAWS, LEVEL)
        share = hits / DRAWS
        error = share - low if share > 0.5 else high - share  # the end of the interval towards 1/2
        return [at_least("share of draws", share, 0.5, error=error, why="exact binomial interval, level 0.01")]

    controls = {
        "1-SAM": control(measure=lambda c: c.measure("1-SAM"), expect="holds"),
        "a uniform shrinkage": control(measure=lambda c: c.measure("uniform"), expect="holds"),
        "n-SAM worsens": control(predict=lambda c: 1, expect="holds"),
    }


if __name__ == "__main__":
    script(__file__)
