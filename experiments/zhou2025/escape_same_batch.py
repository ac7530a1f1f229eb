"""Zhou et al. 2025 (arXiv 2410.10373), Theorem 4.2 for USAM as it is run, one batch for both gradients: false.

The analysis draws independent batches for ascent and descent, the algorithm uses one (its readers noticed).  With one
batch a sample multiplies its own residual g_i.delta by 1 - eta |g_i|^2 (1 + rho |g_i|^2): what the ascent adds is
|g_i|^2, not the cross terms g_i'H g_j that E L(half step) counts.  Three samples
    g = (a, e), (1, 0), (a, -e),  a = 0.1, e = 0.01,
show it: along delta = (0, 1) only the two short gradients act, rho |g_i|^2 is about 1 at rho = 100, and the loss grows
1.493 times in a step at eta = 6, where C = 4.284.  With independent batches it grows more than 4.284 times; the bound
on stability (zhou2025/sam-bound) survives, because along (1, 0) the loss grows beyond all that.

Conventions: those of zhou2025/exponential-escape; B = 1.
"""

import numpy as np

from samtheory.claims import REFUTED, at_least, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.theory.linear_stability import alignment, escape_constant, expected_losses, transfer

EPS = np.finfo(float).eps


@claim(
    title="Exponential escape of USAM with one batch for both gradients",
    where="Theorem 4.2, for the algorithm as it is run",
    kind="rate",
    confidence="derived",
    statement="""If C = eta^2 mu |H|_F^2 (1 + rho^2 mu |H|_F^2) > 1 then E L_{t+1} >= C E L_t for every t in the
        linearised model of USAM with one batch of one sample for both gradients.""",
    expected=REFUTED,
    repaired="zhou2025/exponential-escape",
    caveat="three samples in two dimensions: growth 1.493 where C = 4.284; true for independent batches",
)
class SameBatch:
    short: float = log_real(0.05, 0.5)  # a
    lean: float = log_real(0.02, 1)  # e/a
    rho: float = log_real(1, 200)
    C: float = log_real(1.01, 10)
    angle: float = real(0, 1)  # of delta to the first axis, in right angles
    seed: int = seeds()
    spare: int = integer(0, 1)  # a further sample, N(0, a^2)

    examples = (
        {"short": 0.1, "lean": 0.1, "rho": 100.0, "C": 4.284005520, "angle": 1.0, "seed": 0, "spare": 0},  # 1.4929
        {"short": 0.1, "lean": 0.1, "rho": 20.0, "C": 4.0, "angle": 1.0, "seed": 0, "spare": 0},  # 3.445
    )

    @property
    def g(self):
        a, e = self.short, self.short * self.lean
        more = a * np.random.default_rng(self.seed).standard_normal((self.spare, 2))
        return np.array([[a, e], [1, 0], [a, -e], *more])

    @property
    def frobenius(self):
        return np.linalg.norm(self.g.T @ self.g / len(self.g))

    @property
    def eta(self):
        noise = alignment(self.g) * self.frobenius**2
        return np.sqrt(self.C / (noise * (1 + self.rho**2 * noise)))

    def assumptions(self):
        return [requires("C > 1", self.predict(), ">", 1)]

    def measure(self, mode="same_batch"):
        """E L of the first steps, and the norm of the matrix of a step."""
        delta = np.array([np.cos(self.angle * np.pi / 2) * (self.angle < 1), np.sin(self.angle * np.pi / 2)])
        at = self.eta, self.rho, 1, mode
        return expected_losses(self.g, delta, *at, 4), np.linalg.norm(transfer(self.g, *at), 2)

    def predict(self):
        return escape_constant(self.eta, self.rho, self.frobenius, alignment(self.g), 1)

    def judge(self, measured, C):
        losses, size = measured
        lam = np.linalg.eigvalsh(self.g.T @ self.g)
        slack = 64 * len(self.g) * EPS * (size + C / min(1.0, alignment(self.g))) * lam[-1] / lam[0]
        why = "as in zhou2025/exponential-escape"
        return [at_least("E L_{t+1}/E L_t", losses[1:] / losses[:-1], C, slack=slack, why=why)]

    controls = {
        "independent batches": control(measure=lambda c: c.measure("two_batch"), expect="holds"),
        "the three samples": control(
            where={"short": 0.1, "lean": 0.1, "rho": real(80, 200), "C": real(3, 6), "angle": 1.0, "spare": 0}
        ),
        "the three samples, a third of C": control(
            predict=lambda c: c.predict() / 3,
            where={"short": 0.1, "lean": 0.1, "rho": 100.0, "C": 4.284005520, "angle": 1.0, "spare": 0},
            expect="holds",
        ),
    }


if __name__ == "__main__":
    script(__file__)
