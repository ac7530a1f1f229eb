"""Wu, Ma & E 2018 (NeurIPS): SGD asks of a minimum that it be flat and uniform; USAM asks for more of both.

One dimension, samples of curvature c_i = g_i^2 >= 0, mean m and variance s^2; a batch of B without replacement has a
mean c of variance v = s^2 (n-B)/(B (n-1)).  SGD multiplies E delta^2 per step by
    E (1 - eta c)^2 = (1 - eta m)^2 + eta^2 v,             stable up to eta = 2 m/(m^2 + v).
USAM multiplies delta by 1 - eta c2 (1 + rho c1).  Independent batches: stable up to
    2 m (1 + rho m)/((m^2 + v) ((1 + rho m)^2 + rho^2 v)) <= eta_SGD/(1 + rho m);
the same batch: with the weights Q = c/m and w = 1 + rho c, E_Q[w] E_Q[c] <= E_Q[c w^2]/E_Q[w], whence
    eta <= eta_SGD/E_Q[w] = eta_SGD/(1 + rho (m + v/m)).
In one dimension USAM is less stable than SGD, always, and the same batch has the smaller bound.

Every batch is a coordinate of a diagonal quadratic; one step of the coded rule on it gives all factors at once.

Conventions: loss with 1/2; S1 = S2 for the same batch; rho in units of inverse curvature.
"""

import itertools

import numpy as np

from samtheory.claims import at_most, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

EPS = np.finfo(float).eps


@claim(
    title="Stability of SGD in one dimension: flatness and uniformity; USAM needs smaller steps",
    where="Section on linear stability, one dimension",
    kind="identity",
    confidence="memory (SGD), derived (USAM)",
    statement="""E delta+^2/delta^2 = (1 - eta m)^2 + eta^2 v, v = s^2 (n-B)/(B (n-1)): stable iff
        eta <= 2 m/(m^2 + v). Same-batch USAM is stable at most up to that step over 1 + rho (m + v/m).""",
)
class Nonuniformity:
    second: float = real(0, 10)  # curvatures 1, second, third, and n - 3 others in [0, 10]; all of them times `scale`
    third: float = real(0, 10)
    n: int = integer(3, 7)
    batch: int = integer(1, 7)  # at most n
    h: float = log_real(1e-2, 10)  # eta m
    reach: float = log_real(1e-2, 10)  # rho m
    scale: float = log_real(0.1, 10)
    seed: int = seeds()

    examples = tuple(  # curvatures 1, 2, 6; eta = 0.3, rho = 0.2: 0.43, 0.115, 0.01
        {"second": 2.0, "third": 6.0, "n": 3, "batch": b, "h": 0.9, "reach": 0.6, "scale": 1.0, "seed": 0}
        for b in (1, 2, 3)
    )

    @property
    def curvature(self):
        others = np.random.default_rng([self.seed, 0]).uniform(0, 10, self.n - 3)
        return self.scale * np.array([1, self.second, self.third, *others])

    @property
    def size(self):
        return min(self.batch, self.n)

    @property
    def eta(self):
        return self.h / self.curvature.mean()

    @property
    def rho(self):
        return self.reach / self.curvature.mean()

    def assumptions(self):
        return [
            requires("every curvature is >= 0", self.curvature.min(), ">=", 0),
            requires("some curvature is > 0", self.curvature.max(), ">", 0),
        ]

    def pushes(self, rho, ordered=False):
        """(1 - factor)/eta of every batch."""
        choose = itertools.combinations_with_replacement if ordered else itertools.combinations
        c = np.array([np.mean(chosen) for chosen in choose(self.curvature, self.size)])
        ones = np.ones_like(c)
        return (1 - simulate(Diagonal(c, 0 * c), USAM(self.eta, rho), ones, 1, threads=1).states[1]) / self.eta

    def measure(self, ordered=False):
        """E delta+^2/delta^2 of SGD, and the largest stable steps of SGD and of same-batch USAM."""
        pushes = [self.pushes(rho, ordered) for rho in (0.0, self.rho)]
        return np.mean((1 - self.eta * pushes[0]) ** 2), *(2 * k.mean() / np.mean(k**2) for k in pushes)

    def predict(self, share=None):
        m, n, B = self.curvature.mean(), self.n, self.size
        v = self.curvature.var() * ((n - B) / (B * (n - 1)) if share is None else share)
        limit = 2 * m / (m**2 + v)
        return (1 - self.eta * m) ** 2 + self.eta**2 * v, limit, limit / (1 + self.rho * (m + v / m))

    def judge(self, measured, predicted):
        factor, sgd, usam = measured
        # a push errs by 8 ulp of 1/eta and of itself, so its mean and its mean square by 8 (1 + 1/h), 16 (1 + 1/h) ulp
        worst = 32 * EPS * (1 + 1 / self.h)
        why = "8 ulp of 1 and of the push"
        return [
            equals(
                "E delta+^2/delta^2", factor, predicted[0], tolerance=16 * EPS * (1 + self.n * self.h) ** 2, why=why
            ),
            equals("largest stable step of SGD", sgd, predicted[1], tolerance=worst * predicted[1], why=why),
            at_most("largest stable step of USAM", usam, predicted[2], slack=worst * predicted[2], why=why),
        ]

    controls = {
        "batches with replacement": control(
            predict=lambda c: c.predict(1 / c.size), where={"n": 3, "batch": 2, "second": real(4, 10)}
        ),
        "no variance: flatness alone": control(
            predict=lambda c: c.predict(0.0), where={"batch": integer(1, 2), "second": real(4, 10)}
        ),
        "n for n - 1": control(
            predict=lambda c: c.predict((c.n - c.size) / (c.size * c.n)),
            where={"batch": integer(1, 2), "second": real(4, 10)},
        ),
        "USAM: bound off by one part in a million, equal curvatures": control(
            predict=lambda c: (*c.predict()[:2], (1 - 1e-6) * c.predict()[2]),
            where={"second": 1.0, "third": 1.0, "n": 3},
            refutes="largest stable step of USAM",
        ),
        "USAM: twice the penalty": control(
            predict=lambda c: (*c.predict()[:2], c.predict()[1] / (2 * c.predict()[1] / c.predict()[2] - 1)),
            where={"reach": real(0.3, 1), "second": real(0.8, 1.2), "third": real(0.8, 1.2), "n": 3},
            refutes="largest stable step of USAM",
        ),
        "a batch size off by one": control(
            predict=lambda c: c.predict((c.n - c.size - 1) / ((c.size + 1) * (c.n - 1))),
            where={"batch": integer(1, 2), "second": real(4, 10)},
        ),
        "a negative curvature": control(  # 1, -1.1 and 0: USAM tolerates what SGD does not
            where={"second": -0.5, "third": 0.0, "n": 3, "batch": 1, "scale": 1.0, "h": 0.5, "reach": real(0.1, 0.16)},
            violates="every curvature is >= 0",
            refutes="largest stable step of USAM",
        ),
    }


if __name__ == "__main__":
    script(__file__)
