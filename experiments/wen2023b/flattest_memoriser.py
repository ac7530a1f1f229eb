"""Wen, Li & Ma 2023 (arXiv 2307.11007), Theorem 4.1 and Proposition 4.1: a flattest net that only remembers.

If every x_i is an extreme point of the data there are w_i with w_i'x_i > w_i'x_j (j != i).  With u_i = |y_i|
r_i^(D-1) and r_i = (|x'_i|/|y_i|)^(1/D), the net with first layer u_i (w_i, eps - w_i'x_i)/eps, middle layers
diag(1/r_i) and last layer sign(y_i)/r_i fits the data for any eps < min w_i'(x_i - x_j), each sample activating its
own unit of every layer and no other, and meets the lower bound (2 D/n) sum |y_i|^(2(D-1)/D) |x'_i|^(2/D) on Tr Hess
L. On the cube w_i = x_i/sqrt d and any eps < 2/sqrt d do (derived), and f = 0 on EVERY point that is not in the
sample: the 0-1 error of the flattest net is 1 - (number of distinct samples)/2^d, an output 0 being an error.

Conventions: L = (1/n) sum (f - y)^2; x' = (x, 1), the bias in the first layer only; y_i != 0 (for y_i = 0 the printed
r_i = u_i = 1 is not flattest: drop the unit).  For D > 2 the printed middle layers put units exactly on their kinks,
where L has no Hessian; here they have -guard off the diagonal, which changes no output and no gradient.
"""

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.measures.flatness import NetTrace, kink_margin, net_trace, output_terms
from samtheory.measures.trace import hessian_trace
from samtheory.problems.boolean import cube, cube_sample, error_rate, xor
from samtheory.problems.flat_nets import memoriser, separation
from samtheory.problems.relu_nets import outputs, pre_activations, with_bias
from samtheory.theory.flatness import flattest_trace

AHEAD = "eps < w_i'(x_i - x_j) for all j != i"
KINKS = "no pre-activation is 0"
BETWEEN = "ellipsoid and a midpoint"


@claim(
    title="Among the flattest nets with bias there is one that only remembers",
    where="Theorem 4.1, Proposition 4.1",
    kind="counterexample",
    confidence="text, derived",
    statement="""Extreme points x_i, y_i != 0: a D-layer ReLU net of width n with biases in the first layer fits them
        with Tr Hess L = (2D/n) sum |y_i|^(2(D-1)/D) |x'_i|^(2/D), the least possible, one unit a sample; on the cube
        its 0-1 error is 1 - (distinct samples)/2^d.""",
    caveat="distinct samples counted; labels not 0; the printed middle layers (diagonal) sit on kinks for D > 2",
)
class FlattestMemoriser:
    points: str = choice("cube", "ellipsoid")
    fraction: float = real(0.05, 0.95)  # of the largest eps
    d: int = integer(2, 8)
    n: int = integer(2, 10)  # distinct samples
    repeats: int = integer(0, 3)  # of the first sample
    depth: int = integer(2, 4)
    guard: float = log_real(0.05, 1)  # minus the off-diagonal entries of the middle layers
    seed: int = seeds()

    examples = (
        {"points": "cube", "fraction": 0.9, "d": 8, "n": 10, "repeats": 0, "depth": 2, "guard": 0.1, "seed": 0},
        {"points": "cube", "fraction": 0.5, "d": 3, "n": 8, "repeats": 2, "depth": 3, "guard": 0.1, "seed": 0},
    )

    @property
    def data(self):
        """X, y, directions w, eps; distinct samples."""
        rng, n = np.random.default_rng(self.seed), self.n
        if self.points == "cube":
            X = cube_sample(rng, min(n, 2**self.d), self.d, distinct=True)
            W = X / self.d**0.5
            largest = 2 / self.d**0.5 if self.fraction < 1 else separation(X, W)
            return X, xor(X), W, self.fraction * largest
        unit = rng.standard_normal((n, self.d))
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        if self.points == BETWEEN:
            unit = np.vstack([unit, unit[:2].mean(axis=0)])
        stretch = rng.uniform(0.5, 2, self.d)
        X, W = unit * stretch, unit / stretch
        largest = 0.5 if self.points == BETWEEN else separation(X, W)
        return X, rng.choice([-1, 1], len(X)) * rng.uniform(0.3, 2, len(X)), W, self.fraction * largest

    def model(self, stretch=1.0):
        """(net, theta), the net's own data with the repeats."""
        X, y, W, eps = self.data
        net, theta = memoriser(X, y, W, eps, self.depth, self.guard, stretch)
        rows = np.append(np.arange(len(X)), np.zeros(self.repeats, dtype=int))
        return net._replace(X=net.X[rows], y=net.y[rows]), theta

    def assumptions(self):
        X, _, W, eps = self.data
        return [
            requires(AHEAD, separation(X, W) - eps, ">", 0),
            requires(KINKS, kink_margin(*self.model()), ">", 0),
        ]

    def measure(self, stretch=1.0):
        """Loss, trace, wrongly active or idle units, 0-1 error on the whole cube (None elsewhere)."""
        net, theta = self.model(stretch)
        if kink_margin(net, theta) > 0:
            trace = net_trace(net, theta)
        else:
            found = hessian_trace(net, theta, 1e-3)
            trace = NetTrace(found.value, found.truncation + found.round_off)
        own = np.eye(net.width, dtype=bool)[np.append(np.arange(net.width), np.zeros(self.repeats, dtype=int))]
        wrong = int(((pre_activations(net, theta) > 0) != own).sum())
        error = None
        if self.points == "cube":
            error = error_rate(outputs(net, theta, with_bias(cube(self.d))), xor(cube(self.d)))
        return losses(net, theta), trace, wrong, error

    def predict(self, counted=False):
        """Trace and 0-1 error; `counted`: of all samples, as printed."""
        net, _ = self.model()
        distinct = len(np.unique(net.X, axis=0))
        size = np.linalg.norm(net.X, axis=1)
        used = len(net.X) if counted else distinct
        return flattest_trace(net.y, size, self.depth), max(1 - used / 2**self.d, 0)

    def judge(self, measured, predicted):
        (loss, trace, wrong, error), (flattest, expected) = measured, predicted
        net, theta = self.model()
        ulp = (net.width + self.d) * self.depth * np.finfo(float).eps
        zero = float(((ulp * output_terms(net, theta)) ** 2).mean())
        found = [
            at_most("loss", loss, 0.0, slack=zero, why="(m + d) D ulp of the terms of f, squared"),
            equals("Tr Hess L", trace.value, flattest, tolerance=trace.tolerance, why="round-off of the differences"),
            at_most("units active elsewhere than on their own sample", wrong, 0, slack=0.5, why="a count"),
        ]
        if error is not None:
            found.append(equals("0-1 error on the cube", error, expected, tolerance=1e-12, why="a count over 2^d"))
        return found

    controls = {
        "heights off by 1 %": control(
            measure=lambda c: c.measure(stretch=1.01),
            where={"depth": integer(2, 3), "fraction": real(0.3, 0.95), "points": "cube"},
            refutes="Tr Hess L",
        ),
        "error of all samples, repeated ones too": control(
            predict=lambda c: c.predict(counted=True),
            where={"points": "cube", "repeats": integer(1, 3), "d": integer(4, 8)},
            refutes="0-1 error on the cube",
        ),
        "the printed metric Pr(y f > 0)": control(
            predict=lambda c: (c.predict()[0], 1 - c.predict()[1]),
            where={"points": "cube", "d": integer(5, 8)},
            refutes="0-1 error on the cube",
        ),
        "an output 0 is right half the time": control(
            predict=lambda c: (c.predict()[0], c.predict()[1] / 2),
            where={"points": "cube", "d": integer(4, 8)},
            refutes="0-1 error on the cube",
        ),
        "eps beyond the nearest other sample": control(
            where={"fraction": real(1.02, 1.5), "repeats": 0, "depth": 2}, violates=AHEAD, refutes="loss"
        ),
        "a sample between two others": control(
            where={"points": BETWEEN, "depth": 2, "n": integer(3, 8)}, violates=AHEAD, refutes="loss"
        ),
        "diagonal middle layers, as printed": control(
            where={"guard": 0.0, "depth": integer(3, 4)}, violates=KINKS, refutes="Tr Hess L"
        ),
    }


if __name__ == "__main__":
    script(__file__)
