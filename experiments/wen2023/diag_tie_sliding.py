"""Beside Wen, Ma & Li 2023 (arXiv 2211.05729), Theorem 4.5 where its eigengap fails: SAM slides along a tie.

L = (1/M) sum_k (u_k v_k - y_k)^2/2 has the curvatures lam_k = sqrt(Dl_k^2 + 4 y_k^2)/M on its minimisers, Dl_k =
u_k^2 - v_k^2.  SAM lowers the largest until it ties with the next one; there the top eigenvector is not defined.  From
then on all tied pairs fall together, sharing one descent: dDl_k/dtau = -(2/M) p_k Dl_k, sum p_k = 1, with the p_k that
keep the tie, p_k Dl_k^2 the same for all of them (half the rate each, for two pairs with the same y): the flow of
steepest descent of max_k lam_k, `samtheory.theory.sliding`.  The error is of order eta, at rho/eta fixed; the limit is
extrapolated from eta, eta/2, eta/4.

A trap of floats: the residual u v - y of a pair that is not the top one decays until its update is below an ulp of u
and v; it can then never take over, and SAM does not see the tie.  A jitter of 1e-13 a step cures it.

Conventions: full batch of the mean loss; normalised ascent; no perturbation at a zero gradient; tau = eta rho^2 t.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, real, requires, script, seeds
from samtheory.oracles import GaussianNoise
from samtheory.problems.products import Products
from samtheory.rules.sam import SAM
from samtheory.sde.order import richardson_limit
from samtheory.simulate import simulate
from samtheory.theory.sliding import sliding_imbalances, tie_time

LEVELS, JITTER = 0.5 ** np.arange(3), 1e-13


def imbalances(x):
    M = x.shape[-1] // 2
    return x[..., :M] ** 2 - x[..., M:] ** 2


@claim(
    title="After a tie of the top curvature SAM lowers the tied ones together",
    where="Theorem 4.5 without its eigengap, on independent pairs",
    kind="limit",
    confidence="derived",
    statement="""On (1/M) sum_k (u_k v_k - y_k)^2/2, as eta -> 0 with rho/eta fixed, the imbalances of full-batch SAM
        follow dDl_k/dtau = -(2/M) p_k Dl_k, where p = 1 on the largest curvature and, once some tie, sum p_k = 1 with
        p_k Dl_k^2 equal among them.""",
    cost=5,
)
class TieSliding:
    targets: str = choice("equal", "different")
    pairs: int = integer(2, 3)
    h: float = real(0.1, 0.2)  # eta lam_1 at the largest of the step sizes
    ratio: float = real(0.2, 0.5)  # rho/eta, in units of lam_1
    past: float = real(0.2, 0.6)  # tau - the time of the first tie
    seed: int = seeds()

    examples = ({"targets": "equal", "pairs": 3, "h": 0.2, "ratio": 0.4, "past": 0.3, "seed": 0},)

    @functools.cached_property
    def data(self):
        """y, start, lam_1, tau."""
        rng = np.random.default_rng(self.seed)
        y = np.ones(self.pairs) if self.targets == "equal" else rng.uniform(0.6, 1.0, self.pairs)
        u = np.array([2.2, *np.sort(rng.uniform([1.8, 1.3], [2.0, 1.6]))[::-1]])[: self.pairs]
        start = np.concatenate([u, 1.1 * y / u])
        Dl = imbalances(start)
        return y, start, np.hypot(Dl, 2 * y).max() / self.pairs, tie_time(Dl, y) + self.past

    def assumptions(self):
        y, start, _, tau = self.data
        level = np.sort(imbalances(start) ** 2 + 4 * y**2)
        return [
            requires("no tie at the start", level[-2], "<", 0.9 * level[-1]),
            requires("a tie before the end", tau, "<", np.inf),
        ]

    def measure(self, jitter=JITTER):
        """Dl at the three levels, the mean of two iterates."""
        y, start, lam, tau = self.data
        out = []
        for level in LEVELS:
            eta = level * self.h / lam
            rho = self.ratio * lam * eta
            steps, oracle = int(np.ceil(tau / (eta * rho**2))), GaussianNoise(Products(y), jitter / eta)
            end = simulate(oracle, SAM(eta, rho), start, steps, every=steps, seed=self.seed, threads=1)
            out.append(imbalances(simulate(oracle, SAM(eta, rho), end.x, 1, threads=1).states).mean(axis=0))
        return np.array(out)

    def predict(self):
        y, start, _, tau = self.data
        return sliding_imbalances(tau, imbalances(start), y)

    def judge(self, measured, predicted):
        limit, changed = richardson_limit(measured)
        why = "last change of the first extrapolation"
        error = np.linalg.norm(measured - predicted, axis=1)
        return [
            equals("limit of Dl", limit, predicted, tolerance=changed, why=why),
            equals("|error| halves", error[2] / error[1], 0.5, tolerance=0.1, why="next order in eta lam_1 <= 0.1"),
        ]

    def only_the_top(self):
        """Dl with the top pair decaying on, and the others standing still."""
        _, start, _, tau = self.data
        Dl = imbalances(start)
        Dl[0] *= np.exp(-2 * tau / self.pairs)
        return Dl

    controls = {
        "no jitter": control(measure=lambda c: c.measure(jitter=0.0)),
        "only the top pair, through the tie": control(predict=lambda c: c.only_the_top()),
        "every pair at its own rate": control(
            predict=lambda c: imbalances(c.data[1]) * np.exp(-2 * c.data[3] / c.pairs)
        ),
        "one part in a hundred": control(predict=lambda c: 1.01 * c.predict(), where={"h": 0.1}),
        "equal weights at different targets": control(
            predict=lambda c: c.predict() * np.array([1.02, 0.98, 1])[: c.pairs], where={"targets": "different"}
        ),
    }


if __name__ == "__main__":
    script(__file__)
