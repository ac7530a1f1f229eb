"""Bartlett, Long & Bousquet 2023 (arXiv 2210.01513): on a quadratic SAM is gradient descent on another function.

SAM on f = 1/2 w' Lam w, Lam = diag(lam), is w+ = (I - eta Lam - eta rho Lam^2/|Lam w|) w, so u_t = (-1)^t Lam w_t has
u+ = -(I - eta Lam) u + eta rho Lam^2 u/|u| = u - eta rho Lam^2 (C u - u/|u|), C_ii = (2 - eta lam_i)/(eta rho lam_i^2):
preconditioned descent on J(u) = 1/2 u' C u - |u|.  J is smallest on the sphere |u| = 1/min C, and e_i/C_ii is critical
for every i: these are the two-cycles |w_i| = eta rho lam_i/(2 - eta lam_i) of the modes.  The paper has lam_i > 0
(recalled); the identity needs only lam_i != 0, and eta lam_i < 2 serves the minimum and the critical points alone.

Conventions: loss with 1/2; full batch; normalised ascent; no perturbation at a zero gradient.
"""

import numpy as np

from samtheory.claims import at_most, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import potential_curvature

STEPS = 60
SIGNS = (-1.0) ** np.arange(STEPS + 1)[:, None]


@claim(
    title="The gradients of SAM on a quadratic, with alternating sign, descend a potential",
    where="Section on quadratics",
    kind="identity",
    confidence="memory + derived",
    statement="""u_t = (-1)^t Lam w_t obeys u_{t+1} = u_t - eta rho Lam^2 grad J(u_t) with J(u) = 1/2 u' C u - |u| and
        C_ii = (2 - eta lam_i)/(eta rho lam_i^2) for lam_i != 0; if eta lam_i < 2 for every i, e_i/C_ii is critical
        for every i, and J >= -1/(2 min C_ii).""",
)
class PotentialDescent:
    h: float = real(0.02, 1.99)  # eta max |lam_i|
    rho: float = log_real(1e-3, 10)
    top: float = log_real(0.1, 10)  # max |lam_i|
    scale: float = log_real(1e-3, 1e3)  # of w_0, in units of rho
    negative: float = real(0, 0.5)  # chance that a curvature is negative
    dim: int = integer(1, 8)
    seed: int = seeds()

    examples = (
        {"h": 0.5, "rho": 0.2, "top": 1.0, "scale": 5.0, "negative": 0.0, "dim": 3, "seed": 0},
        {"h": 1.98, "rho": 0.2, "top": 1.0, "scale": 5.0, "negative": 0.0, "dim": 8, "seed": 0},
    )

    @property
    def eta(self):
        return self.h / self.top

    @property
    def lam(self):
        rng = np.random.default_rng([self.seed, 0])
        sizes = np.array([1, *rng.uniform(0.02, 1, self.dim - 1)])
        return self.top * sizes * np.where(rng.random(self.dim) < self.negative, -1, 1)

    def assumptions(self):
        return [
            requires("no curvature is zero", np.abs(self.lam).min(), ">", 0),
            requires("eta lam_i < 2 for every i", self.eta * self.lam.max(), "<", 2),
        ]

    def gradients(self, start, steps):
        run = simulate(Diagonal(self.lam, 0 * self.lam), SAM(self.eta, self.rho), start, steps, threads=1)
        return SIGNS[: steps + 1] * self.lam * run.states

    def measure(self):
        """u_t from a random start, and one step from every e_i/C_ii."""
        start = self.scale * self.rho * np.random.default_rng([self.seed, 1]).standard_normal(self.dim)
        critical = np.diag(1 / (self.lam * potential_curvature(self.eta, self.rho, self.lam)))
        return self.gradients(start, STEPS), self.gradients(critical, 1)[:, 1]

    def predict(self):
        return potential_curvature(self.eta, self.rho, self.lam)

    def judge(self, measured, C):
        (u, held), push = measured, self.eta * self.rho * self.lam**2
        size = np.linalg.norm(u, axis=1, keepdims=True)
        pull = np.divide(u, size, out=np.zeros_like(u), where=size > 0)
        ulps = (16 + self.dim) * np.finfo(float).eps
        why = "16 + d ulp of the terms of the sum"
        moved = ulps * (np.abs(u) * (1 + push * np.abs(C)) + push * np.abs(pull)) + 1e-300
        left = np.linalg.norm(C * held - np.eye(self.dim), axis=1)
        J, terms = 0.5 * u**2 @ C - size[:, 0], 0.5 * u**2 @ np.abs(C) + size[:, 0]
        return [
            equals("u_t+1", u[1:], (u - push * (C * u - pull))[:-1], tolerance=moved[:-1], why=f"{why}, or underflow"),
            equals("|C u - e_i| a step from e_i/C_ii", left, np.zeros(self.dim), tolerance=4 * ulps, why=why),
            at_most("-J(u_t)", -J, 1 / (2 * C.min()), slack=ulps * terms, why=why),
        ]

    controls = {
        "without the sign (-1)^t": control(measure=lambda c: (SIGNS * c.measure()[0], c.measure()[1])),
        "C with 2 for 2 - eta lam": control(predict=lambda c: 2 / (c.eta * c.rho * c.lam**2)),
        "C off by one part in 10^9": control(predict=lambda c: (1 + 1e-9) * c.predict()),
        "eta lam_1 > 2: no cycle": control(
            where={"h": real(2.01, 4), "negative": 0.0}, violates="eta lam_i < 2 for every i"
        ),
    }


if __name__ == "__main__":
    script(__file__)
