"""Mi et al. 2022 (arXiv 2210.05177): sparse SAM with decaying steps and radii, at the rate log T/sqrt T.

eta_t = eta0/sqrt t, rho_t = rho0/sqrt t, t = 1, 2, ..., 4 L eta0 <= 1, eps = rho_t m g_S/|g_S| with any mask of zeros
and ones, also one that depends on the sample.  With -eta <g, d> <= (eta/2)(|g|^2 + L^2 rho^2), d = g_S(y) - g_S(x),
    sum eta_t (1/2 - L eta_t) E|g_t|^2 <= B = gap_0 + (eta0 L^2 rho0^2/2) sum t^-1.5 + L eta0^2 sigma^2 sum 1/t
                                              + L^3 eta0^2 rho0^2 sum t^-2,
so (1/T) sum E|g_t|^2 <= 4 B/(eta0 sqrt T).  The logarithm comes from the noise alone: without it B is bounded.
The bound on the mean is loose by one to two orders of magnitude; that on the weighted sum is closer.

Monte Carlo: Student's interval over 256 runs, false alarm 1e-6/2 each; refuted only if the interval is past the bound.
Conventions: f = sum log(1 + x_j^2), additive noise shared by both gradients; masks change from step to step.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import grad_norms, losses
from samtheory.oracles import GaussianNoise
from samtheory.problems.core import constants
from samtheory.problems.log_squares import LogSquares
from samtheory.rules.schedules import InverseRoot
from samtheory.rules.sparse_sam import SparseSAM
from samtheory.sde.order import Interval, mean_interval
from samtheory.simulate import simulate
from samtheory.theory.presam import decaying_gradient_bound, decaying_weighted_bound

RUNS = 256


@claim(
    title="Sparse SAM with decaying steps and radii: log T/sqrt T with noise, 1/sqrt T without",
    where="convergence theorem",
    kind="bound",
    confidence="order from the abstract, constants derived",
    statement="""(1/T) sum E|g_t|^2 <= (4/(eta0 sqrt T)) [gap_0 + (eta0 L^2 rho0^2/2) sum t^-1.5 + L eta0^2 sigma^2 H_T
        + L^3 eta0^2 rho0^2 sum t^-2] for any masks, 4 L eta0 <= 1; the logarithm H_T comes from the noise""",
    caveat="loose by one to two orders of magnitude; the masks tried change every step, but do not look at the sample",
    cost=10,
)
class LogRate:
    keep: float = real(0, 1)  # share of the coordinates that a mask keeps
    steps: int = integer(20, 1500)  # T
    h: float = real(0.05, 1)  # 4 L eta0
    rho0: float = log_real(0.01, 2)
    noise: str = choice("0", "0.3", "1", "3")  # sigma
    start: float = real(0, 3)
    dim: int = integer(1, 6)
    seed: int = seeds()

    examples = (
        {"keep": 0.5, "steps": 1000, "h": 1.0, "rho0": 0.2, "noise": "1", "start": 3.0, "dim": 6, "seed": 0},
        {"keep": 1.0, "steps": 1000, "h": 1.0, "rho0": 0.2, "noise": "0", "start": 3.0, "dim": 6, "seed": 0},
    )

    @property
    def problem(self):
        return LogSquares(np.eye(self.dim), np.zeros(self.dim))

    @property
    def eta0(self):
        return self.h / (4 * constants(self.problem).L)

    @property
    def x0(self):
        return np.linspace(self.start / 3, self.start, self.dim)

    def assumptions(self):
        return [requires("4 L eta0 <= 1", self.h, "<=", 1)]

    @functools.cached_property
    def squares(self):
        """|g(x_t)|^2, t = 1, ..., T, of every run."""
        masks = np.random.default_rng([self.seed, 0]).random((61, self.dim)) < self.keep
        rule = SparseSAM(InverseRoot(self.eta0), InverseRoot(self.rho0), masks.astype(float))
        oracle, members = self.problem, 1
        if self.noise != "0":
            oracle, members = GaussianNoise(self.problem, float(self.noise) / self.dim**0.5), RUNS
        run = simulate(oracle, rule, self.x0, self.steps, members=members, seed=self.seed, threads=1)
        return grad_norms(self.problem, run.states[:, :-1]) ** 2

    def measure(self):
        """Intervals of the mean of |g_t|^2 and of the weighted sum."""
        eta = self.eta0 / np.sqrt(np.arange(1, self.steps + 1))
        each = np.stack([self.squares.mean(axis=1), self.squares @ (eta * (0.5 - constants(self.problem).L * eta))], 1)
        return Interval(each[0], 0 * each[0], 0 * each[0], 0.0) if len(each) == 1 else mean_interval(each, 5e-7)

    def predict(self, constant=4.0, **changed):
        known = {"gap0": float(losses(self.problem, self.x0)), "sigma": float(self.noise), "rho0": self.rho0} | changed
        data = {"T": self.steps, "L": constants(self.problem).L, "eta0": self.eta0} | known
        return np.array([decaying_gradient_bound(constant=constant, **data), decaying_weighted_bound(**data)])

    def judge(self, measured, bound):
        slack = measured.half_width + 1e-12 * bound
        why = "Monte Carlo, false alarm 1e-6 (none without noise), and 1e-12 of the bound"
        names = "mean E|g_t|^2", "sum eta_t (1/2 - L eta_t) E|g_t|^2"
        return [at_most(name, measured.estimate[i], bound[i], slack=slack[i], why=why) for i, name in enumerate(names)]

    controls = {
        "0.05 for the leading 4": control(
            predict=lambda c: c.predict(constant=0.05), refutes="mean E|g_t|^2",
            where={"steps": integer(1000, 1500), "h": real(0.8, 1), "start": real(2, 3), "rho0": log_real(0.01, 0.2)},
        ),
        "no gap_0": control(
            predict=lambda c: c.predict(gap0=0.0), refutes="sum eta_t (1/2 - L eta_t) E|g_t|^2",
            where={"noise": "0", "start": real(1, 3), "rho0": log_real(0.01, 0.1), "steps": integer(200, 1500)},
        ),
        "a quarter of gap_0": control(
            predict=lambda c: c.predict(gap0=0.25 * float(losses(c.problem, c.x0))),
            refutes="sum eta_t (1/2 - L eta_t) E|g_t|^2",
            where={"noise": "0", "start": real(0.5, 2), "rho0": 0.01, "steps": integer(1000, 1500),
                   "h": real(0.3, 0.5)},
        ),
        "noise that adds no logarithm": control(
            predict=lambda c: c.predict(sigma=0.0), refutes="sum eta_t (1/2 - L eta_t) E|g_t|^2",
            where={"noise": "3", "start": 0.0, "rho0": 0.01, "steps": integer(200, 1500)},
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
