"""Li, Zhang & He 2024 (arXiv 2410.14802), Theorem 3 and Lemma 2: how fast SAM balances f(x'y).

B = (|x|^2 - |y|^2)/2, h^2 = |x|^2 + |y|^2, w = x'y, s = sgn f'(w).  The ascent is (x~, y~) = (x, y) + (rho s/h)(y, x),
so x'x~ - y'y~ and the like close, and with f~' = f'(x~'y~), w~ - w = s rho h + rho^2 w/h^2,

    a step   B+ = B [1 - 2 eta rho s f~'/h - eta^2 f~'^2 (1 - rho^2/h^2)]        exactly, for every eta and rho
    flow     dB/dt = -2 rho s f~' B/h                                            exactly
             |dB/dt + 2 rho |f'| B/h| <= 2 |B| L rho^2 (1 + rho/(2 h))           as |w| <= h^2/2
             rho |f'| | |x| - |y| | <= |dB/dt| <= rho |f'| sqrt(2 |B|) + the same remainder.

The paper subtracts its error O(rho^2 L |B|) on the left.  For convex f and rho < 2 h nothing has to be subtracted: w~
is on the side of w that s points to, so s f~' >= |f'|: the error term helps, |B| falls faster than the leading term.

Conventions: full batch; both blocks share one normalisation; no perturbation where f' = 0; time = eta times steps.
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
from samtheory.problems.balanced import Inner, pair
from samtheory.problems.links import HalfSquare, LogCosh, PseudoHuber, TanhSquare
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.balancedness import SLOPES, inner_rate, inner_remainder
from samtheory.theory.product import imbalance_factor

EPS = np.finfo(float).eps
LINKS = {
    "half-square": HalfSquare(0.0),
    "log-cosh": LogCosh(),
    "pseudo-huber": PseudoHuber(),
    "tanh-square": TanhSquare(0.0),
}


@claim(
    title="SAM balances f(x'y) at the rate 2 rho |f'|/h or faster; a step, exactly",
    where="Theorem 3 and Lemma 2",
    kind="identity",
    confidence="text (leading term, sandwich), derived (exact forms, explicit remainder)",
    statement="""B+ = B [1 - 2 eta rho s f~'/h - eta^2 f~'^2 (1 - rho^2/h^2)], dB/dt = -2 rho s f~' B/h, within
        2 |B| L rho^2 (1 + rho/(2 h)) of -2 rho |f'| B/h, and at least as fast for convex f and rho < 2 h.""",
    caveat="the paper's error term is favourable: its lower bound holds without it when f is convex",
)
class InnerDynamics:
    link: str = choice("half-square", "log-cosh", "pseudo-huber")
    size: int = integer(1, 6)
    scale: float = log_real(0.1, 3)  # |x||y| = scale^2
    tilt: float = log_real(0.02, 50)  # |x|/|y|
    miss: float = real(-3, 3)  # x'y minus the label
    reach: float = log_real(1e-3, 1.9)  # rho/h
    eta: float = log_real(1e-3, 1)
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """(x, y), label, rho."""
        z = pair(np.random.default_rng(self.seed), (self.size, self.size), self.scale, self.tilt)
        return z, z[: self.size] @ z[self.size :] - self.miss, self.reach * np.linalg.norm(z)

    def assumptions(self):
        z, _, rho = self.data
        return [
            requires("f' is not zero", abs(self.slopes[0]), ">", 1e-6),
            requires("rho < 2 h", rho, "<", 2 * np.linalg.norm(z)),
            requires("f is convex", self.link != "tanh-square"),
        ]

    def measure(self, rule=SAM):
        """B after a step, and dB/dt = y'd_y - x'd_x from the direction d of a step with eta = 1."""
        z, label, rho = self.data
        problem = Inner(LINKS[self.link], [label], self.size)
        after, far = (
            simulate(problem, rule(eta, rho) if rule is SAM else rule(eta), z, 1, threads=1).x for eta in (self.eta, 1)
        )
        return balancedness(after, self.size), balance_rate(z, far, self.size)

    @property
    def slopes(self):
        """f' at x'y and at the perturbed point."""
        (x, y), label, rho = self.data[0].reshape(2, -1), *self.data[1:]
        slope = SLOPES[self.link](x @ y - label)
        push = rho * np.sign(slope) / np.hypot(np.linalg.norm(x), np.linalg.norm(y))
        return slope, SLOPES[self.link]((x + push * y) @ (y + push * x) - label)

    def predict(self, sign=1.0, share=1.0, remainder=1.0):
        """B+, dB/dt, its leading term, the remainder and the two ends of the sandwich."""
        z, _, rho = self.data
        B, h = balancedness(z, self.size), np.linalg.norm(z)
        slope, slope_plus = self.slopes
        push = sign * rho * np.sign(slope) / h
        factor = imbalance_factor(self.eta, push, 1.0, slope_plus) + (share - 1) * (self.eta * slope_plus * push) ** 2
        left = abs(np.linalg.norm(z[: self.size]) - np.linalg.norm(z[self.size :]))
        return (
            B * factor,
            inner_rate(B, h, sign * rho, np.sign(slope) * slope_plus),
            inner_rate(B, h, sign * rho, abs(slope)),
            remainder * inner_remainder(B, h, rho, 1.0),
            rho * abs(slope) * np.array([left, np.sqrt(2 * abs(B))]),
        )

    def judge(self, measured, predicted):
        z, label, rho = self.data
        after, rate = measured
        exact_after, exact_rate, lead, remainder, (low, high) = predicted
        h, slope = np.linalg.norm(z), np.abs(self.slopes).max()
        # the slope is known to an ulp of w~ and of the label, the iterate to an ulp of itself
        slope_ulp = slope + (h + rho) ** 2 + abs(label)
        ulp = 8 * (self.size + 4) * EPS * (h + rho) * (h + slope_ulp * (h + rho))
        moved = 8 * (self.size + 4) * EPS * (h + self.eta * slope * (h + rho)) * (h + self.eta * slope_ulp * (h + rho))
        why = "8 (d + 4) ulp of the iterates times the slopes"
        return [
            equals("B after a step", after, exact_after, tolerance=moved, why=why),
            equals("dB/dt", rate, exact_rate, tolerance=ulp, why=why),
            at_most("distance to the leading term", abs(rate - lead), remainder, slack=ulp, why=why),
            at_least("|dB/dt| over the leading term", abs(rate), abs(lead), slack=ulp, why=why),
            at_least("|dB/dt| over rho |f'| ||x| - |y||", abs(rate), low, slack=ulp, why=why),
            at_most("|dB/dt| under rho |f'| sqrt(2|B|)", abs(rate), high + remainder, slack=ulp, why=why),
        ]

    away = {"tilt": real(3, 50), "miss": real(1, 3), "scale": real(0.5, 3), "reach": real(0.1, 1.9)}
    controls = {
        "gradient descent": control(measure=lambda c: c.measure(GD), where=away, refutes="dB/dt"),
        "the sign of the ascent": control(predict=lambda c: c.predict(sign=-1.0), where=away, refutes="dB/dt"),
        "rho^2/h^2 off by one part in a million": control(
            predict=lambda c: c.predict(share=1 + 1e-6), where=away | {"eta": real(0.2, 1)}, refutes="B after a step"
        ),
        "a remainder smaller by one per cent": control(
            predict=lambda c: c.predict(remainder=0.99),
            where=away | {"link": "half-square", "reach": log_real(1e-4, 1e-3)},
            refutes="distance to the leading term",
        ),
        "a loss that is not convex": control(
            where=away | {"link": "tanh-square", "reach": real(0.3, 1.9)},
            violates="f is convex",
            refutes="|dB/dt| over the leading term",
        ),
    }


if __name__ == "__main__":
    script(__file__)
