"""Wen, Ma & Li 2023 (arXiv 2211.05729), Theorem 5.4: SAM on one sample a step minimises the trace of the Hessian.

L = (1/M) sum_k L_k, L_k a loss of one output f_k, one sample a step, the same in both gradients.  With high probability
    |x(ceil(T/(eta rho^2))) - X(T)| = O~(eta^(1/2) + rho),    X(tau) = Phi(x_0) - (1/2) int_0^tau P_X grad Tr Hess L ds.
No relation of rho to eta and no eigengap is asked for.

What is measured is sharper than this upper bound: the mean of x is off X by a smooth O(eta).  Over two halvings of eta
and rho the error falls to about a quarter (the theorem: to a half), and its limit is extrapolated from eta, eta/2,
eta/4, up to the last change of the first of two extrapolations and the Student intervals of the means over runs.

Conventions: the mean of the samples; normalised ascent; no perturbation at a zero gradient; tau = eta rho^2 t.
"""

import functools

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, log_real, real, requires, script, seeds
from samtheory.flows.cycle import descent
from samtheory.flows.manifold import manifold_flow, top_eigenvalue, trace
from samtheory.oracles import WithoutReplacement, WithReplacement
from samtheory.problems.interpolating import interpolating
from samtheory.problems.two_bowls import two_bowls
from samtheory.rules.sam import SAM
from samtheory.sde.order import FALSE_ALARM, richardson_limit, student_quantile
from samtheory.simulate import simulate

LEVELS, RUNS = 0.5 ** np.arange(3), (64, 64, 16)
WEIGHTS = np.array([1, -6, 8]) / 3  # of the levels in a twice extrapolated limit


@claim(
    title="SAM on one sample a step follows the flow of the trace",
    where="Theorem 5.4",
    kind="order",
    confidence="text; the extrapolated limit ours",
    statement="""After ceil(T/(eta rho^2)) steps on one sample each, SAM is O~(eta^(1/2) + rho) from X(T), dX/dtau =
        -(1/2) P_X grad Tr Hess L, X(0) = Phi(x_0); its mean converges to X(T) as eta -> 0 with rho/eta fixed.""",
    cost=30,
)
class TraceFlow:
    kind: str = choice("bowls", "regression")
    h: float = real(0.35, 0.5)  # eta M lam_1 at the largest of the step sizes
    rho: float = log_real(0.08, 0.12)  # there
    move: float = real(0.2, 0.4)  # T, as the distance it takes X at its first speed
    seed: int = seeds()

    examples = ({"kind": "regression", "h": 0.4, "rho": 0.08, "move": 0.3, "seed": 3},)

    @functools.cached_property
    def fall(self):
        problem, start = interpolating(self.kind, np.random.default_rng(self.seed))
        return descent(two_bowls(0.5) if self.kind == "bowls" else problem, start, self.move, trace)

    @property
    def eta(self):
        return self.h / (2 * self.fall.lam)  # M = 2

    def assumptions(self):
        exists = requires("the gradient flow reaches a minimum from which X exists", self.fall is not None)
        if self.fall is None:
            return [exists]
        means, noise = self.means(self.runs)
        power = (noise[2] + noise[0] / 4) / np.linalg.norm(means[0] - self.fall.path[-1])
        return [
            exists,
            requires("the intervals of the means are below a quarter of the first error", power, "<=", 0.25),
            requires("lam_M >= lam_1/10 along the flow", self.fall.lam_M, ">=", self.fall.lam / 10),
        ]

    @functools.cached_property
    def runs(self):
        return self.run(lambda problem: WithReplacement(problem, 1))

    def means(self, x):
        """Means over the runs, and their intervals."""
        spread = np.array([np.linalg.norm(one.std(axis=0, ddof=1)) / len(one) ** 0.5 for one in x])
        noise = student_quantile(RUNS[-1] - 1, FALSE_ALARM / 6) * spread
        return np.array([one.mean(axis=0) for one in x]), noise

    def measure(self, oracle=None):
        return self.run(oracle) if oracle else self.runs

    def run(self, oracle):
        """x at each level, [runs, d]."""
        out = []
        for level, runs in zip(LEVELS, RUNS):
            rule, oracled = SAM(level * self.eta, level * self.rho), oracle(self.fall.problem)
            steps = int(np.ceil(self.fall.times[-1] / (rule.eta * rule.rho**2)))
            run = simulate(oracled, rule, self.fall.start, steps, every=steps, members=runs, seed=self.seed, threads=1)
            out.append(run.x)
        return out

    def predict(self, speed=0.5, slope=trace):
        """X(T)."""
        if speed == 0.5 and slope is trace:
            return self.fall.path[-1]
        return manifold_flow(self.fall.problem, self.fall.path[0], self.fall.times[[0, -1]], slope, speed=speed)[-1]

    def judge(self, x, X):
        means, noise = self.means(x)
        error = np.linalg.norm(means - X, axis=1)
        limit, changed = richardson_limit(means)
        ratio, why = error[2] / error[0], "last change of the first extrapolation; Student at 1e-6"
        allowed = changed + np.linalg.norm(
            WEIGHTS * noise
        )  # the levels are drawn apart; at the least of their freedoms
        return [
            at_most(
                "|mean x - X| over two halvings", ratio, 0.5, error=(noise[2] + ratio * noise[0]) / error[0],
                why="eta^(1/2); Student at 1e-6",
            ),
            equals("limit of mean x - X", np.linalg.norm(limit - X), 0, tolerance=allowed, why=why),
        ]  # fmt: skip

    controls = {
        "the flow of the top eigenvalue": control(
            predict=lambda c: c.predict(slope=top_eigenvalue), where={"kind": "bowls"}
        ),
        "a speed of 0.65 for 1/2": control(
            predict=lambda c: c.predict(speed=0.65), where={"kind": "bowls"}, refutes="limit of mean x - X"
        ),
        "no factor 1/2": control(predict=lambda c: c.predict(speed=1.0), where={"kind": "regression"}),
        "the full batch": control(
            measure=lambda c: c.measure(lambda problem: WithoutReplacement(problem, 2)), where={"kind": "bowls"}
        ),
    }


if __name__ == "__main__":
    script(__file__)
