"""Ours (a sharpening of Bartlett, Long & Bousquet 2023 in one dimension): the cycle of Unified SAM and its basin.

On f = lam x^2/2 Unified SAM, x+ = x - eta g(x + rho (1 - mix + mix/|g|) g), is the scalar map
x+ = (1 - a) x - c sgn x with a = eta lam (1 + rho lam (1 - mix)) and c = eta lam rho mix, and 0 stays where it is.
Once the sign alternates, |x+| - A = -(1 - a) (|x| - A) with A = c/(2 - a), and a contraction for 0 < a < 2.  For
a >= 1 it alternates at once.  For a < 1 the sign is kept while |x| > c/(1 - a), and then (1 - a)^t |x_0| >= c >= A;
|x| = c/(1 - a) and its preimages, a countable set, land on 0 and stay.  Either way, for every other x_0 != 0,
||x_t| - A| <= |1 - a|^(t-1) max(|x_0|, A) for t >= 1.  For a >= 2 there is no cycle.

Conventions: loss with 1/2; mix = 0 is USAM (no cycle: A = 0), mix = 1 is SAM; rho multiplies a gradient and a
unit vector at once; full batch; no perturbation at a zero gradient, no epsilon in the norm.
"""

import numpy as np

from samtheory.claims import at_most, claim, control, equals, integer, log_real, real, requires, script
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.gd import GD
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import unified_cycle_amplitude

EPS = np.finfo(float).eps
MISSES = "x_0 is not mapped onto 0 (16 ulp apart)"
DYADIC = {"a": 0.5, "mix": 1.0, "rho": 1.0, "lam": 1.0}  # no rounding: 7 -> 3 -> 1 -> 0


def scaled(c, factor, power):
    """The prediction with another amplitude and rate."""
    amplitude, rate = c.predict()
    return factor * amplitude, rate**power


@claim(
    title="Unified SAM on a parabola converges to its two-cycle from every start but a countable set",
    where="rates C16",
    kind="limit",
    confidence="derived",
    statement="""||x_t| - A| <= |1 - a|^(t-1) max(|x_0|, A) and x_{t+1} + x_t -> 0,
        with a = eta lam (1 + rho lam (1 - mix)) and A = eta lam rho mix/(2 - a),
        for 0 < a < 2, mix in (0, 1] and every x_0 != 0 that is not mapped onto 0.""",
)
class UnifiedCycle:
    a: float = real(0.02, 1.98)  # contraction: |1 - a| a step
    mix: float = real(0.01, 1)
    rho: float = log_real(1e-2, 10)
    lam: float = log_real(0.1, 10)
    start: float = log_real(1e-3, 1e3)  # |x_0| / rho
    sign: int = integer(0, 1)

    examples = (
        {"a": 0.6, "mix": 1.0, "rho": 0.1, "lam": 2.0, "start": 7.3, "sign": 0},  # A = 0.0428571429
        {"a": 1.5, "mix": 1.0, "rho": 0.2, "lam": 1.0, "start": 0.37, "sign": 1},  # A = 0.6
        {"a": 1.0, "mix": 0.3, "rho": 0.5, "lam": 2.0, "start": 2.0, "sign": 0},  # on the cycle after one step
    )

    @property
    def eta(self):
        return self.a / (self.lam * (1 + self.rho * self.lam * (1 - self.mix)))

    @property
    def kick(self):
        return self.eta * self.lam * self.rho * self.mix  # c

    def clearance(self):
        """How far x_k stays from 0 at the step k that comes closest to it before the sign changes, in its round-off.

        x_k a/c = (1 - a)^k (1 + a |x_0|/c) - 1, and k steps err by k ulp of x_{k-1}, that is of (c/a)/(1 - a).
        """
        if self.a >= 1:
            return np.inf  # the sign changes at once
        far, rate = np.log1p(self.a * self.start * self.rho / self.kick), np.log1p(-self.a)
        k = max(1, round(-far / rate))
        return abs(np.expm1(far + rate * k)) * (1 - self.a) / (k * EPS)

    def assumptions(self):
        return [
            requires("lam > 0", self.lam, ">", 0),
            requires("a < 2", self.a, "<", 2),
            requires("x_0 is not 0", self.start, ">", 0),
            requires(MISSES, self.clearance(), ">", 16),
        ]

    def run(self, rule):
        """x_t over 60 e-foldings of the contraction."""
        problem, start = Diagonal([self.lam], [0]), [(-1) ** self.sign * self.start * self.rho]
        steps = 100 + int(60 / (1 - abs(1 - self.a))) if self.a < 2 else 300
        states = simulate(problem, rule, start, steps, threads=1, on_divergence="report").states
        return np.nan_to_num(states[:, 0], nan=np.inf)

    def measure(self):
        return self.run(UnifiedSAM(self.eta, self.rho, self.mix))

    def predict(self):
        return unified_cycle_amplitude(self.eta, self.rho, self.lam, self.mix), abs(1 - self.a)

    def judge(self, x, predicted):
        amplitude, rate = predicted
        t, far, size = np.arange(1, x.size), max(abs(x[0]), amplitude), np.abs(x[1:])
        # a step errs by 10.5 ulp of the way it goes: 2 A on the cycle, before that at most the last approach
        slack = 16 * EPS * (amplitude / (1 - rate) + t * rate ** np.maximum(t - 2.0, 0) * far)
        why = "16 ulp a step, summed over the memory 1/(1 - |1 - a|)"
        approach = rate ** (t - 1.0) * far
        seen = approach > slack  # the rest is round-off
        return [
            equals("|x_t|, last 50", size[-50:], amplitude, tolerance=slack[-50:], why=why),
            equals("x_{t+1} + x_t, last 50", (x[1:] + x[:-1])[-50:], 0, tolerance=2 * slack[-50:], why=why),
            at_most("||x_t| - A|", np.abs(size - amplitude)[seen], approach[seen], slack=slack[seen], why=why),
        ]

    controls = {
        "amplitude off by one part in a million": control(predict=lambda c: scaled(c, 1 + 1e-6, 1)),
        "amplitude without mix": control(predict=lambda c: scaled(c, 1 / c.mix, 1), where={"mix": real(0.01, 0.99)}),
        "2 - eta lam for 2 - a": control(
            predict=lambda c: scaled(c, (2 - c.a) / (2 - c.eta * c.lam), 1), where={"mix": real(0.01, 0.99)}
        ),
        "rate |1 - a|^1.05": control(
            predict=lambda c: scaled(c, 1, 1.05), where={"a": real(1.3, 1.9), "start": log_real(300, 1000)}
        ),
        "gradient descent does not cycle": control(measure=lambda c: c.run(GD(c.eta))),
        "un-normalised SAM does not cycle": control(
            measure=lambda c: c.run(UnifiedSAM(c.eta, 1e-3 * c.rho, 0)), where={"a": real(0.02, 1.5)}
        ),
        "no cycle beyond a = 2": control(
            predict=lambda c: (c.kick / (c.a - 2), 1 / (c.a - 1)), where={"a": real(2.01, 4)}, violates="a < 2"
        ),
        "start mapped onto 0": control(where=DYADIC | {"start": 1.0}, violates=MISSES),
        "start mapped onto 0 in three steps": control(where=DYADIC | {"start": 7.0}, violates=MISSES),
        "start at 0": control(where={"start": 0.0}, violates="x_0 is not 0"),
    }


if __name__ == "__main__":
    script(__file__)
