"""Agarwala & Dauphin 2023 (arXiv 2302.08692), Section 2: USAM has its own edge of stability.

On a linear model the mode lam is multiplied by 1 - eta lam (1 + rho lam): stable iff lam <= Y,
    Y = (sqrt(1 + 8 rho/eta) - 1)/(2 rho),   below 2/eta, the edge of gradient descent.
On quadratic regression, where training with small steps would sharpen past Y, USAM with larger steps converges to
z = 0 with the largest eigenvalue of J J' just below Y, not near 2/eta.

That it is not above Y is the filter (bolte2025/ae-convergence).  That it is near is an observation, on 64 random
problems (D = 4, P = 8) an instance; eligible are those whose reference run, gradient descent with eta = .05, ends at
`press` times the edge, that start below it, and whose USAM run converges.  A small loss is not convergence: it may
fall to 1e-21 beside minima that are unstable, and rise again hundreds of steps later.  So the parameters are moved by
1e-6 at loss < 1e-12, and that has to die out to loss < 1e-24 within 2000 steps.  Of 271 eligible runs (other seeds) 3 %
end below 0.9 Y: the median of 14 or more does with probability at most C(14, 7) 0.03^7 = 8e-8.
Conventions: loss |z|^2/2, no 1/D; rho in units of inverse curvature; GOE Q of off-diagonal deviation q/sqrt(P).
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.problems.quadratic_regression import jacobians, random_regression
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.filters import edge

D, P, PROBLEMS = 4, 8, 64
MEDIAN, LEAST = 0.9, 14


def top(J):
    return np.linalg.norm(J, 2) ** 2


@claim(
    title="Where training would sharpen further, USAM ends with its top curvature at the edge of USAM",
    where="Section 2, edge of stability",
    kind="limit",
    confidence="text (phenomenon) + derived (edge); the distance below it is measured",
    statement="""If small steps would end at lam_max > Y = (sqrt(1 + 8 rho/eta) - 1)/(2 rho) and USAM converges, then
        lam_max <= Y there, and typically lam_max > 0.9 Y, not 2/eta.""",
    caveat="small random models, D = 4, P = 8; runs that diverge or still oscillate are left out",
    cost=20,
)
class SamEos:
    q: float = real(0.24, 0.32)
    press: float = real(1.05, 1.12)  # reference / edge
    reach: float = real(0.2, 1)  # rho Y
    seed: int = seeds()

    examples = ({"q": 0.25, "press": 1.1, "reach": 0.5, "seed": 0},)

    @functools.cached_property
    def eligible(self):
        """(problem, end of the reference run) of those that start below the edge and whose reference converges."""
        found = []
        for k in range(PROBLEMS):
            problem = random_regression(np.random.default_rng([self.seed, k]), D, P, self.q)
            run = simulate(
                problem, GD(0.05), np.zeros(P), 1000, every=1000, record={}, threads=1, limit=1e6,
                on_divergence="report",
            )  # fmt: skip
            if run.diverged[0] < 0 and losses(problem, run.x) < 1e-3:
                reference = top(jacobians(problem, run.x))
                if top(problem.G) < 0.95 * reference / self.press:
                    found.append((problem, reference))
        return found

    def assumptions(self):
        return [
            requires("at least 14 eligible runs", self.ends.size, ">=", LEAST),
            requires("small steps end above the edge", self.press, ">", 1),
        ]

    @functools.cached_property
    def ends(self):
        return self.run(USAM)

    def run(self, rule):
        """lam_max at the end over the edge, of the runs that converge."""
        ratios = []
        for problem, reference in self.eligible:
            Y = reference / self.press
            eta, rho = 2 / (Y * (1 + self.reach)), self.reach / Y
            kick = 1e-6 * np.random.default_rng([self.seed, PROBLEMS]).standard_normal(P)
            x, left = np.zeros(P), np.inf
            for push, steps in ((0.0, 1500), (kick, 2000)):
                run = simulate(
                    problem, rule(eta, rho), x + push, steps, every=steps, record={}, threads=1, limit=1e6,
                    on_divergence="report",
                )  # fmt: skip
                x, before, left = run.x, left, losses(problem, run.x) if run.diverged[0] < 0 else np.inf
                if not left < 1e-12:
                    break
            if before < 1e-12 and left < 1e-24:
                ratios.append(top(jacobians(problem, x)) / edge("usam", eta, rho))
        return np.array(ratios)

    def measure(self):
        return self.ends

    def predict(self):
        return 1.0

    def judge(self, ratios, unit):
        ratios = ratios / unit
        return [
            at_most("lam_max / edge", ratios, 1, slack=1e-6, why="lam_max moves by about the kick"),
            at_least("median of lam_max / edge", np.median(ratios), MEDIAN),
        ]

    controls = {
        "the edge 2/eta": control(predict=lambda c: 1 + c.reach, refutes="median of lam_max / edge"),
        "the edge of lam (1 + 2 rho lam)": control(
            predict=lambda c: 2 * (1 + c.reach) / (1 + np.sqrt(1 + 8 * c.reach * (1 + c.reach))),
            refutes="lam_max / edge",
        ),
        "gradient descent ends at the edge of USAM": control(
            measure=lambda c: c.run(lambda eta, rho: GD(eta)), where={"reach": real(0.5, 1)}, refutes="lam_max / edge"
        ),
        "no sharpening beyond the edge": control(
            where={"press": real(0.7, 0.85)}, violates="small steps end above the edge"
        ),
    }


if __name__ == "__main__":
    script(__file__)
