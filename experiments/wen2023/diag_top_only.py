"""Beside Wen, Ma & Li 2023 (arXiv 2211.05729), Theorems 4.5 and 5.4: independent pairs tell SAM from SAM on one sample.

L = (1/M) sum_k (u_k v_k - y_k)^2/2 has the curvatures lam_k = sqrt(Dl_k^2 + 4 y_k^2)/M on its minimisers, one a pair,
Dl_k = u_k^2 - v_k^2.  Full-batch SAM lowers the largest only: until it ties with the second,
    dDl_1/dtau = -(2/M) (2/(2 - eta lam_1))^2 Dl_1,    Dl_k constant for k > 1,
and SAM on one sample a step lowers every pair, at its own curvature as one sample, M lam_k:
    dDl_k/dtau = -(2/M) (2/(2 - eta M lam_k))^2 Dl_k.
(Without the factors, exp(-2 tau/M): the flows of the theorems.)  Both are followed from the end of phase I at a fixed
eta as rho -> 0.  A pair of SAM on one sample moves only when drawn, so that the spread of Dl_k is that of a binomial
number of draws: |dDl_k/dtau| tau sqrt((M - 1)/steps).

Conventions: full batch of the mean loss, one sample with 1/2, the same in both gradients; normalised ascent; no
perturbation at a zero gradient; tau = eta rho^2 t.
"""

import functools

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.oracles import FullBatch, WithoutReplacement, WithReplacement
from samtheory.problems.products import Products
from samtheory.rules.sam import SAM
from samtheory.sde.order import FALSE_ALARM, halving_limit, normal_quantile
from samtheory.simulate import simulate
from samtheory.theory.sliding import finite_step_imbalance, tie_time

LEVELS, MEMBERS = 0.5 ** np.arange(3), 16


def imbalances(x):
    M = x.shape[-1] // 2
    return x[..., :M] ** 2 - x[..., M:] ** 2


@claim(
    title="SAM lowers the largest curvature only, SAM on one sample all of them",
    where="Theorems 4.5 and 5.4, on independent pairs",
    kind="comparison",
    confidence="derived",
    statement="""On (1/M) sum_k (u_k v_k - y_k)^2/2 full-batch SAM decays the imbalance of the top pair alone until
        a tie, one-sample SAM that of every pair: dDl/dtau = -(2/M) (2/(2 - eta lam))^2 Dl with lam the
        curvature of L for the first, of the pair's own sample for the second.""",
    cost=4,
)
class TopOnly:
    pairs: int = integer(2, 4)
    h: float = real(0.3, 1.6)  # eta M lam_1
    rho: float = log_real(0.02, 0.04)  # the largest of the three
    until: float = real(0.3, 0.8)  # tau, over that of the tie, at most 1/4
    seed: int = seeds()

    examples = ({"pairs": 3, "h": 1.0, "rho": 0.02, "until": 0.8, "seed": 0},)

    @functools.cached_property
    def data(self):
        """y, start, eta, tau, steps of phase I."""
        rng = np.random.default_rng(self.seed)
        y = rng.uniform(0.5, 1.2, self.pairs)
        u = np.array([2.4, *rng.uniform(1.3, 2.1, self.pairs - 1)])
        start = np.concatenate([u, 1.1 * y / u])
        lam = np.hypot(imbalances(start), 2 * y)
        eta = self.h / lam.max()
        speed = (2 / (2 - self.h / self.pairs)) ** 2
        tau = self.until * min(tie_time(imbalances(start), y) / speed, 0.25)
        return y, start, eta, tau, int(np.ceil(30 * self.pairs / (eta * lam.min())))

    def assumptions(self):
        y, start, _, _, settling = self.data
        level = np.sort(imbalances(start) ** 2 + 4 * y**2)
        return [
            requires("the first curvature is the largest", level[-2], "<", 0.9 * level[-1]),
            requires("eta times the curvature of a sample is below 2", self.h, "<", 2),
            requires("phase I is the smaller part", settling, "<=", self.steps(1.0) / 4),
        ]

    def steps(self, level):
        _, _, eta, tau, _ = self.data
        return int(np.ceil(tau / (eta * (level * self.rho) ** 2)))

    @functools.cached_property
    def early(self):
        """The iterates K and K + 1 of full-batch SAM, at each level."""
        _, start, eta, _, K = self.data
        problem = Products(self.data[0])
        return [simulate(problem, SAM(eta, r), start, K + 1, threads=1).states[K:] for r in LEVELS * self.rho]

    def one_sample(self, oracle):
        """Dl [members, M] of SAM under this oracle at the last level, after K steps and at the end."""
        y, start, eta, _, K = self.data
        rule, oracle, rest = SAM(eta, LEVELS[2] * self.rho), oracle(Products(y)), self.steps(LEVELS[2]) - K
        run = simulate(oracle, rule, start, K, every=K, members=MEMBERS, seed=self.seed, threads=1)
        end = simulate(oracle, rule, start, rest, every=rest, resume=run, threads=1)
        return imbalances(run.x), imbalances(end.x)

    @functools.cached_property
    def drawn(self):
        return self.one_sample(lambda problem: WithReplacement(problem, 1))

    def measure(self, one=None, all_pairs=None):
        """Dl of full-batch SAM at the end [levels, M], and of SAM on one sample at the last level [members, M]."""
        y, _, eta, _, K = self.data
        problem = Products(y)
        full, out = (all_pairs or FullBatch)(problem), []
        for level, early in zip(LEVELS, self.early):
            rule, steps = SAM(eta, level * self.rho), self.steps(level) - K
            end = simulate(full, rule, early[0], steps, every=steps, threads=1, seed=self.seed)
            out.append(imbalances(simulate(full, rule, end.x, 1, threads=1).states).mean(axis=0))
        return np.array(out), (self.one_sample(one) if one else self.drawn)[1]

    def predict(self, full=1.0, sample=1.0):
        """The same, the second as mean and standard deviation; `full`, `sample` multiply eta in the factors."""
        y, _, eta, _, K = self.data
        M, out = self.pairs, []
        for level, early in zip(LEVELS, self.early):
            Dl, tau = imbalances(early).mean(axis=0), eta * (level * self.rho) ** 2 * (self.steps(level) - K)
            Dl[0] = finite_step_imbalance(tau, Dl[0], y[0], full * eta, M, 1 / M)
            out.append(Dl)
        ends = [[finite_step_imbalance(tau, d, a, sample * eta, M) for d, a in zip(Dl, y)] for Dl in self.drawn[0]]
        speed = (2 / M) * (2 / (2 - sample * eta * np.hypot(ends, 2 * y))) ** 2 * np.abs(ends)
        sd = speed.mean(axis=0) * tau * np.sqrt((M - 1) / (self.steps(LEVELS[2]) - K))
        return np.array(out), np.mean(ends, axis=0), sd

    def judge(self, measured, predicted):
        (full, one), (law, mean, sd) = measured, predicted
        limit, changed = halving_limit(full[:, 0] - law[:, 0])
        reach = normal_quantile(FALSE_ALARM / self.pairs) * sd / MEMBERS**0.5
        bias = changed + (LEVELS[2] * self.rho) ** 2
        return [
            equals("limit of Dl_1", limit, 0, tolerance=changed + 1e-9, why="last changes of an extrapolation"),
            equals("Dl_k, k > 1", full[:, 1:], law[:, 1:], tolerance=1e-9, why="e^-30 is left of their residuals"),
            equals("Dl_k on one sample", one.mean(axis=0), mean, tolerance=reach + bias, why="draws at 1e-6; O(rho^2)"),
        ]

    controls = {
        "the flow without the factor": control(predict=lambda c: c.predict(full=1e-9), refutes="limit of Dl_1"),
        "eta off by two parts in a hundred": control(predict=lambda c: c.predict(full=1.02), refutes="limit of Dl_1"),
        "one sample with the curvature of L": control(
            predict=lambda c: c.predict(sample=1 / c.pairs), where={"h": real(1, 1.6)}, refutes="Dl_k on one sample"
        ),
        "full batch for one sample": control(
            measure=lambda c: c.measure(one=lambda p: WithoutReplacement(p, c.pairs)), refutes="Dl_k on one sample"
        ),
        "one sample for the full batch": control(
            measure=lambda c: c.measure(all_pairs=lambda p: WithReplacement(p, 1)), refutes="Dl_k, k > 1"
        ),
    }


if __name__ == "__main__":
    script(__file__)
