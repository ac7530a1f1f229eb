"""Si & Yun 2023 (arXiv 2306.09850): on convex losses the mean squared gradient of SAM has no floor in T.

f convex and beta-smooth, eta <= 1/beta.  As <g, delta> >= 0 for delta = g(x + rho g/|g|) - g(x), |delta| <= beta rho,
the descent lemma gives f(x+) <= f(x) - eta(1 - eta beta/2)|g|^2 + eta^2 beta^3 rho^2/2; summed,
    (1/T) sum_{t<T} |g(x_t)|^2 <= 2 (f(x_0) - f*)/(eta T) + beta^3 eta rho^2,
and with eta = min(1/beta, sqrt(2 (f(x_0) - f*)/(T beta^3 rho^2))) at most 2 beta gap/T + 2 sqrt(2 gap beta^3 rho^2/T).
At eta = 1/beta the two-cycle of a parabola attains the second term.

Conventions: full batch; normalised ascent; constant rho; logistic loss without ridge, every input with
both labels, so that its minimum is attained at 0.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import grad_norms, hessian, losses
from samtheory.problems.core import constants
from samtheory.problems.finite_sum import LeastSquares, Logistic
from samtheory.problems.piecewise import PiecewiseQuadratic
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.constant_radius import convex_gradient_bound, convex_tuned_bound, convex_tuned_step

EPS = np.finfo(float).eps
CONVEX, STEP = "f is convex (where it starts)", "eta beta <= 1"
CYCLE = {"family": "parabola on its cycle", "h": 1.0, "steps": integer(500, 1000), "tuned": "given"}


@claim(
    title="On convex losses the mean squared gradient of SAM goes to 0 with the horizon",
    where="convex, deterministic",
    kind="bound",
    confidence="memory + derived",
    statement="""(1/T) sum_{t<T} |g(x_t)|^2 <= 2 (f(x_0) - f*)/(eta T) + beta^3 eta rho^2 for eta <= 1/beta, and with
        the step tuned to T at most 2 beta (f(x_0) - f*)/T + 2 sqrt(2 (f(x_0) - f*) beta^3 rho^2/T)""",
    cost=2,
)
class ConvexGradient:
    h: float = real(0.02, 1)  # eta beta
    rho: float = log_real(1e-2, 3)
    size: float = log_real(1e-1, 1e2)  # |x_0 - x*|
    steps: int = integer(1, 1000)  # T
    family: str = choice("parabola on its cycle", "least squares", "logistic", "huber")
    tuned: str = choice("given", "tuned")  # the step size
    seed: int = seeds()

    examples = ({"h": 1.0, "rho": 0.5, "size": 1.0, "steps": 1000, "family": "parabola on its cycle", "tuned": "given",
                 "seed": 0},)  # fmt: skip

    @functools.cached_property
    def problem(self):
        rng = np.random.default_rng([self.seed, 0])
        if self.family == "parabola on its cycle":
            return Diagonal([rng.uniform(0.5, 4)], [0.0])
        if self.family == "huber":
            beta = rng.uniform(0.5, 4)
            return PiecewiseQuadratic(np.array([-1.0, 1.0]), np.array([0.0, beta, 0.0]), -beta)
        A = rng.standard_normal((12, 3))
        if self.family == "logistic":
            return Logistic(np.concatenate([A, A]), np.repeat([1, -1], 12))
        A[:, 2] = A[:, 0] - A[:, 1]
        return LeastSquares(A, A @ rng.standard_normal(3))

    @property
    def lowest(self):
        """A minimiser and the minimum; with both labels on every row the logistic loss is even."""
        known = constants(self.problem)
        return (np.zeros(3), np.log(2)) if self.family == "logistic" else (known.minimiser, known.f_star)

    @functools.cached_property
    def start(self):
        if self.family == "parabola on its cycle":
            return np.array([self.h * self.rho / (2 - self.h)])
        away = np.random.default_rng([self.seed, 1]).standard_normal(self.lowest[0].size)
        return self.lowest[0] + self.size * away / np.linalg.norm(away)

    @property
    def gap(self):
        return max(float(losses(self.problem, self.start)) - self.lowest[1], 0.0)

    @property
    def eta(self):
        L = constants(self.problem).L
        return float(convex_tuned_step(self.steps, L, self.rho, self.gap)) if self.tuned == "tuned" else self.h / L

    def assumptions(self):
        return [
            requires(CONVEX, np.linalg.eigvalsh(hessian(self.problem, self.start)).min(), ">=", -1e-14),
            requires(STEP, self.eta * constants(self.problem).L, "<=", 1),
        ]

    def measure(self):
        """(1/T) sum |g|^2."""
        run = simulate(self.problem, SAM(self.eta, self.rho), self.start, self.steps, threads=1)
        return (grad_norms(self.problem, run.states[:-1]) ** 2).mean()

    def predict(self):
        L = constants(self.problem).L
        if self.tuned == "tuned":
            return convex_tuned_bound(self.steps, L, self.rho, self.gap)
        return convex_gradient_bound(self.steps, L, self.eta, self.rho, self.gap)

    def judge(self, mean, bound):
        scale = bound + constants(self.problem).L * abs(self.gap)
        return [at_most("mean |g|^2", mean, bound, slack=64 * EPS * scale, why="64 ulp of the terms")]

    controls = {
        "second term one per cent smaller": control(
            predict=lambda c: c.predict() - 0.01 * constants(c.problem).L ** 3 * c.eta * c.rho**2, where=CYCLE
        ),
        "a floor of order eta^2": control(
            predict=lambda c: convex_gradient_bound(c.steps, 1.0, c.eta, 0.0, c.gap)
            + constants(c.problem).L ** 4 * c.eta**2 * c.rho**2 * 0.2,
            where=CYCLE | {"h": real(0.5, 1)},
        ),
        "eta = 1.5/beta": control(where=CYCLE | {"h": real(1.3, 1.7)}, violates=STEP),
        "not convex: SAM stops on a slope": control(
            measure=lambda c: stuck(c),
            where={"family": "huber", "tuned": "given", "h": real(0.02, 0.1), "size": real(0.1, 0.5),
                   "steps": integer(900, 1000), "rho": real(1, 3)},
        ),
    }  # fmt: skip


def stuck(c):
    """The mean squared gradient on the function of si2023/nonconvex-floor (m = beta rho/10), from x = 0.01 rho."""
    beta, r = constants(c.problem).L, c.rho
    bent = PiecewiseQuadratic(np.array([-0.1 * r, 0.9 * r]), np.array([beta, -beta, beta]), 0.9 * beta * r)
    run = simulate(bent, SAM(c.eta, r), [0.01 * r], 100 * c.steps, threads=1)
    return (grad_norms(bent, run.states[:-1]) ** 2).mean()


if __name__ == "__main__":
    script(__file__)
