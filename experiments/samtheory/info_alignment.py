"""Ours, a toy for Zhang, Li & Giannakis 2025 (arXiv 2501.06603): precision weights turn a noisy ascent to the true one.

g = a + xi, independent xi_i ~ N(0, s_i^2), and SAM's perturbation along R g, R = diag(c).  With v_i = c_i^2 s_i^2,
V = sum v_i, k = V/max v_i and m = c a, exactly
    sum c_i a_i^2/(|a| sqrt(V + |m|^2 + 2 v_i))  <=  E cos(a, R g)
        <=  sum c_i a_i^2/(|a| sqrt(2 max v_i)) Gamma((k - 1)/2)/Gamma(k/2).
Both sides are sum c_i a_i^2/(|a| sqrt V) in the limit of many coordinates (k -> inf) and little signal (|m|^2/V -> 0);
for equal |a_i| that is largest at c_i = 1/s_i^2, the weights of infoSAM, where it exceeds SAM's by
    sqrt(mean s^2 mean s^-2) >= 1, = 1 iff the noise is isotropic.
Where the signal sits on the noisy coordinates (a_i = s_i^2) precision weights lose.

E cos is measured by a quadrature of its exact integral; the brackets are closed forms.  The gain is compared to the
widths of the brackets, which hold the limits too.
"""

import functools

import numpy as np

from samtheory.claims import (
    at_least,
    at_most,
    choice,
    claim,
    control,
    equals,
    integer,
    log_real,
    real,
    requires,
    script,
    seeds,
)
from samtheory.theory.alignment import cosine_bracket, expected_cosine, precision_gain


@claim(
    title="Precision weights align SAM's perturbation with the true gradient, under anisotropic noise",
    where="rates C14",
    kind="bound",
    confidence="derived",
    statement="""sum c_i a_i^2/(|a| sqrt(V + |m|^2 + 2 v_i)) <= E cos(a, R g)
        <= sum c_i a_i^2/(|a| sqrt(2 v_max)) Gamma((k-1)/2)/Gamma(k/2); gain of c = 1/s^2 over c = 1, |a_i| equal:
        sqrt(mean s^2 mean s^-2)""",
    caveat="a toy of ours for the degradation of the adversary by noise; the paper's text was not read",
    cost=2,
)
class InfoAlignment:
    dim: int = integer(50, 3000)
    spread: float = real(0, 1)  # standard deviation of log s
    signal: float = log_real(1e-3, 0.05)  # |a_i|, in units of exp(mean log s)
    shape: str = choice("equal", "random")  # |a_i|
    seed: int = seeds()

    examples = (
        {"dim": 200, "spread": 0.5, "signal": 0.02, "shape": "equal", "seed": 0},
        {"dim": 3000, "spread": 0.0, "signal": 0.02, "shape": "equal", "seed": 0},
    )

    @functools.cached_property
    def data(self):
        """a and s."""
        rng = np.random.default_rng(self.seed)
        s = np.exp(self.spread * rng.standard_normal(self.dim))
        a = rng.choice([-1.0, 1.0], self.dim)
        return self.signal * (a if self.shape == "equal" else a * rng.exponential(1.0, self.dim)), s

    def weights(self):
        _, s = self.data
        return {"SAM": np.ones(self.dim), "1/s": 1 / s, "infoSAM": s**-2.0}

    def assumptions(self):
        return [requires("the noise has more than three effective coordinates", self.effective.min(), ">", 3)]

    @property
    def effective(self):
        v = [(c * self.data[1]) ** 2 for c in self.weights().values()]
        return np.array([one.sum() / one.max() for one in v])

    def measure(self, a=None):
        a, s = (self.data[0] if a is None else a), self.data[1]
        return np.array([expected_cosine(a, s, c) for c in self.weights().values()])

    def predict(self):
        """The brackets of the three weightings, and the gains over SAM of the other two."""
        a, s = self.data
        low, high = np.transpose([cosine_bracket(a, s, c) for c in self.weights().values()])
        return low, high, np.array([precision_gain(s, 1), precision_gain(s, 2)])

    def judge(self, cosine, predicted):
        low, high, gain = predicted
        why = "1e-10: the quadrature"
        evidence = [
            at_least("E cos", cosine, low, slack=1e-10 * low, why=why),
            at_most("E cos, from above", cosine, high, slack=1e-10 * high, why=why),
        ]
        if self.shape == "equal":
            # both cosines lie in brackets that hold their limits too
            tolerance = gain * (np.maximum(high[1:] / low[1:] * high[0] / low[0] - 1, 0) + 1e-9)
            evidence.append(equals("gain over SAM", cosine[1:] / cosine[0], gain, tolerance=tolerance,
                                   why="widths of the two brackets"))  # fmt: skip
        return evidence

    controls = {
        "a bracket one per cent higher": control(
            predict=lambda c: (1.01 * c.predict()[1], *c.predict()[1:]), refutes="E cos",
            where={"dim": integer(1000, 3000), "spread": real(0, 0.2), "signal": log_real(1e-3, 5e-3)},
        ),
        "the limit itself as a lower bound": control(
            predict=lambda c: (limits(c), *c.predict()[1:]), refutes="E cos",
            where={"signal": real(0.04, 0.05), "spread": real(0, 0.1), "dim": integer(1000, 3000)},
        ),
        "a gain under isotropic noise": control(
            predict=lambda c: (*c.predict()[:2], np.array([1.05, 1.05])), refutes="gain over SAM",
            where={"shape": "equal", "spread": 0.0, "signal": log_real(1e-3, 0.02), "dim": integer(500, 3000)},
        ),
        "the gain squared": control(
            predict=lambda c: (*c.predict()[:2], c.predict()[2] ** 2), refutes="gain over SAM",
            where={"shape": "equal", "spread": real(0.4, 0.6), "signal": log_real(1e-3, 5e-3),
                   "dim": integer(1500, 3000)},
        ),
        "signal on the noisy coordinates": control(
            measure=lambda c: c.measure(a=c.signal * c.data[1] ** 2), refutes="gain over SAM",
            where={"shape": "equal", "spread": real(0.4, 0.6), "signal": log_real(1e-3, 5e-3),
                   "dim": integer(1500, 3000)},
        ),
    }  # fmt: skip


def limits(c):
    """sum c_i a_i^2/(|a| sqrt V)."""
    a, s = c.data
    return np.array([(w * a**2).sum() / np.linalg.norm(a) / np.linalg.norm(w * s) for w in c.weights().values()])


if __name__ == "__main__":
    script(__file__)
