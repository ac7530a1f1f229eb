"""Zhou et al. 2025 (arXiv 2410.10373), Theorem 4.1: minima at which stochastic USAM is linearly stable are flatter.

Setting of wu2022/sgd-bound; delta+ = delta - eta H_S2 (delta + rho H_S1 delta).  Two independent batches: the noise of
the descent and that of the ascent each enlarge E L,
    E L(delta+) >= (eta^2 mu/B) |H|_F^2 E L(half step),   E L(half step) >= (1 + (rho^2 mu/B) |H|_F^2) L(delta),
so stability asks for |H|_F^2 (1 + (rho^2 mu/B) |H|_F^2) <= B/(eta^2 mu): less than SGD's bound for every rho > 0.  One
batch for both gradients, as in practice: proved here in one dimension only, Var(c^2) >= 2 Var(c)^2 for c >= 0; in
more dimensions the one-step argument fails (zhou2025/escape-same-batch) and the bound is merely not violated by any
instance that was searched.

The largest stable step is exact: the second moments evolve by a matrix, whose spectral radius is bisected.

Conventions: mu of the centred covariance; batches of B with replacement; the paper may scale mu otherwise.  Its
experiments run normalised SAM, which is not linear: nothing of this applies to it.
"""

import numpy as np

from samtheory.claims import at_most, choice, claim, control, integer, log_real, real, requires, script, seeds
from samtheory.problems.quadratic import orthogonal
from samtheory.theory.linear_stability import alignment, growth, stability_limit, transfer

EPS = np.finfo(float).eps
NEAR = 1e-3
THREE = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])  # the family "three", whatever n, d and scale
LONELY = {"family": "one of n", "n": 2, "d": 1}
REFERENCE = {"family": "three", "n": 3, "d": 2, "scale": 1.0, "seed": 0}


@claim(
    title="USAM is linearly stable only at minima flatter than those of SGD",
    where="Theorem 4.1",
    kind="bound",
    confidence="memory (the constant), derived (two batches), numerical (one batch, d > 1)",
    statement="""If stochastic USAM is linearly stable at an interpolating minimum of the squared loss,
        |H|_F^2 (1 + (rho^2 mu/B) |H|_F^2) <= B/(eta^2 mu), mu the alignment of the centred noise covariance.""",
    caveat="with one batch for both gradients proved in one dimension only, elsewhere searched for violations",
    cost=2,
)
class SamBound:
    family: str = choice("gaussian", "orthogonal", "heavy tails", "one of n", "three")
    n: int = integer(1, 4)
    d: int = integer(1, 4)
    scale: float = log_real(0.1, 10)
    rho: float = log_real(1e-3, 1e2)
    batch: int = integer(1, 2)
    mode: str = choice("two_batch", "same_batch")
    seed: int = seeds()

    examples = tuple(  # limits 0.48548, 0.26017, 0.40761, 0.18680; 0.66244, 0.58181
        REFERENCE | {"rho": rho, "batch": batch, "mode": mode}
        for mode in ("two_batch", "same_batch")
        for rho, batch in ((0.1, 1), (0.5, 1), (0.1, 2))
    )

    @property
    def g(self):
        rng = np.random.default_rng([self.seed, 0])
        g = rng.standard_normal((self.n, self.d))
        if self.family == "orthogonal":
            most = max(self.n, self.d)
            g = orthogonal(rng, most)[: self.n, : self.d]
        elif self.family == "heavy tails":
            g *= rng.exponential(size=(self.n, 1)) ** 2
        elif self.family == "one of n":
            g = np.eye(self.n, self.d) * (np.arange(self.n) == 0)[:, None]
        return self.scale * (THREE if self.family == "three" else g)

    def assumptions(self):
        return [requires("some gradient is not zero", np.abs(self.g).max(), ">", 0)]

    def measure(self, mode=None):
        """The largest step at which USAM is linearly stable, and by how much round-off may move it."""
        mode = mode or self.mode
        eta = stability_limit(self.g, self.rho, self.batch, mode)
        matrix = transfer(self.g, eta, self.rho, self.batch, mode)
        bent = np.linalg.cond(np.linalg.eig(matrix)[1]) if mode == "two_batch" else 1.0  # the others are symmetric
        slope = (growth(self.g, (1 + NEAR) * eta, self.rho, self.batch, mode) - 1) / NEAR  # of the radius, in log eta
        return eta, 1e-13 + 16 * EPS * np.linalg.norm(matrix, 2) * bent / slope

    def predict(self, centred=True):
        """mu |H|_F^2/B, and rho."""
        return alignment(self.g, centred) * np.sum((self.g.T @ self.g / len(self.g)) ** 2) / self.batch, self.rho

    def judge(self, measured, predicted):
        (eta, relative), (noise, rho) = measured, predicted
        s = np.linalg.svd(self.g, compute_uv=False) ** 2
        observed = eta**2 * noise * (1 + rho**2 * noise)
        # mu |H|_F^2 errs by 16 n ulp lam_max^2 cond(H)
        top, cond = s[0] / len(self.g), s[0] / s[s > 1e-13 * s[0]][-1]
        error = 16 * len(self.g) * EPS * top**2 * cond
        slack = 2 * relative * observed + eta**2 * error * (1 + 2 * rho**2 * (abs(noise) + error))
        why = "16 ulp of the matrix, over the slope of its radius; 16 n ulp cond(H) of mu |H|_F^2"
        return [at_most("eta^2 C/B, C = mu |H|_F^2 (1 + rho^2 mu |H|_F^2/B)", observed, 1, slack=slack, why=why)]

    controls = {
        "uncentred second moment": control(
            predict=lambda c: c.predict(centred=False), where={"n": 1, "batch": 1, "family": "gaussian"}
        ),
        "half the batch": control(
            predict=lambda c: (2 * c.predict()[0], c.rho),
            where=LONELY | {"batch": 1, "rho": log_real(1e-3, 0.1), "scale": 1.0},
        ),
        "bound off by one part in a thousand": control(
            predict=lambda c: ((1 + 1e-3) * c.predict()[0], c.rho),
            where=LONELY | {"batch": 1, "rho": 1e-3, "scale": 0.1},
        ),
        "eight times the term of the ascent": control(
            predict=lambda c: (c.predict()[0], np.sqrt(8) * c.rho),
            where=LONELY | {"batch": 1, "rho": real(6, 100), "scale": 1.0},
        ),
        "SGD is stable at minima that USAM leaves": control(
            measure=lambda c: c.measure("sgd"), where=LONELY | {"batch": 1, "rho": real(1, 10), "scale": 1.0}
        ),
        "converse: every step within the bound is stable": control(
            measure=lambda c: (within(*c.predict()) ** 2 / c.measure()[0], 0.0),
            where={"family": "gaussian", "n": integer(3, 4), "d": integer(2, 4), "batch": 1, "rho": log_real(1e-3, 1)},
        ),
    }


def within(noise, rho):
    """The largest step that the bound allows."""
    return 1 / np.sqrt(noise * (1 + rho**2 * noise))


if __name__ == "__main__":
    script(__file__)
