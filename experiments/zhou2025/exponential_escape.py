"""Zhou et al. 2025 (arXiv 2410.10373), Theorem 4.2 (P1): SAM escapes exponentially from minima that are too sharp.

Setting of zhou2025/sam-bound, C = (eta^2 mu/B) |H|_F^2 (1 + (rho^2 mu/B) |H|_F^2):
    E L_{t+1} >= C E L_t    for every t,
for SGD (rho = 0) and for USAM with two independent batches: the descent gives (eta^2 mu/B) |H|_F^2 E L(half step), the
ascent E L(half step) >= (1 + (rho^2 mu/B) |H|_F^2) L.  If C > 1 the loss grows exponentially.  One batch for both
gradients: the same in one dimension, Var(c + rho c^2) >= Var(c) + rho^2 Var(c)^2; false in two
(zhou2025/escape-same-batch, and a control).

E L_t is exact: it is linear in the second moments, which evolve by a matrix.

Conventions: mu of the centred covariance; batches of B with replacement; the linearised model of a squared loss.
"""

import numpy as np

from samtheory.claims import at_least, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.theory.linear_stability import alignment, escape_constant, expected_losses, transfer

EPS = np.finfo(float).eps
STEPS = 8
TRAP = np.array([[0.1, 0.01], [1.0, 0.0], [0.1, -0.01]])  # the family "trap", whatever n and d; started along (0, 1)
LONELY = {"family": "one of n", "n": 4, "d": 1, "batch": 1}  # tight for SGD at eta H = 1, where C = 3


@claim(
    title="The expected loss grows at least geometrically where stochastic USAM is unstable",
    where="Theorem 4.2 (P1)",
    kind="rate",
    confidence="text (growth at a rate C), derived (C)",
    statement="""If C = (eta^2 mu/B) |H|_F^2 (1 + (rho^2 mu/B) |H|_F^2) > 1 then E L_{t+1} >= C E L_t for every t in
        the linearised model of SGD and of USAM with independent batches.""",
    caveat="the same batch in both gradients, d > 1: false, see zhou2025/escape-same-batch",
)
class Escape:
    family: str = choice("gaussian", "heavy tails", "one of n")
    n: int = integer(2, 4)
    d: int = integer(1, 3)
    C: float = log_real(1.001, 100)
    reach: float = log_real(1e-3, 30)  # rho lam_max
    batch: int = integer(1, 2)
    mode: str = choice("sgd", "two_batch", "same_batch")
    seed: int = seeds()

    @property
    def g(self):
        rng = np.random.default_rng([self.seed, 0])
        g = rng.standard_normal((self.n, self.d))
        if self.family == "heavy tails":
            g *= rng.exponential(size=(self.n, 1))
        elif self.family == "one of n":
            g = np.eye(self.n, self.d) * (np.arange(self.n) == 0)[:, None]
        return TRAP if self.family == "trap" else g

    @property
    def start(self):
        d = self.g.shape[1]
        return np.eye(d)[-1] if self.family == "trap" else np.random.default_rng([self.seed, 1]).standard_normal(d)

    @property
    def spectrum(self):
        """Of H on its range."""
        s = np.linalg.svd(self.g, compute_uv=False) ** 2
        return s[s > 1e-13 * s[0]] / len(self.g)

    @property
    def rho(self):
        return 0.0 if self.mode == "sgd" else self.reach / self.spectrum[0]

    @property
    def eta(self):
        """The step at which C has the given value."""
        noise = alignment(self.g) * np.sum(self.spectrum**2) / self.batch
        return np.sqrt(self.C / (noise * (1 + self.rho**2 * noise))) if noise > 0 else 1.0

    def constant(self, batch=None, centred=True):
        mu, frobenius = alignment(self.g, centred), np.sqrt(np.sum(self.spectrum**2))
        return escape_constant(self.eta, self.rho, frobenius, mu, batch or self.batch)

    def assumptions(self):
        return [
            requires("mu > 0, beyond round-off", alignment(self.g), ">", 1e-7),
            requires("C > 1", self.constant(), ">", 1),
            requires("independent batches, or one dimension", self.mode != "same_batch" or self.spectrum.size == 1),
        ]

    def measure(self, rho=None):
        """E L_0, ..., E L_8, and the norm of the matrix of a step."""
        at = self.eta, self.rho if rho is None else rho, self.batch, self.mode
        return expected_losses(self.g, self.start, *at, STEPS), np.linalg.norm(transfer(self.g, *at), 2)

    def predict(self):
        return self.constant()

    def judge(self, measured, C):
        losses, size = measured
        # tr(H D) >= lam_min tr D for the second moments D; mu |H|_F^2 errs by 16 n ulp lam_max^2 cond(H), eta^2 with it
        slack = 64 * len(self.g) * EPS * (size + C / min(1.0, alignment(self.g))) * self.spectrum[0] / self.spectrum[-1]
        why = "64 n ulp of the matrix, of C/mu, times cond(H)"
        return [at_least("E L_{t+1}/E L_t", losses[1:] / losses[:-1], C, slack=slack, why=why)]

    controls = {
        "constant off by one part in a million": control(
            predict=lambda c: (1 + 1e-6) * c.constant(), where=LONELY | {"mode": "sgd", "C": 3.0}
        ),
        "four times the constant": control(predict=lambda c: 4 * c.constant(), where=LONELY | {"mode": "sgd"}),
        "uncentred second moment": control(
            predict=lambda c: c.constant(centred=False), where=LONELY | {"mode": "sgd", "C": real(2, 5)}
        ),
        "half the batch": control(
            predict=lambda c: c.constant(batch=1), where=LONELY | {"batch": 2, "mode": "sgd", "C": real(1.2, 5)}
        ),
        "twice the term of the ascent": control(
            predict=lambda c: 2 * c.constant() - c.eta**2 * alignment(c.g) * np.sum(c.spectrum**2),
            where=LONELY | {"mode": "two_batch", "C": real(50, 100), "reach": real(20, 30)},
        ),
        "without the ascent step": control(
            measure=lambda c: c.measure(0.0), where=LONELY | {"mode": "two_batch", "reach": real(20, 30)}
        ),
        "one batch for both gradients, two dimensions": control(
            where={"family": "trap", "mode": "same_batch", "reach": 34.0, "C": real(3, 6), "batch": 1},
            violates="independent batches, or one dimension",
        ),
        "two batches in the same trap": control(
            where={"family": "trap", "mode": "two_batch", "reach": 34.0, "C": real(3, 6), "batch": 1}, expect="holds"
        ),
    }


if __name__ == "__main__":
    script(__file__)
