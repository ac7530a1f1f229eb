"""Ours, a toy of asymmetric valleys: gradient noise lets SAM drift to the flat side, by up to rho (a - b)/(a + b).

f'' = a left of 0 and b < a right of it; the same additive noise sigma z in both gradients, so that the ascent has the
sign s of f'(x) + sigma z, which is + with probability p(x) = Phi(f'(x)/sigma).  As eta -> 0 SAM's mean rests where
    p f'(x + rho) + (1 - p) f'(x - rho) = 0:
at 0 without noise, at rho (a - b)/(a + b) for strong noise, when s is a fair coin; in between it rises with sigma.
(The worst case, max over |e| <= rho of f(x + e), is least at rho (sqrt a - sqrt b)/(sqrt a + sqrt b), another point.)
At a finite eta, exactly: the left side rises with x by b at least, hence
    E(x_t - x*)^2 <= (1 - 2 eta b + 2 eta^2 a^2)^t x*^2 + eta B/(2 b - 2 eta a^2)   from x_0 = 0,
B a bound of the second moment of the step's gradient; |E x_t - x*| is at most the root.  Closer, with the slope D' of
the left side at x* and K its second-order remainder over (x - x*)^2, q = 1 - eta D', r = 1 - 2 eta b + 2 eta^2 a^2,
    |E x_t - x*| <= q^t x* + eta K sum_{s<t} q^(t-1-s) E(x_s - x*)^2
                 <= q^t x* + (K/D') eta B/(2 b - 2 eta a^2) + eta K x*^2 (r^t - q^t)/(r - q).

Monte Carlo: Student's interval over 96 independent runs, a run's mean over its last quarter; false alarm 1e-6/2 each.
"""

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, equals, log_real, real, requires, script, seeds
from samtheory.oracles import GaussianNoise
from samtheory.problems.piecewise import two_sided
from samtheory.rules.sam import SAM
from samtheory.sde.order import mean_interval
from samtheory.simulate import simulate
from samtheory.theory.alignment import (
    valley_bend,
    valley_rest,
    valley_rest_noisy,
    valley_rest_worst_case,
    valley_spread,
)

RUNS, MEMORIES = 96, 6
STRONG = {"noise": real(0.7, 1.5), "ratio": real(0.2, 0.3), "h": log_real(3e-3, 4e-3)}


@claim(
    title="Noise makes SAM drift to the flat side of an asymmetric valley",
    where="rates C15",
    kind="limit",
    confidence="derived",
    statement="""as eta -> 0, E x -> x*, p f'(x* + rho) + (1 - p) f'(x* - rho) = 0, p = Phi(f'(x*)/sigma): x* rises with
        sigma from 0 to rho (a - b)/(a + b); E(x - x*)^2 <= eta B/(2 b - 2 eta a^2) when stationary""",
    cost=20,
)
class AsymmetricValley:
    a: float = log_real(0.5, 20)
    ratio: float = real(0.1, 0.9)  # b/a
    rho: float = log_real(0.05, 5)
    noise: float = log_real(0.02, 2)  # sigma/(a rho)
    h: float = log_real(1e-3, 4e-3)  # eta a
    seed: int = seeds()

    examples = ({"a": 10.0, "ratio": 0.1, "rho": 0.5, "noise": 0.2, "h": 1e-3, "seed": 0},)  # x* near .35

    @property
    def law(self):
        return self.a, self.ratio * self.a, self.rho, self.noise * self.a * self.rho

    def assumptions(self):
        return [
            requires("a > b > 0", 0 < self.ratio < 1),
            requires("eta a^2 < b", self.h, "<", self.ratio),
        ]

    def measure(self, rho=None):
        """E x and E (x - x*)^2 over the last quarter of the run."""
        a, b, radius, sigma = self.law
        steps, rest = int(MEMORIES / (self.h * self.ratio)), valley_rest(*self.law)
        rule = SAM(self.h / a, radius if rho is None else rho)
        record = {"x": lambda x: x[..., 0], "square": lambda x: (x[..., 0] - rest) ** 2}
        run = simulate(
            GaussianNoise(two_sided(a, b), sigma), rule, [0.0], steps, members=RUNS, seed=self.seed,
            every=max(1, steps // 400), record=record, threads=1,
        )  # fmt: skip
        late = run.t >= 0.75 * steps
        return [mean_interval(run[name][:, late].mean(axis=1), 5e-7, RUNS) for name in ("x", "square")]

    def predict(self):
        """x*, the bound on E(x - x*)^2, and x* for one per cent more noise."""
        a, b, rho, sigma = self.law
        eta, rest = self.h / a, valley_rest(*self.law)
        left = (1 - 2 * eta * b + 2 * (eta * a) ** 2) ** self.late * rest**2
        return rest, valley_spread(a, b, rho, sigma, eta) + left, valley_rest(a, b, rho, 1.01 * sigma)

    @property
    def late(self):
        """The step at which the last quarter begins."""
        return 0.75 * int(MEMORIES / (self.h * self.ratio))

    @property
    def bias(self):
        """The bound on |E x_t - x*| from there on that does not take a root."""
        a, b, rho, sigma = self.law
        eta, rest, t = self.h / a, valley_rest(*self.law), self.late
        slope, bend = valley_bend(*self.law)
        q, r = 1 - eta * slope, 1 - 2 * eta * b + 2 * (eta * a) ** 2
        early = eta * t * max(q, r) ** (t - 1) if abs(r - q) < 1e-6 * eta * b else eta * (r**t - q**t) / (r - q)
        return q**t * rest + bend * (valley_spread(a, b, rho, sigma, eta) / slope + early * rest**2)

    def judge(self, measured, predicted):
        (mean, square), (rest, spread, noisier) = measured, predicted
        strong, off = valley_rest_noisy(*self.law[:3]), min(np.sqrt(spread), self.bias)
        return [
            equals("E x", mean.estimate, rest, tolerance=off + mean.half_width,
                   why="the bound on |E x - x*|, and Monte Carlo, false alarm 1e-6"),
            at_most("E (x - x*)^2", square.estimate, spread, slack=square.half_width,
                    why="Monte Carlo alone, false alarm 1e-6"),
            at_least("x* with more noise, over x*", noisier, rest, slack=1e-12 * self.rho, why="bisection"),
            at_most("x*, below its limit for strong noise", rest, strong, slack=1e-12 * self.rho, why="bisection"),
        ]  # fmt: skip

    controls = {
        "no drift": control(predict=lambda c: (0.0, *c.predict()[1:]), where=STRONG, refutes="E x"),
        "drift to the steep side": control(
            predict=lambda c: (-c.predict()[0], *c.predict()[1:]), where=STRONG, refutes="E x"
        ),
        "x* six per cent lower": control(
            predict=lambda c: (0.94 * c.predict()[0], *c.predict()[1:]), where=STRONG | {"h": 1.5e-3}, refutes="E x"
        ),
        "stochastic gradient descent": control(measure=lambda c: c.measure(rho=0.0), where=STRONG, refutes="E x"),
        "the minimiser of the worst case, under weak noise": control(
            predict=lambda c: (float(valley_rest_worst_case(*c.law[:3])), *c.predict()[1:]), refutes="E x",
            where={"noise": real(0.02, 0.03), "ratio": real(0.2, 0.3), "h": log_real(3e-3, 4e-3)},
        ),
        "the limit of strong noise, under weak noise": control(
            predict=lambda c: (float(valley_rest_noisy(*c.law[:3])), *c.predict()[1:]), refutes="E x",
            where={"noise": real(0.02, 0.03), "ratio": real(0.2, 0.3), "h": log_real(3e-3, 4e-3)},
        ),
        "a tenth of the spread": control(
            predict=lambda c: (c.predict()[0], 0.1 * c.predict()[1], c.predict()[2]),
            where={"noise": real(1, 2), "ratio": real(0.7, 0.9), "h": 4e-3},
            refutes="E (x - x*)^2",
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
