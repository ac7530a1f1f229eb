"""Li, Zhang & He 2024 (arXiv 2410.14802), Lemma 3: m-sharpness balances f(x'y) at the mean of the shards' slopes.

f = (1/k) sum_j f_j over k shards, each with its own ascent.  B, h as in li2024bar/op-dynamics, s_j = sgn f_j'(x'y):

    dB/dt = -(2 rho B/h)(1/k) sum_j s_j f_j'(x~_j'y~_j)                                    exactly,
    |dB/dt + (2 rho B/h)(1/k) sum_j |f_j'| | <= 2 |B| L rho^2 (1 + rho/(2 h)),

and (1/k) sum |f_j'| >= |f'|: shards whose slopes disagree balance although their mean may not.  The paper displays the
remainder as O(rho^2 L); it carries the factor |B|, without which it is false for large |B| (a control).

Conventions: f_j the mean of m samples l(x'y - b_i); each shard has its own normalisation; full batch.
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
    real,
    requires,
    script,
    seeds,
)
from samtheory.measures.balancedness import balance_rate, balancedness
from samtheory.oracles import EverySample
from samtheory.problems.balanced import Inner, pair
from samtheory.problems.links import HalfSquare, LogCosh, PseudoHuber
from samtheory.rules.sam import SAM
from samtheory.rules.sharded import Sharded
from samtheory.simulate import simulate
from samtheory.theory.balancedness import SLOPES, inner_rate, inner_remainder

EPS = np.finfo(float).eps
LINKS = {"half-square": HalfSquare(0.0), "log-cosh": LogCosh(), "pseudo-huber": PseudoHuber()}


@claim(
    title="m-sharpness balances f(x'y) at the mean of the |f_j'|, which is faster",
    where="Lemma 3",
    kind="identity",
    confidence="text (leading term), derived (exact rate, explicit remainder)",
    statement="""dB/dt = -(2 rho B/h) mean_j s_j f_j'(x~_j'y~_j) for shards j with their own ascents, within
        2 |B| L rho^2 (1 + rho/(2 h)) of -(2 rho B/h) mean_j |f_j'|, at least as fast as that for convex f_j, and
        mean_j |f_j'| >= |f'|.""",
    caveat="the displayed remainder O(rho^2 L) lacks a factor |B|",
)
class Shards:
    link: str = choice("half-square", "log-cosh", "pseudo-huber")
    shards: int = integer(1, 6)
    m: int = integer(1, 3)
    size: int = integer(1, 5)
    scale: float = log_real(0.1, 3)
    tilt: float = log_real(0.02, 50)
    spread: float = log_real(0.1, 10)  # of the labels around x'y
    reach: float = log_real(1e-3, 1.9)  # rho/h
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """(x, y), labels, rho."""
        rng = np.random.default_rng(self.seed)
        z = pair(rng, (self.size, self.size), self.scale, self.tilt)
        labels = z[: self.size] @ z[self.size :] + self.spread * rng.standard_normal(self.shards * self.m)
        return z, labels, self.reach * np.linalg.norm(z)

    def slopes(self, together=False):
        """f_j' at x'y and at the shard's own perturbed point; `together`: one shard."""
        z, labels, rho = self.data
        (x, y), h, slope = z.reshape(2, -1), np.linalg.norm(z), SLOPES[self.link]
        groups = labels.reshape(1 if together else self.shards, -1)
        now = slope(x @ y - groups).mean(axis=1)
        w = x @ y + rho * np.sign(now) * h + rho**2 / h**2 * (x @ y)
        return now, slope(w[:, None] - groups).mean(axis=1)

    def assumptions(self):
        return [requires("no f_j' is zero", np.abs(self.slopes()[0]).min(), ">", 1e-6 * min(self.spread, 1.0))]

    def measure(self, whole=False):
        """dB/dt = y'd_y - x'd_x from the direction d of a step with eta = 1."""
        z, labels, rho = self.data
        problem = EverySample(Inner(LINKS[self.link], labels, self.size))
        rule = Sharded(SAM(1.0, rho), labels.size if whole else self.m)
        return balance_rate(z, simulate(problem, rule, z, 1, threads=1).x, self.size)

    def predict(self, together=False, factor=True):
        """dB/dt, its leading term, the remainder."""
        z, _, rho = self.data
        B, h = balancedness(z, self.size), np.linalg.norm(z)
        now, ahead = self.slopes(together)
        return (
            inner_rate(B, h, rho, np.mean(np.sign(now) * ahead)),
            inner_rate(B, h, rho, np.abs(now).mean()),
            inner_remainder(B if factor else 1.0, h, rho, 1.0),
        )

    def judge(self, rate, predicted):
        z, labels, rho = self.data
        exact, lead, remainder = predicted
        far, slopes = np.linalg.norm(z) + rho, self.slopes()
        entries = np.abs(slopes).max() + far**2 + np.abs(labels).max()
        ulp = 8 * (self.size + labels.size + 4) * EPS * far * (far + entries * far)
        why = "8 (d + samples + 4) ulp of the iterates times the slopes"
        one = inner_rate(balancedness(z, self.size), np.linalg.norm(z), rho, abs(self.slopes(True)[0][0]))
        return [
            equals("dB/dt", rate, exact, tolerance=ulp, why=why),
            at_most("distance to the leading term", abs(rate - lead), remainder, slack=ulp, why=why),
            at_least("|dB/dt| over the leading term", abs(rate), abs(lead), slack=ulp, why=why),
            at_least("|dB/dt| over the leading term of one shard", abs(rate), abs(one), slack=ulp, why=why),
        ]

    away = {"tilt": real(3, 50), "scale": real(0.5, 3), "spread": real(1, 10), "shards": 6, "m": 1}
    controls = {
        "|f'| in place of the mean of |f_j'|": control(
            predict=lambda c: c.predict(together=True),
            where=away | {"reach": log_real(1e-3, 0.1)},
            refutes="dB/dt",
        ),
        "one ascent for all shards": control(
            measure=lambda c: c.measure(whole=True), where=away | {"reach": log_real(1e-3, 0.05)}, refutes="dB/dt"
        ),
        "a remainder without |B|": control(
            predict=lambda c: c.predict(factor=False),
            where=away
            | {"scale": real(2, 3), "tilt": real(10, 50), "link": "half-square", "reach": log_real(1e-3, 0.05)},
            refutes="distance to the leading term",
        ),
    }


if __name__ == "__main__":
    script(__file__)
