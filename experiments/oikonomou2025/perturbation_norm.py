"""Oikonomou & Loizou 2025 (arXiv 2503.02225): how far Unified SAM looks, y = x + rho (1 - mix + mix/|g|) g.

    |y - x| = rho ((1 - mix)|g| + mix),   hence   |y - x|^2 <= 2 rho^2 ((1 - mix)^2 |g|^2 + mix^2),

with equality iff (1 - mix)|g| = mix.  The factor is mix/|g|; some secondary sources print mix |g|.  y is seen from
outside: on |x - c|^2/2 one step of size 1 from x ends at x - (y - c), so that y - x = c - x+.

Conventions: mix = 0 is USAM, mix = 1 is SAM; zero gradient: no perturbation (excluded here).
"""

import numpy as np

from samtheory.claims import at_most, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import Quadratic
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.simulate import simulate

EPS = np.finfo(float).eps


@claim(
    title="Length of Unified SAM's perturbation",
    where="definition of Unified SAM",
    kind="identity",
    confidence="text (the update), derived",
    statement="""|y - x| = rho ((1 - mix)|g| + mix) and |y - x|^2 <= 2 rho^2 ((1 - mix)^2 |g|^2 + mix^2)
        for y = x + rho (1 - mix + mix/|g|) g, g != 0""",
)
class PerturbationNorm:
    mix: float = real(0, 1)
    rho: float = log_real(1e-3, 1e2)
    size: float = log_real(1e-3, 1e3)  # |g|
    dim: int = integer(1, 8)
    seed: int = seeds()

    examples = ({"mix": 0.5, "rho": 0.1, "size": 1.0, "dim": 3, "seed": 0},)  # equality of the two

    def gradient(self):
        g = np.random.default_rng(self.seed).standard_normal(self.dim)
        return self.size * g / np.linalg.norm(g)

    def assumptions(self):
        return [requires("the gradient is not 0", self.size, ">", 0)]

    def measure(self):
        """|y - x|."""
        centre = np.zeros(self.dim)
        bowl = Quadratic(np.eye(self.dim), centre)
        end = simulate(bowl, UnifiedSAM(1.0, self.rho, self.mix), self.gradient(), 1, threads=1).x
        return np.linalg.norm(centre - end)

    def predict(self, normalised=None):
        """|y - x| and the bound of its square; `normalised`: another length of the normalised part."""
        raw, unit = (1 - self.mix) * self.size, self.mix if normalised is None else normalised
        return self.rho * (raw + unit), 2 * self.rho**2 * (raw**2 + unit**2)

    def judge(self, length, predicted):
        exact, bound = predicted
        off = (8 + self.dim) * EPS * (self.size + exact)  # of x and y; relative to |y - x| when squared
        why = "8 + d ulp of x and of y"
        return [
            equals("|y - x|", length, exact, tolerance=off, why=why),
            at_most("|y - x|^2", length**2, bound, slack=2 * off * (exact + off), why=why),
        ]

    controls = {
        "mix |g| instead of mix/|g|": control(
            predict=lambda c: c.predict(normalised=c.mix * c.size**2),
            where={"size": log_real(2, 1e3), "mix": real(0.1, 1)},
        ),
        "length off by one part in 10^9": control(
            predict=lambda c: ((1 + 1e-9) * c.predict()[0], c.predict()[1]),
            where={"rho": log_real(1e-2, 1e2), "size": log_real(1e-3, 10), "mix": real(0.1, 1)},
            refutes="|y - x|",
        ),
        "2 lowered by one part in 10^6 where the two parts are equal": control(
            predict=lambda c: (c.predict()[0], (1 - 1e-6) * c.predict()[1]),
            where={"mix": 0.5, "size": 1.0},
            refutes="|y - x|^2",
        ),
    }


if __name__ == "__main__":
    script(__file__)
