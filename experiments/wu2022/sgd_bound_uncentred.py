"""Wu, Wang & Su 2022 (NeurIPS), the bound of wu2022/sgd-bound with the uncentred second moment of the gradients: false.

Often the noise covariance is replaced by (1/n) sum (g_i.delta)^2 g_i g_i', "since the gradient vanishes at a minimum".
Both are of second order in delta, so nothing vanishes faster: one sample has no noise at all, SGD is gradient
descent, stable up to eta = 2/H, and the uncentred alignment mu = 1 says eta <= 1/H.  In general the uncentred noise is
the centred one and L(H delta)'s share of it, which a step need not enlarge.  Whether a text means the covariance or
the second moment has to be read from its definition; with the covariance the bound is true.

Conventions: those of wu2022/sgd-bound; batches of B with replacement.
"""

import numpy as np

from samtheory.claims import REFUTED, at_most, claim, control, integer, log_real, requires, script, seeds
from samtheory.theory.linear_stability import alignment, stability_limit

EPS = np.finfo(float).eps


@claim(
    title="The flatness bound of SGD with the uncentred second moment of the gradients",
    where="Theorem on linear stability, with another noise",
    kind="bound",
    confidence="derived",
    statement="""If SGD is linearly stable at an interpolating minimum of the squared loss, |H|_F <= sqrt(B/mu)/eta,
        mu the alignment of (1/n) sum (g_i.delta)^2 g_i g_i' with the Hessian.""",
    expected=REFUTED,
    repaired="wu2022/sgd-bound",
    caveat="a variant, not a quotation: one sample has no noise, is stable up to 2/H, and the variant says 1/H",
)
class Uncentred:
    n: int = integer(1, 5)
    d: int = integer(1, 3)
    scale: float = log_real(0.1, 10)
    batch: int = integer(1, 3)
    seed: int = seeds()

    examples = ({"n": 1, "d": 1, "scale": 1.0, "batch": 1, "seed": 0},)

    @property
    def g(self):
        return self.scale * np.random.default_rng([self.seed, 0]).standard_normal((self.n, self.d))

    def assumptions(self):
        return [requires("some gradient is not zero", np.abs(self.g).max(), ">", 0)]

    def measure(self):
        """The largest step at which SGD is linearly stable."""
        return stability_limit(self.g, 0.0, self.batch)

    def predict(self, centred=False):
        """mu |H|_F^2/B."""
        return alignment(self.g, centred) * np.sum((self.g.T @ self.g / self.n) ** 2) / self.batch

    def judge(self, limit, noise):
        s = np.linalg.svd(self.g, compute_uv=False) ** 2
        slack = 4e-13 + 128 * EPS * s[0] / s[s > 1e-13 * s[0]][-1]
        why = "as in wu2022/sgd-bound"
        return [at_most("eta^2 mu |H|_F^2/B at the largest stable eta", limit**2 * noise, 1, slack=slack, why=why)]

    controls = {
        "the centred covariance": control(predict=lambda c: c.predict(centred=True), expect="holds"),
        "one sample, four times the bound": control(where={"n": 1, "batch": 1}),
        "one sample, half the alignment": control(predict=lambda c: c.predict() / 2, where={"n": 1, "batch": 1}),
        "one sample, a quarter of it": control(
            predict=lambda c: c.predict() / 4, where={"n": 1, "batch": 1}, expect="holds"
        ),
    }


if __name__ == "__main__":
    script(__file__)
