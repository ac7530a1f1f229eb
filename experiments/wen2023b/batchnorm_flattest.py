"""Wen, Li & Ma 2023 (arXiv 2307.11007), Theorem 3.2, Lemmas A.1-A.3 and A.27: batch norm, flat only with the rule.

Data {-1,1}^2 x S (Condition 1: the differences of S span R^(d-2)), n = 4 |S|, y = x_1 x_2; over the data nu_j^2 is
the mean of R_ij^2, and f = sum_j W2_j gamma_j R_j/nu_j; gamma_j = W2_j = 0 for units that are never on.

(A.27) a + d = b + c gives (relu a + relu d - relu b - relu c)^2 <= the sum of the four squares.

For unit j and s in S the four pre-activations are such.  In the mean over S that is |mean_s Delta_s R_j| <= 2 nu_j, so
for ANY parameters sum_j |gamma_j W2_j| >= |mean_s Delta_s f|/2, which is 2 for every net that fits.

(A.3) Tr Hess L >= 2 (|W2|^2 + |gamma|^2) >= 4 sum_j |gamma_j W2_j| >= 8 at interpolation.

Near the infimum (derived): sum_j |gamma_j W2_j| (2 - |mean_s Delta_s R_j|/nu_j) <= (Tr Hess L - 8)/2 at interpolation,
by the same two chains.  A unit for which this is 0 is on at one corner only and has one height there for all of S, so
it sees no other coordinate, the differences of S spanning R^(d-2): the flatter the net, the closer to x_1 x_2.

The four units (+-s, +-s, 0 ... | -s) have Tr = 8 (gamma^2 + 1/(4 gamma^2)) + 2 tr Cov(S)/s^2 (derived): 8 is the
infimum, not attained.  CORRECTION: Lemma A.3 as printed drops the factor 2 of Lemma 4.1, which would give 4.

Conventions: L = (1/n) sum (f - y)^2; statistics over the whole data; population covariance.  Random interpolating nets:
first layer and gamma of the corner net and of further units, moved by `spread`; W2 solves the interpolation.
The theorem's epsilon and kappa have no constants to test; the inequality near the infimum stands for them.
"""

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, equals, integer, log_real, requires, script, seeds
from samtheory.measures.flatness import kink_margin, net_trace
from samtheory.problems.boolean import complete_set, cube_sample, xor
from samtheory.problems.flat_nets import batch_norm_corner_net
from samtheory.problems.relu_nets import BatchNormReluNet, outputs, pack, pre_activations, weights
from samtheory.theory.flatness import BATCH_NORM_INFIMUM, batch_norm_corner_trace

FITS = "the net fits: max |f - y|"


@claim(
    title="With batch norm no net that fits xor is flatter than 8",
    where="Theorem 3.2, Lemmas A.1-A.3, A.27",
    kind="bound",
    confidence="text, derived",
    statement="""On {-1,1}^2 x S: sum |gamma_j W2_j| >= |mean over S of f(++) + f(--) - f(+-) - f(-+)|/2 for any net; at
        interpolation Tr Hess L >= 2 (|W2|^2 + |gamma|^2) >= 8 and sum |gamma_j W2_j| (2 - |mean_s Delta_s R_j|/nu_j)
        <= (Tr Hess L - 8)/2; four units reach
        8 (gamma^2 + 1/(4 gamma^2)) + 2 tr Cov(S)/s^2.""",
    caveat="Lemma A.3 as printed gives infimum 4; an explicit inequality stands for epsilon and kappa",
)
class BatchNormFlattest:
    scale: float = log_real(0.5, 100)  # s
    gamma: float = log_real(0.3, 2)
    spread: float = log_real(1e-6, 3)  # of the random interpolating net around the corner net
    d: int = integer(3, 5)
    more: int = integer(0, 2)  # points of S beyond d - 1 that span
    seed: int = seeds()

    examples = (
        {"scale": 1.0, "gamma": 0.5**0.5, "spread": 1e-3, "d": 5, "more": 0, "seed": 0},
        {"scale": 100.0, "gamma": 0.5**0.5, "spread": 1e-6, "d": 4, "more": 0, "seed": 0},
    )

    @property
    def rest(self):
        """S: a point, its neighbours, further points; distinct."""
        rng, k = np.random.default_rng([self.seed, 0]), self.d - 2
        centre = cube_sample(rng, 1, k)
        further = cube_sample(rng, self.more + 1, k)[1:]
        return np.unique(np.vstack([centre, centre * (1 - 2 * np.eye(k)), further]), axis=0)

    @property
    def fitted(self):
        """A net that fits: (net, theta)."""
        rng, X = np.random.default_rng([self.seed, 1]), complete_set(self.rest)
        corner, theta = batch_norm_corner_net(X, self.scale)
        first, gamma, last = weights(corner, theta)
        m = 4 + len(X)
        W = np.vstack([first / self.scale, np.zeros((m - 4, self.d + 1))])
        W[:4] += self.spread * rng.standard_normal((4, self.d + 1))
        W[4:] = rng.standard_normal((m - 4, self.d + 1))
        # further units of size sqrt(spread) carry a correction of size spread with W2 of size sqrt(spread)
        g = np.append(gamma, self.spread**0.5 * rng.uniform(0.5, 1.5, m - 4))
        net = BatchNormReluNet(corner.X, xor(X), m)
        base = np.append(last, np.zeros(m - 4))
        R = np.maximum(net.X @ W.T, 0)
        nu = np.sqrt((R**2).mean(axis=0))
        columns = R * g / np.where(nu > 0, nu, 1)
        correction = np.linalg.lstsq(columns, net.y - columns @ base, rcond=1e-15)[0]
        return net, pack(self.scale * W, g * (nu > 0), (base + correction) * (nu > 0))

    def assumptions(self):
        S, (net, theta) = self.rest, self.fitted
        return [
            requires("the differences of S span", np.linalg.matrix_rank(S[1:] - S[0]), ">=", self.d - 2),
            requires(FITS, np.abs(outputs(net, theta) - net.y).max(), "<=", 1e-9),
            requires("no pre-activation is 0, or changes sign within 1e-5", kink_margin(net, theta), ">=", 1e-5),
        ]

    def measure(self):
        """Traces of the corner net and of the fitted one, sum |gamma W2|, its norms and shortfall, random relus."""
        net, theta = self.fitted
        _, gamma, last = weights(net, theta)
        path = float(np.abs(gamma * last).sum())
        return (
            net_trace(*batch_norm_corner_net(complete_set(self.rest), self.scale, self.gamma)),
            net_trace(net, theta),
            path,
            float(2 * (gamma @ gamma + last @ last)),
            self.shortfall(net, theta),
            self.relus(),
        )

    @staticmethod
    def shortfall(net, theta):
        """sum_j |gamma_j W2_j| (2 - |mean_s Delta_s R_j|/nu_j) over the units that are on somewhere."""
        R, (_, gamma, last) = np.maximum(pre_activations(net, theta)[0], 0), weights(net, theta)
        nu = np.sqrt((R**2).mean(axis=0))
        contrast = np.abs(4 * (R * net.y[:, None]).mean(axis=0))
        return float((np.abs(gamma * last) * (2 - contrast / np.where(nu > 0, nu, 1)))[nu > 0].sum())

    def relus(self, broken=0.0):
        """Squared alternating sum and sum of squares of relu a, relu d, relu b, relu c; a + d - b - c = `broken`."""
        rng = np.random.default_rng([self.seed, 2])
        b, c, a = rng.standard_normal((3, 1000)) * np.exp(2 * rng.standard_normal((3, 1000)))
        a[500:] = np.abs(a[500:])  # half of them near equality: only one of the four positive
        b[500:], c[500:] = -np.abs(b[500:]), -np.abs(c[500:])
        plus = np.maximum([a, b + c - a + broken], 0)
        minus = np.maximum([b, c], 0)
        return (plus.sum(axis=0) - minus.sum(axis=0)) ** 2, (plus**2).sum(axis=0) + (minus**2).sum(axis=0)

    def predict(self, infimum=BATCH_NORM_INFIMUM, share=0.5):
        net, theta = self.fitted
        f = outputs(net, theta).reshape(4, -1) * xor(complete_set(self.rest)).reshape(4, -1)
        corner = batch_norm_corner_trace(self.rest, self.scale, self.gamma) - BATCH_NORM_INFIMUM + infimum
        return corner, infimum, abs(float(f.sum(axis=0).mean())) / 2, share

    def judge(self, measured, predicted):
        (corner, trace, path, norms, shortfall, (square, squares)), (exact, infimum, half, share) = measured, predicted
        why, round_off = "of the differences, and round-off", 1e-9 * (1 + path)
        slack = trace.tolerance + round_off
        return [
            equals("Tr Hess L of four units", corner.value, exact, tolerance=corner.tolerance + 1e-12 * exact, why=why),
            at_least("Tr Hess L of a net that fits", trace.value, norms, slack=slack, why=why),
            at_least("its 2 (|W2|^2 + |gamma|^2)", norms, infimum, slack=round_off, why="max |f - y| <= 1e-9"),
            at_least("sum |gamma W2|", path, half, slack=1e-12 * (1 + path), why="round-off of the outputs"),
            at_most("shortfall of its units", shortfall, share * (trace.value - infimum), slack=slack, why=why),
            at_most(
                "alternating sum of four relus, squared",
                square,
                squares,
                slack=1e-14 * squares,
                where=squares > 0,
                why="45 ulp",
            ),
        ]

    controls = {
        "infimum 4, as printed": control(predict=lambda c: c.predict(infimum=4.0), refutes="Tr Hess L of four units"),
        "infimum 8.1": control(
            predict=lambda c: c.predict(infimum=8.1),
            where={"spread": log_real(1e-6, 1e-4)},
            refutes="its 2 (|W2|^2 + |gamma|^2)",
        ),
        "sum |gamma W2| >= 2.02": control(
            predict=lambda c: (*c.predict()[:2], 1.01 * c.predict()[2], 0.5),
            where={"spread": log_real(1e-6, 1e-4)},
            refutes="sum |gamma W2|",
        ),
        "shortfall at most (Tr - 8)/20": control(
            predict=lambda c: c.predict(share=0.05),
            where={"spread": log_real(0.3, 3), "scale": log_real(10, 100)},
            refutes="shortfall of its units",
        ),
        "four relus with a + d != b + c": control(
            measure=lambda c: (*c.measure()[:5], c.relus(broken=1.0)), refutes="alternating sum of four relus, squared"
        ),
    }


if __name__ == "__main__":
    script(__file__)
