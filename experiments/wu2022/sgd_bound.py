"""Wu, Wang & Su 2022 (NeurIPS): minima at which SGD is linearly stable are flat, in the Frobenius norm.

Squared loss (1/2n) sum_i (f_i - y_i)^2 at a minimum that fits every sample, g_i = grad f_i, H = (1/n) sum g_i g_i',
L = delta'H delta/2; linearised, delta+ = (I - eta H_S) delta with the Hessian H_S of the batch.  Alignment of noise and
curvature: mu = min over delta of tr(H Sigma(delta))/(2 L(delta) |H|_F^2), Sigma the *centred* covariance of the sample
gradients.  With C = eta^2 mu |H|_F^2/B,
    E L(delta+) = L((I - eta H) delta) + (eta^2/2B) tr(H Sigma(delta)) >= C L(delta),
so E L stays bounded only if C <= 1.  Two samples, g = (1, 0), attain it.  The uncentred second moment instead of Sigma
makes it false (control, and wu2022/sgd-bound-uncentred); the converse is false as well (control).

The largest stable step is exact: the second moments evolve by a matrix, whose spectral radius is bisected.

Conventions: batches of B with replacement; without, B (n-1)/(n-B) takes the place of B.
"""

import numpy as np

from samtheory.claims import at_most, choice, claim, control, integer, log_real, requires, script, seeds
from samtheory.problems.quadratic import orthogonal
from samtheory.theory.linear_stability import alignment, stability_limit

EPS = np.finfo(float).eps
THREE = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])  # the family "three", whatever n and d
LONELY = {"family": "one of n", "d": 1}


@claim(
    title="SGD is linearly stable only at minima of small Frobenius norm of the Hessian",
    where="Theorem on linear stability",
    kind="bound",
    confidence="text (the order sqrt(B)/eta), memory (the constant), derived (the proof)",
    statement="""If SGD is linearly stable at an interpolating minimum of the squared loss, |H|_F <= sqrt(B/mu)/eta,
        mu the alignment of the centred noise covariance with the Hessian.""",
    caveat="false with the uncentred second moment of the gradients, see wu2022/sgd-bound-uncentred",
)
class SgdBound:
    family: str = choice("gaussian", "orthogonal", "heavy tails", "one of n", "three")
    n: int = integer(1, 5)
    d: int = integer(1, 4)
    scale: float = log_real(0.1, 10)
    batch: int = integer(1, 4)  # at most n
    sampling: str = choice("with replacement", "without")
    seed: int = seeds()

    examples = (
        {"family": "three", "n": 3, "d": 2, "scale": 1.0, "batch": 1, "sampling": "with replacement", "seed": 0},
        {"family": "three", "n": 3, "d": 2, "scale": 1.0, "batch": 2, "sampling": "with replacement", "seed": 0},
        {"family": "one of n", "n": 2, "d": 1, "scale": 1.0, "batch": 1, "sampling": "with replacement", "seed": 0},
        {"family": "one of n", "n": 4, "d": 1, "scale": 1.0, "batch": 3, "sampling": "without", "seed": 0},
    )  # limits of the step 0.576, 0.782, 2 (which is the bound), 6

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

    @property
    def spectrum(self):
        """Of H on its range."""
        s = np.linalg.svd(self.g, compute_uv=False) ** 2
        return s[s > 1e-13 * s[0]] / len(self.g)

    @property
    def size(self):
        return min(self.batch, len(self.g))

    @property
    def effective(self):
        """B, or its counterpart without replacement."""
        n, apart = len(self.g), self.sampling == "with replacement"
        return self.size if apart else np.inf if self.size == n else self.size * (n - 1) / (n - self.size)

    def assumptions(self):
        return [requires("some gradient is not zero", self.spectrum[0], ">", 0)]

    def measure(self):
        """The largest step at which SGD is linearly stable."""
        return stability_limit(self.g, 0.0, self.size, replacement=self.sampling == "with replacement")

    def predict(self, centred=True):
        """mu |H|_F^2/B."""
        return alignment(self.g, centred) * np.sum(self.spectrum**2) / self.effective

    def judge(self, limit, noise):
        # the second moments evolve by a symmetric matrix T(eta), convex in eta, of slope >= 2 lam_min where its top
        # eigenvalue returns to 1, and limit >= 2/(n lam_max): so eta errs by 4 d^2 ulp (n/4) cond(H); mu by as much
        slack = 4e-13 + 128 * EPS * self.spectrum[0] / self.spectrum[-1]
        why = "128 ulp cond(H); bisection to 1e-13"
        return [at_most("eta^2 mu |H|_F^2/B at the largest stable eta", limit**2 * noise, 1, slack=slack, why=why)]

    controls = {
        "uncentred second moment": control(
            predict=lambda c: c.predict(centred=False),
            where={"n": 1, "batch": 1, "family": "gaussian", "sampling": "with replacement"},
        ),
        "half the batch": control(
            predict=lambda c: 2 * c.predict(), where=LONELY | {"n": 2, "sampling": "with replacement"}
        ),
        "bound off by one part in a million": control(
            predict=lambda c: (1 + 2e-6) * c.predict(), where=LONELY | {"n": 2, "batch": 1}
        ),
        "B without replacement": control(
            predict=lambda c: c.predict() * c.effective / c.size,
            where=LONELY | {"n": 4, "batch": 3, "sampling": "without"},
        ),
        "trace of the Hessian for its Frobenius norm": control(
            predict=lambda c: c.predict() * (c.spectrum.sum() ** 2 / np.sum(c.spectrum**2)),
            where={"family": "orthogonal", "n": 4, "d": 4, "batch": 1, "sampling": "with replacement"},
        ),
        "converse: every step within the bound is stable": control(
            measure=lambda c: 1 / (c.measure() * c.predict()),
            where={"family": "gaussian", "n": integer(3, 5), "d": integer(2, 4), "batch": 1},
        ),
    }


if __name__ == "__main__":
    script(__file__)
