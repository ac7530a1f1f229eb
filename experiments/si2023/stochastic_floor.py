"""Si & Yun 2023 (arXiv 2306.09850): stochastic SAM with a constant radius stops away from the minimum.

l(x; xi) = mu x^2/2 + xi x, xi = a with probability p > 1/2 and -a p/(1 - p) else: mean 0, and f = mu x^2/2.  The ascent
points to + with probability p as long as mu x stays between the noise values, so that for n-SAM and m-SAM alike
    x_inf = -min(a/mu, (2p - 1) rho),    f(x_inf) - f* = (mu/2) min(...)^2 -> mu rho^2/2 as p -> 1, a >= mu rho,
the floor beta^2 rho^2/(2 mu) of si2023/stochastic-upper.  At a finite eta, x+ - x_inf = (1 - eta mu)(x - x_inf) - eta N
with (x - x_inf) E[N|x] >= 0, because the probability of + rises with x; hence, exactly,
    E(x_t - x_inf)^2 <= (1 - eta mu)^{2t} (x_0 - x_inf)^2 + eta E N^2/(mu (2 - eta mu)),
and |E x_t - x_inf| is at most the root of it.  The construction is ours: the paper's own functions are not reproduced.

Monte Carlo: Student's intervals over independent runs, false alarm 1e-6/3 each; a run gives its mean over time.
Conventions: p = k/n by n equally likely samples; rho constant; normalised ascent.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.oracles import WithReplacement
from samtheory.problems.finite_sum import LeastSquares
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import InverseRoot
from samtheory.sde.order import mean_interval
from samtheory.simulate import simulate
from samtheory.theory.constant_radius import two_point_limit, two_point_spread

RUNS, MEMORIES, ALARM = 128, 8, 1e-6 / 3
DEEP = {"noise": real(1, 3), "radius": real(1, 3), "ups": integer(8, 9)}


@claim(
    title="Stochastic SAM with a constant radius stops a distance of order rho from the minimum",
    where="stochastic lower bound",
    kind="counterexample",
    confidence="derived",
    statement="""for noise a w.p. p > 1/2, -a p/(1-p) else, x_t -> x_inf = -min(a/mu, (2p-1) rho) as eta -> 0, for n-SAM
        and m-SAM: E(x - x_inf)^2 <= eta E N^2/(mu (2 - eta mu)); (mu/2) x_inf^2 -> mu rho^2/2 as p -> 1""",
    caveat="the paper's own example (piecewise functions, virtual loss) is not reproduced",
    cost=12,
)
class StochasticFloor:
    samples: str = choice("independent", "shared")
    ups: int = integer(6, 9)  # p = ups/10
    noise: float = log_real(0.1, 3)  # a/(mu rho)
    h: float = log_real(0.002, 0.01)  # eta mu
    mu: float = log_real(0.2, 5)
    radius: float = log_real(0.1, 3)  # rho
    seed: int = seeds()

    examples = (
        {"samples": "independent", "ups": 8, "noise": 1.0, "h": 0.002, "mu": 1.0, "radius": 1.0, "seed": 0},
        {"samples": "shared", "ups": 9, "noise": 1.0, "h": 0.002, "mu": 1.0, "radius": 1.0, "seed": 0},
    )

    @property
    def a(self):
        return self.noise * self.mu * self.radius

    @property
    def law(self):
        p = self.ups / 10
        return self.mu, self.h / self.mu, self.radius, self.a, p

    @functools.cached_property
    def problem(self):
        xi = np.where(np.arange(10) < self.ups, self.a, -self.a * self.ups / max(10 - self.ups, 1))
        return LeastSquares(np.full((10, 1), np.sqrt(self.mu)), -xi / np.sqrt(self.mu))

    def assumptions(self):
        return [requires("p > 1/2", self.law[-1], ">", 0.5), requires("eta mu <= 1", self.h, "<=", 1)]

    def measure(self, rho=None, fair=False):
        """E x and E (x - x_inf)^2 of the last half of the run."""
        mu, eta, radius, a, p = self.law
        steps = int(MEMORIES / self.h)
        problem = LeastSquares(np.full((2, 1), np.sqrt(mu)), np.array([a, -a]) / np.sqrt(mu)) if fair else self.problem
        oracle = WithReplacement(problem, 1, self.samples == "shared")
        limit = float(two_point_limit(mu, radius, a, p))
        record = {"x": lambda x: x[..., 0], "square": lambda x: (x[..., 0] - limit) ** 2}
        rule = SAM(eta, radius if rho is None else rho)
        every = max(1, int(0.05 / self.h))
        run = simulate(oracle, rule, [0.0], steps, members=RUNS, seed=self.seed, every=every, record=record, threads=1)
        late = run.t >= steps / 2
        return [mean_interval(run[name][:, late].mean(axis=1), ALARM) for name in ("x", "square")]

    def predict(self):
        """x_inf, and the mean of the bound on E(x_t - x_inf)^2 over the last half."""
        mu, eta, radius, a, p = self.law
        limit = two_point_limit(mu, radius, a, p)
        spread = two_point_spread(mu, eta, radius, a, p, self.samples == "shared")
        return limit, spread + (1 - self.h) ** (MEMORIES / self.h - 2) * limit**2

    def judge(self, measured, predicted):
        (mean, square), (limit, spread) = measured, predicted
        why = "Monte Carlo alone, false alarm 1e-6"
        away = "root of the bound on E(x - x_inf)^2 and Monte Carlo, false alarm 1e-6"
        return [
            equals("E x", mean.estimate, limit, tolerance=np.sqrt(spread) + mean.half_width, why=away),
            at_most("E (x - x_inf)^2", square.estimate, spread, slack=square.half_width, why=why),
        ]

    controls = {
        "a fair coin": control(measure=lambda c: c.measure(fair=True), where=DEEP, refutes="E x"),
        "stochastic gradient descent": control(measure=lambda c: c.measure(rho=0.0), where=DEEP, refutes="E x"),
        "a radius that decays": control(
            measure=lambda c: c.measure(rho=InverseRoot(c.radius)), where=DEEP, refutes="E x"
        ),
        "rho for (2p - 1) rho": control(
            predict=lambda c: (-c.radius, c.predict()[1]), where={"noise": real(1.2, 2), "ups": integer(6, 7)}
        ),
        "a/mu though it is the larger": control(
            predict=lambda c: (-c.a / c.mu, c.predict()[1]), where={"noise": real(1.2, 3), "ups": integer(6, 7)}
        ),
        "(2p - 1) rho though it is the larger": control(
            predict=lambda c: ((1 - c.ups / 5) * c.radius, c.predict()[1]),
            where={"noise": log_real(0.1, 0.2), "ups": integer(8, 9)},
        ),
        "half of the spread": control(
            predict=lambda c: (c.predict()[0], 0.5 * c.predict()[1]),
            where={"samples": "independent", "noise": real(2, 3), "ups": integer(7, 8)}, refutes="E (x - x_inf)^2",
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
