"""Andriushchenko & Flammarion 2022 (arXiv 2206.06232): stochastic USAM on smooth functions, mean squared gradient.

E|g_i - g|^2 <= sigma^2, every loss beta-smooth, batches of b; eta = 1/(beta sqrt T), rho = 1/(beta T^(1/4)):
    (1/T) sum_{t<T} E|g(w_t)|^2 <= 4 beta (f(w_0) - f^inf)/sqrt T + 8 sigma^2/(b sqrt T),
for one batch in both gradients, w+ = w - eta g_I(w + rho g_I(w)), and for two, w+ = w - eta g_I(w + rho g_J(w)).
Derived for T >= 49 (samtheory.theory.unified.usam_nonconvex_bound) and, without noise, for every T: from
samtheory/usam-nonconvex-exact for T >= 4, by semidefinite programmes for T <= 3.  The 4 is not tight: a long run
without noise spends exactly f(w_0) - f^inf (ratio 1/4); the worst of all functions is .63 of the bound, at T = 2.

Conventions: f(w) = sum_j w_j^2 + 3 sin^2 w_j (beta = 8), 1 - cos w (beta = 1) or a quadratic; f_i(w) = f(w) +
<xi_i, w>, xi ~ N(0, sigma^2/d I), so that a batch of b has noise sigma^2/b; un-normalised ascent.  Expectation: exact
without noise, else 1280 runs.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, integer, log_real, real, requires, script, seeds, usually
from samtheory.evaluate import grad_norms, losses
from samtheory.oracles import GaussianNoise
from samtheory.problems.core import constants
from samtheory.problems.quadratic import Diagonal
from samtheory.problems.separable import SinePL
from samtheory.problems.washboard import Washboard
from samtheory.rules.usam import USAM
from samtheory.sde.order import mean_interval
from samtheory.simulate import simulate
from samtheory.theory.unified import usam_nonconvex_bound, usam_nonconvex_pair
from samtheory.worst_case.sdp import available, worst_case

RUNS = 1280
MEAN = "mean E|g|^2"


@claim(
    title="Stochastic USAM on smooth functions: mean squared gradient of order T^-1/2",
    where="convergence theorem, non-convex",
    kind="bound",
    confidence="memory (statement), derived for T >= 49",
    statement="""(1/T) sum_{t<T} E|g(w_t)|^2 <= 4 beta (f(w_0) - f^inf)/sqrt T + 8 sigma^2/(b sqrt T) for
        eta = 1/(beta sqrt T), rho = 1/(beta T^(1/4)); T >= 49, or no noise; same or independent batch.""",
    cost=5.0,
)
class NonconvexRate:
    family: str = choice("x^2 + 3 sin^2 x", "1 - cos x", "quadratic")
    batches: str = choice("one batch", "two batches")
    noise: str = choice("none", "additive")
    steps: int = usually(integer(49, 600), integer(1, 100_000))  # T
    size: int = integer(1, 8)  # b
    sigma: float = log_real(0.1, 10)
    dim: int = integer(1, 3)
    start: float = log_real(0.1, 10)
    seed: int = seeds()

    short = {"family": "quadratic", "batches": "one batch", "noise": "none", "size": 1, "sigma": 1.0, "dim": 1,
             "start": 1.0, "seed": 0}  # fmt: skip
    examples = (
        short | {"steps": 1},
        short | {"steps": 2},
        short | {"steps": 3},
        short | {"steps": 6},
        short | {"family": "x^2 + 3 sin^2 x", "dim": 3, "steps": 1000, "noise": "additive"},
    )

    @functools.cached_property
    def problem(self):
        if self.family == "quadratic":
            lam = np.random.default_rng([self.seed, 0]).uniform(0.01, 1, self.dim)
            return Diagonal(lam / lam.max(), 0 * lam)
        if self.family == "1 - cos x":
            return Washboard([0.0], [1.0], [0.0])
        return SinePL(3.0, self.dim)

    @property
    def x0(self):
        if self.family == "1 - cos x":  # start is the distance from the top
            return np.array([np.pi - self.start])
        return self.start * np.random.default_rng([self.seed, 1]).standard_normal(self.dim)

    @property
    def beta(self):
        return constants(self.problem).L

    def assumptions(self):
        enough = self.steps >= 49 or self.noise == "none"
        return [requires("T >= 49, or no noise", enough)]

    def measure(self, radius=None):
        """Mean of E|g(w_t)|^2 over t < T and the half-width of its interval; `radius`: another rho beta."""
        eta, rho = usam_nonconvex_pair(self.steps, self.beta)
        rho = rho if radius is None else radius / self.beta
        quiet = self.noise == "none"
        # noise of a batch in one coordinate
        sigma = 0.0 if quiet else self.sigma / np.sqrt(self.size * len(self.x0))
        run = simulate(
            GaussianNoise(self.problem, sigma, shared=self.batches == "one batch"), USAM(eta, rho), self.x0,
            self.steps - 1, members=1 if quiet else RUNS,
            record={"square": lambda x: grad_norms(self.problem, x) ** 2}, seed=self.seed, threads=1,
        )  # fmt: skip
        means = run["square"].mean(axis=1)
        if quiet:
            return means[0], 0.0
        found = mean_interval(means)
        return float(found.estimate), float(found.half_width)

    def predict(self, four=4.0, eight=8.0):
        sigma = 0.0 if self.noise == "none" else self.sigma
        bound = functools.partial(usam_nonconvex_bound, self.steps, self.beta)
        start, noise = bound(0.0, 1, losses(self.problem, self.x0)), bound(sigma, self.size, 0.0)
        return float(four / 4 * start + eight / 8 * noise)

    def judge(self, measured, bound):
        mean, half = measured
        return [
            at_most(MEAN, mean, bound, slack=1e-12 * bound, error=half,
                    why="1e-12; with noise Student's interval of 1280 runs, false alarm 1e-6")
        ]  # fmt: skip

    def exact(self):
        """The worst of all beta-smooth functions, without noise."""
        if not available() or self.noise != "none" or self.steps > 9:
            return {}
        found = worst_case(
            USAM(*usam_nonconvex_pair(self.steps, self.beta)), "smooth", L=self.beta, steps=self.steps,
            metric="mean-gradient", start=float(losses(self.problem, self.x0)),
        )  # fmt: skip
        return {MEAN: found.value}

    sine = {"family": "x^2 + 3 sin^2 x", "noise": "none", "steps": integer(5000, 20000), "start": real(0.5, 3)}
    controls = {
        "0.9 in place of 4": control(predict=lambda c: c.predict(four=0.9), where=sine),
        "8 lowered to 0.3 at a minimum": control(
            predict=lambda c: c.predict(eight=0.3),
            where={"family": "quadratic", "noise": "additive", "dim": 1, "start": 1e-6, "steps": integer(100, 600)},
        ),
        "rho = 1/beta": control(  # near the top of 1 - cos w, w + sin w is almost the top itself: nothing moves
            measure=lambda c: c.measure(radius=1.0),
            where={"family": "1 - cos x", "noise": "none", "steps": integer(20_000, 40_000), "start": real(0.27, 0.33)},
        ),
    }


if __name__ == "__main__":
    script(__file__)
