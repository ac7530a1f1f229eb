"""Wen, Li & Ma 2023 (arXiv 2307.11007), Theorem 5.1, Propositions 5.1 and 5.2: layer norm, flattest and either way.

f = W2 r/max(|r|, eps), r = relu(W1'x').  A sample with |r| > eps has |grad_{W2} f| = 1, so Tr Hess L >= 2 in the
mean; one active unit of height 2 eps attains it, since its height then does not matter and grad_{W1} f = 0 exactly.
Inside the ball |r| < eps the net is a plain one over eps, with |grad f|^2 >= 2 |x'| |y|/eps, attained at height
sqrt(eps |x'| |y|).  So
    least Tr Hess L = (2/n) sum_i min(1, 2 |x'_i| |y_i|/eps);
a memoriser attains it, and on the cube the corner net of the rule as well: the same flatness, error 1 - n/2^d and 0.

CORRECTION: the printed construction goes inside the ball as soon as eps > |x'| |y|; for |x'| |y| < eps < 2 |x'| |y|
that costs Tr = 4 |x'| |y|/eps > 2.  Inside, W2_i = eps y_i/u_i.

(Table 1 of the paper is right, the titles of its scenarios II and III are swapped: with layer norm not all flattest
nets generalise, yet those that SAM finds do.)

Conventions: L = (1/n) sum (f - y)^2; x' = (x, 1); labels xor of the first two coordinates, +-1.
"""

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.measures.flatness import kink_margin, net_trace
from samtheory.problems.boolean import cube, cube_sample, error_rate, xor
from samtheory.problems.flat_nets import layer_norm_corner_net, layer_norm_memoriser, separation
from samtheory.problems.relu_nets import outputs, with_bias
from samtheory.theory.flatness import layer_norm_flattest_trace

RULE = xor(cube(2))


@claim(
    title="With layer norm, too, some flattest nets remember and some generalise",
    where="Theorem 5.1, Propositions 5.1, 5.2",
    kind="counterexample",
    confidence="text, derived",
    statement="""Layer norm with bias on n distinct points of the cube, y = x_1 x_2: the least trace 2 min(1, 2
        sqrt(d+1)/eps) is attained by a memoriser with 0-1 error 1 - n/2^d and by four units with error 0.""",
    caveat="the printed case split is at eps = |x'| |y|; it is 2 |x'| |y|",
)
class LayerNormFlattest:
    net: str = choice("memoriser", "corner net")
    t: float = log_real(0.01, 20)  # eps over sqrt(d + 1)
    delta: float = real(0.1, 0.9)  # of the memoriser, over 2/sqrt d
    d: int = integer(2, 8)
    n: int = integer(1, 16)  # distinct samples, 2^d at most
    seed: int = seeds()

    examples = (
        {"net": "memoriser", "t": 0.3, "delta": 0.5, "d": 8, "n": 16, "seed": 0},
        {"net": "corner net", "t": 1.5, "delta": 0.5, "d": 8, "n": 16, "seed": 0},
        {"net": "memoriser", "t": 6.0, "delta": 0.5, "d": 8, "n": 16, "seed": 0},
    )

    @property
    def eps(self):
        return self.t * (self.d + 1) ** 0.5

    @property
    def data(self):
        X = cube_sample(np.random.default_rng(self.seed), min(self.n, 2**self.d), self.d, distinct=True)
        return X, X / self.d**0.5, self.delta * 2 / self.d**0.5

    def model(self, switch):
        X, W, delta = self.data
        if self.net == "memoriser":
            return layer_norm_memoriser(X, xor(X), W, delta, self.eps, switch)
        return layer_norm_corner_net(X, RULE, self.eps, switch)

    def assumptions(self):
        X, W, delta = self.data
        return [
            requires("delta < w_i'(x_i - x_j) for all j != i", separation(X, W) - delta, ">", 0),
            requires("|relu| is not eps, and no pre-activation is 0", kink_margin(*self.model(2.0)), ">", 0),
        ]

    def measure(self, switch=2.0):
        """Trace, loss, 0-1 error on the whole cube."""
        net, theta = self.model(switch)
        error = error_rate(outputs(net, theta, with_bias(cube(self.d))), xor(cube(self.d)))
        return net_trace(net, theta), losses(net, theta), error

    def predict(self, doubled=2.0):
        X, _, _ = self.data
        trace = layer_norm_flattest_trace(xor(X), doubled / 2 * np.linalg.norm(with_bias(X), axis=1), self.eps)
        return trace, 1 - len(X) / 2**self.d if self.net == "memoriser" else 0.0

    def judge(self, measured, predicted):
        (trace, loss, error), (flattest, expected) = measured, predicted
        slack = trace.tolerance + 1e-13
        return [
            equals("Tr Hess L", trace.value, flattest, tolerance=slack, why="of the differences, and round-off"),
            at_most("loss", loss, 0.0, slack=1e-24 / self.delta**2, why="squared round-off of heights over delta"),
            equals("0-1 error on the cube", error, expected, tolerance=1e-12, why="a count over 2^d"),
        ]

    controls = {
        "the printed case split": control(measure=lambda c: c.measure(switch=1.0), where={"t": real(1.05, 1.9)}),
        "min(1, |x'|/eps): the factor 2 forgotten": control(
            predict=lambda c: c.predict(doubled=1.0), where={"t": log_real(1.1, 20)}, refutes="Tr Hess L"
        ),
        "trace lower by one part in a thousand": control(
            predict=lambda c: (0.999 * c.predict()[0], c.predict()[1]), where={"net": "corner net"}, refutes="Tr Hess L"
        ),
        "the flattest generalise": control(
            predict=lambda c: (c.predict()[0], 0.0),
            where={"net": "memoriser", "d": integer(5, 8)},
            refutes="0-1 error on the cube",
        ),
    }


if __name__ == "__main__":
    script(__file__)
