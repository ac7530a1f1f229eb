"""Andriushchenko & Flammarion 2022 (arXiv 2206.06232): the authors' experiment on a diagonal network, number for
number.

beta = u v, u = c, v = 0 at the start, n = 20, d = 30, a target of three positive coordinates, all data from NumPy's
legacy generator with seed 0 (`legacy_regression`), 10001 steps of size gamma.  Their code perturbs 1-SAM's sample i by
2 rho r_i x_i, n-SAM by rho z without the factor: with the loss r_i^2/2 of a sample our rho is twice theirs for 1-SAM.

 -  `simulate` and a transcription of their loop end at the same weights, whatever rho and gamma (first 1000 steps);
 -  the test loss of n-SAM is above gradient descent's and rises with rho; 1-SAM's is below gradient descent's,
    for c = 0.1 and their rho in [0.001, 0.3].  One data set; the general statement, with its error, is
    andriushchenko2022/one-sam-helps-n-sam-hurts.

Conventions: f = (1/2n)|r|^2, test loss |X_test (beta - target)|^2/2000, un-normalised ascent.
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, equals, log_real, real, script
from samtheory.evaluate import losses
from samtheory.oracles import EverySample
from samtheory.problems.diagonal_net import layered_net, legacy_regression
from samtheory.rules.sharded import Sharded
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate

N, D, C, EPS = 20, 30, 0.1, np.finfo(float).eps
STEPS, FIRST = 10_001, 1_000
X, TEST, TARGET = legacy_regression(0, N, D, 3)
Y = X @ TARGET


def ours(method, gamma, rho, start, steps):
    """The weights after `steps` steps; rho in our units."""
    net, rule = layered_net(X, Y), USAM(gamma, rho)
    source, rule = (EverySample(net), Sharded(rule, 1)) if method == "1-SAM" else (net, rule)
    return simulate(source, rule, start, steps, every=steps, threads=1, on_divergence="report").x


def theirs(method, gamma, rho, start, steps):
    """The authors' loop, their rho."""
    u, v = np.split(np.array(start), 2)
    for _ in range(steps):
        r = X @ (u * v) - Y
        if method == "1-SAM":
            step = 2 * rho * r[:, None] * X
            U, V = u + step * v, v + step * u
            r = (X * U * V).sum(axis=1) - Y
            u, v = u - gamma * (X * V * r[:, None]).mean(axis=0), v - gamma * (X * U * r[:, None]).mean(axis=0)
        else:
            z = X.T @ r / N
            U, V = u + rho * z * v, v + rho * z * u
            z = X.T @ (X @ (U * V) - Y) / N
            u, v = u - gamma * z * V, v - gamma * z * U
    return np.concatenate([u, v])


def held_out_loss(w):
    return float(losses(layered_net(TEST, TEST @ TARGET), w))


@claim(
    title="The authors' experiment: 1-SAM lowers the test loss, n-SAM raises it, and their rho is half of ours",
    where="Figure on diagonal linear networks",
    kind="comparison",
    confidence="text (their code), derived",
    statement="""On the authors' data (seed 0) our USAM and sharded USAM give their iterates, with rho = 2 rho_theirs
        for 1-SAM. For c = 0.1, gamma d in [5, 10], rho_theirs in [0.001, 0.3] the test loss of 1-SAM is
        below gradient descent's, that of n-SAM above it and rising in rho.""",
    caveat="one data set, the authors'",
    cost=20,
)
class AuthorsExperiment:
    method: str = choice("n-SAM", "1-SAM")
    rho: float = log_real(1e-3, 0.3)  # theirs
    gamma_d: float = real(5, 10)  # step size times d

    examples = (
        {"method": "n-SAM", "rho": 0.3, "gamma_d": 10.0},
        {"method": "1-SAM", "rho": 0.2, "gamma_d": 10.0},
    )

    def assumptions(self):
        return []

    @property
    def start(self):
        return np.repeat([C, 0.0], D)

    @functools.cached_property
    def plain(self):
        return held_out_loss(ours("n-SAM", self.gamma_d / D, 0.0, self.start, STEPS))

    def measure(self, factor=2.0):
        """Our weights early on, what one ulp in the start changes there, and the test losses at rho and at 1.2 rho."""
        method, gamma, scale = self.method, self.gamma_d / D, factor if self.method == "1-SAM" else 1.0
        early = ours(method, gamma, scale * self.rho, self.start, FIRST)
        nudged = [ours(method, gamma, scale * self.rho, self.start * (1 + k * EPS), FIRST) for k in (-4, 4)]
        radii = scale * self.rho, 1.2 * scale * self.rho
        late = [held_out_loss(ours(method, gamma, rho, self.start, STEPS)) for rho in radii]
        return early, np.abs(np.array(nudged) - early).max(), late

    def predict(self):
        """Their weights early on; whether the test loss is above gradient descent's."""
        return theirs(self.method, self.gamma_d / D, self.rho, self.start, FIRST), self.method == "n-SAM"

    def judge(self, measured, predicted):
        early, nudged, (loss, further) = measured
        weights, above = predicted
        # every step rounds the weights (n + d + 10 ulp); what grows of it is what an error at the start grows to
        slack = (N + D + 10) * (nudged + FIRST**0.5 * EPS)
        why = "n + d + 10 times what one ulp of the start becomes, and sqrt(steps) ulp"
        out = [equals("weights", early, weights, tolerance=slack, why=why)]
        accuracy = 1e-9 * self.plain  # of a loss after 10001 steps, rounding included
        if above:
            out.append(at_least("test loss of n-SAM", loss, self.plain, slack=accuracy, why="round-off"))
            return [*out, at_least("test loss at 1.2 rho", further, loss, slack=accuracy, why="round-off")]
        return [*out, at_most("test loss of 1-SAM", loss, self.plain, slack=accuracy, why="round-off")]

    clear = {"rho": log_real(0.01, 0.2)}
    controls = {
        "our rho = their rho for 1-SAM": control(
            measure=lambda c: c.measure(factor=1.0), where=clear | {"method": "1-SAM"}, refutes="weights"
        ),
        "our rho off by one part in a thousand": control(
            measure=lambda c: c.measure(factor=2.002), where=clear | {"method": "1-SAM"}, refutes="weights"
        ),
        "n-SAM improves": control(
            predict=lambda c: (c.predict()[0], False),
            where=clear | {"method": "n-SAM"},
            refutes="test loss of 1-SAM",
        ),
        "1-SAM's test loss rises with rho": control(
            predict=lambda c: (c.predict()[0], True),
            where={"rho": log_real(0.01, 0.15), "method": "1-SAM"},
            refutes="test loss at 1.2 rho",
        ),
    }


if __name__ == "__main__":
    script(__file__)
