"""Zhang, Li & Giannakis 2025 (arXiv 2501.06603), Theorem 1: preconditioned SAM converges, whatever the preconditioners.

f bounded below, every f_t L-smooth, unbiased gradients of variance sigma^2, eta = eta0/sqrt T with 3 L eta < 2,
rho = rho0/sqrt T, |P_t^{-1}| <= D.  With d = g_t(x + eps) - g_t(x), |d| <= L D rho, and
-eta <g, d> <= (L eta^2/2)|g|^2 + |d|^2/(2L), the descent lemma gives, with c = 1 - 3 L eta/2,
    (1/T) sum E|g(x_t)|^2 <= gap_0/(c eta0 sqrt T) + [L D^2 rho0^2/(2 eta0) + L eta0 sigma^2]/(c sqrt T)
                             + L^3 eta0 D^2 rho0^2/(c T^1.5),
    (1/T) sum E|g(x_t + eps_t)|^2 <= 2 (that) + 2 L^2 D^2 rho0^2/T.
Only |eps| <= D rho is used: no alignment with the gradient, and R does not enter.  So perturbations that are random,
reversed (descent in place of ascent) or always the same are covered, and tested.

Monte Carlo: Student's interval over 256 runs, false alarm 1e-6; refuted only if the whole interval is past the bound.
Conventions: f = sum log(1 + x_j^2), additive noise shared by both gradients; D of ASAM is the largest |x_j| seen.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import grad_norms, losses
from samtheory.oracles import GaussianNoise
from samtheory.problems.core import constants
from samtheory.problems.log_squares import LogSquares
from samtheory.rules.asam import ASAM
from samtheory.rules.fisher_sam import FisherSAM
from samtheory.rules.info_sam import InfoSAM
from samtheory.rules.presam import PreSAM
from samtheory.rules.prescribed import Prescribed
from samtheory.rules.sam import SAM
from samtheory.rules.sparse_sam import SparseSAM
from samtheory.rules.vasso import VaSSO
from samtheory.sde.order import mean_interval
from samtheory.simulate import simulate
from samtheory.theory.presam import presam_gradient_bound, presam_perturbed_bound

RUNS, FLOOR = 256, 0.1
SMALL = "3 L eta < 2"


@claim(
    title="Preconditioned SAM converges at the rate of SGD, whatever the perturbation points at",
    where="Theorem 1",
    kind="bound",
    confidence="memory (conditions) + derived (constants)",
    statement="""(1/T) sum E|g(x_t)|^2 <= gap_0/(c eta0 sqrt T) + [L D^2 rho0^2/(2 eta0) + L eta0 sigma^2]/(c sqrt T)
        + L^3 eta0 D^2 rho0^2/(c T^1.5), c = 1 - 3 L eta/2, for any perturbation of length at most D rho0/sqrt T""",
    caveat="bound as derived; the paper's constants were not read",
    cost=10,
)
class Theorem1:
    method: str = choice("sam", "asam", "fisher", "sparse", "vasso", "info", "reversed", "random", "fixed")
    steps: int = integer(50, 800)  # T
    h: float = real(0.02, 0.6)  # L eta, below 2/3
    rho0: float = log_real(0.01, 2)
    noise: str = choice("0", "0.3", "1", "3")  # sigma
    start: float = real(0, 3)  # x_0 runs from this/3 to this
    dim: int = integer(1, 6)
    seed: int = seeds()

    examples = (
        {"method": "sam", "steps": 100, "h": 0.2, "rho0": 0.5, "noise": "1", "start": 3.0, "dim": 6, "seed": 0},
        {"method": "sam", "steps": 300, "h": 0.05, "rho0": 0.01, "noise": "0", "start": 2.0, "dim": 6, "seed": 0},
    )

    @property
    def problem(self):
        return LogSquares(np.eye(self.dim), np.zeros(self.dim))

    @property
    def eta0(self):
        return self.h / constants(self.problem).L * self.steps**0.5

    @property
    def x0(self):
        return np.linspace(self.start / 3, self.start, self.dim)

    @property
    def rule(self):
        root = self.steps**0.5
        eta, rho, rng = self.eta0 / root, self.rho0 / root, np.random.default_rng([self.seed, 0])
        ones = np.ones(self.dim)
        random = rng.standard_normal((97, self.dim))
        mask = rng.permutation(np.arange(self.dim) < 1 + self.dim // 2).astype(float)
        return {
            "sam": lambda: SAM(eta, rho),
            "asam": lambda: ASAM(eta, rho, 0.01),
            "fisher": lambda: FisherSAM(eta, rho, FLOOR),
            "sparse": lambda: SparseSAM(eta, rho, mask, renormalised=True),
            "vasso": lambda: VaSSO(eta, rho, 0.5),
            "info": lambda: InfoSAM(eta, rho, np.exp(rng.standard_normal(self.dim))),
            "reversed": lambda: PreSAM(eta, rho, ones, -ones),
            "random": lambda: Prescribed(eta, rho, random / np.linalg.norm(random, axis=1)[:, None]),
            "fixed": lambda: Prescribed(eta, rho, [ones / self.dim**0.5]),
        }[self.method]()

    @functools.cached_property
    def runs(self):
        """x_t, t = 0..T, of every run; one run where there is no noise."""
        oracle, members = self.problem, 1
        if float(self.noise) > 0:
            oracle, members = GaussianNoise(self.problem, float(self.noise) / self.dim**0.5), RUNS
        return simulate(oracle, self.rule, self.x0, self.steps, members=members, seed=self.seed, threads=1).states

    @property
    def reach(self):
        """D, a bound of |P_t^{-1}|."""
        if self.method == "asam":
            return float(np.abs(self.runs).max()) + 0.01
        return FLOOR**-0.5 if self.method == "fisher" else 1.0

    def assumptions(self):
        return [requires(SMALL, 1.5 * self.h, "<", 1)]

    def measure(self):
        """Intervals of (1/T) sum |g(x_t)|^2 and, without noise, of the same at the perturbed points."""
        means = (grad_norms(self.problem, self.runs[:, :-1]) ** 2).mean(axis=1)
        if len(means) > 1:
            return mean_interval(means), None
        pushes = np.diff(self.runs[0], axis=0) * self.steps**0.5 / self.eta0  # -g(x_t + eps_t)
        return float(means[0]), float((pushes**2).sum(axis=1).mean())

    def predict(self, **changed):
        known = {"rho0": self.rho0, "sigma": float(self.noise), "gap0": float(losses(self.problem, self.x0))} | changed
        data = {"T": self.steps, "L": constants(self.problem).L, "eta0": self.eta0, "reach": self.reach} | known
        return presam_gradient_bound(**data), presam_perturbed_bound(**data)

    def judge(self, measured, predicted):
        (mean, perturbed), (bound, second) = measured, predicted
        if perturbed is None:
            why = "Monte Carlo alone, false alarm 1e-6"
            return [at_most("mean E|g(x_t)|^2", mean.estimate, bound, slack=mean.half_width, why=why)]
        why = "round-off, 1e-12 of the bound"
        return [
            at_most("mean E|g(x_t)|^2", mean, bound, slack=1e-12 * bound, why=why),
            at_most("mean E|g(x_t + eps_t)|^2", perturbed, second, slack=1e-12 * second, why=why),
        ]

    controls = {
        "a radius that does not decay": control(
            predict=lambda c: c.predict(rho0=c.rho0 / c.steps**0.5),
            where={"method": "fixed", "noise": "0", "start": 0.0, "rho0": real(20, 40), "steps": integer(400, 800),
                   "h": real(0.1, 0.4)},
        ),
        "no L eta0 sigma^2": control(
            predict=lambda c: c.predict(sigma=0.0), where={"start": 0.0, "noise": "1", "rho0": 0.01}
        ),
        "a third of the noise term": control(
            predict=lambda c: c.predict(sigma=3**-0.5),
            where={"start": 0.0, "noise": "1", "rho0": 0.01, "h": real(0.02, 0.1), "steps": integer(400, 800),
                   "method": "sam"},
        ),
        "no gap_0": control(
            predict=lambda c: c.predict(gap0=0.0),
            refutes="mean E|g(x_t + eps_t)|^2",
            where={"start": real(1, 3), "noise": "0", "rho0": 0.01, "h": real(0.02, 0.1),
                   "method": choice("sam", "info")},
        ),
        "half of gap_0": control(
            predict=lambda c: c.predict(gap0=0.5 * float(losses(c.problem, c.x0))),
            where={"start": real(0.5, 2), "noise": "0", "rho0": 0.01, "h": real(0.02, 0.1), "method": "sam",
                   "steps": integer(200, 400)},
        ),
    }  # fmt: skip


if __name__ == "__main__":
    script(__file__)
