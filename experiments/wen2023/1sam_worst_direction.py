"""Wen, Ma & Li 2023 (arXiv 2211.05729), Corollary 5.6: the sharpness of single samples along SAM on one sample a step.

With R_max,k(x) = max_{|v| <= 1} L_k(x + rho v) - L_k(x), along SAM on one sample (wen2023/1sam-trace-flow) and w.h.p.
    |E_k R_max,k(x) - rho^2 Tr(Hess L(X))/2| = O((eta^(1/4) + rho^(1/4)) rho^2).
Here Tr is taken at Phi(x), which is within O~(eta^(1/2) + rho) of X.  On two bowls, whose samples c^2 F_0 and d^2 F_1
do not share a normal direction, the constant is derived: sample k moves only when drawn, and alternates at a_k =
eta rho lam_k/(2 - h_k) from its own minimisers, lam_k = 2 F_k its curvature and h_k = eta lam_k, whoever is drawn in
between.  So R_max,k = (lam_k/2) [(rho + a_k)^2 - a_k^2] + o(rho^2) and, at a fixed eta,
    E_k R_max,k(x)/rho^2 -> (1/M) sum_k (lam_k/2) (2 + h_k)/(2 - h_k) = Tr(Hess L)/2 + O(eta).
No mean over runs is needed: each x decides.  The limit is extrapolated from rho, rho/2, rho/4.

Conventions: the mean of the samples; same sample in both gradients; normalised ascent; tau = eta rho^2 t.
"""

import functools

import numpy as np

from samtheory.claims import at_most, claim, control, equals, log_real, real, requires, script, seeds
from samtheory.evaluate import hessian
from samtheory.flows.gradient import project
from samtheory.measures.sharpness import per_sample, worst_direction
from samtheory.oracles import WithoutReplacement, WithReplacement
from samtheory.problems.interpolating import interpolating
from samtheory.problems.two_bowls import two_bowls
from samtheory.rules.sam import SAM
from samtheory.sde.order import halving_limit
from samtheory.simulate import simulate

LEVELS, MEAN = 0.5 ** np.arange(3), two_bowls(0.5)


@claim(
    title="Along SAM on one sample the samples' worst directions rise by rho^2 Tr Hess L/2 on average",
    where="Corollary 5.6",
    kind="limit",
    confidence="text; the constant derived",
    statement="""E_k R_max,k(x)/rho^2 is Tr(Hess L)/2 at Phi(x), up to O(eta^(1/4) + rho^(1/4)); on two bowls it tends
        to mean_k (lam_k/2) (2 + eta lam_k)/(2 - eta lam_k) as rho -> 0, lam_k the curvature of sample k.""",
    caveat="measured on two bowls, where samples share no normal direction",
    cost=4,
)
class SampleWorst:
    h: float = real(0.1, 1.0)  # eta lam_0 at Phi(x_0), lam_0 the larger curvature of a sample
    rho: float = log_real(0.02, 0.1)  # the largest of the three
    time: float = real(0.05, 0.3)  # eta rho^2 steps
    seed: int = seeds()

    @functools.cached_property
    def start(self):
        """x_0, and eta."""
        x0 = interpolating("bowls", np.random.default_rng(self.seed))[1]
        return x0, self.h / (2 * np.linalg.eigvalsh(hessian(MEAN, project(MEAN, x0).point))[-1])

    def assumptions(self):
        steps, lowest = self.time / (self.start[1] * self.rho**2), 2 * MEAN.base[1]
        settling = 30 * 2 / (self.start[1] * lowest)  # each sample is drawn every second step
        return [requires("the run is longer than phase I", steps, ">=", settling)]

    @functools.cached_property
    def ends(self):
        return self.run(WithReplacement(MEAN, 1))

    def run(self, oracle):
        """The last iterate at each level."""
        (x0, eta), out = self.start, []
        for rho in LEVELS * self.rho:
            steps = int(np.ceil(self.time / (eta * rho**2)))
            out.append(simulate(oracle, SAM(eta, rho), x0, steps, every=steps, seed=self.seed, threads=1).x)
        return np.array(out)

    def measure(self, oracle=None):
        """E_k R_max,k/rho^2."""
        ends = self.run(oracle) if oracle else self.ends
        return np.array([per_sample(worst_direction, MEAN, x, r).value / r**2 for x, r in zip(ends, LEVELS * self.rho)])

    def predict(self, eta=1.0):
        """The derived value and Tr/2 at Phi(x)."""
        lam = 2 * np.array([np.diag(hessian(MEAN, project(MEAN, x).point))[2:] for x in self.ends])
        h = eta * self.start[1] * lam
        return (lam / 2 * (2 + h) / (2 - h)).mean(axis=1), lam.mean(axis=1) / 2

    def judge(self, R, predicted):
        derived, half_trace = predicted
        (limit, changed), why = halving_limit(R - derived), "last changes of an extrapolation"
        return [
            equals("limit of E R_max/rho^2", limit, 0, tolerance=changed + 1e-6, why=why),
            at_most(
                "|E R_max/rho^2 - Tr/2| over Tr/2, at rho/4", abs(R[2] / half_trace[2] - 1), self.h / (1 - self.h / 2),
                slack=self.rho, why="2 h_0/(2 - h_0) of the sharper sample; O(rho)",
            ),
        ]  # fmt: skip

    controls = {
        "x on the manifold: Tr/2": control(predict=lambda c: c.predict(eta=0.0), refutes="limit of E R_max/rho^2"),
        "eta off by one part in a hundred": control(
            predict=lambda c: c.predict(eta=1.01), where={"h": real(0.3, 1)}, refutes="limit of E R_max/rho^2"
        ),
        "Tr for its half": control(predict=lambda c: tuple(2 * one for one in c.predict())),
        "the full batch": control(
            measure=lambda c: c.measure(WithoutReplacement(MEAN, 2)), refutes="limit of E R_max/rho^2"
        ),
    }


if __name__ == "__main__":
    script(__file__)
