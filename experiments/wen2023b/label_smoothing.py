"""Wen, Li & Ma 2023 (arXiv 2307.11007), Theorem A.2 and Lemma A.13: flatness under the smoothed logistic loss.

The true class has probability 1 - p: with u = y f,  l(u) = -(1 - p) log s(u) - p log s(-u) = log(1 + e^-u) + p u.
    l' = p - s(-u) = 0  iff  u = ln((1 - p)/p);      l'' = s(u) s(-u) = p (1 - p) there.
So where f(x_i) = y_i ln((1 - p)/p) for all i the loss is least and
    Tr Hess L = p (1 - p) (1/n) sum_i |grad f(x_i)|^2. CORRECTION: the paper prints 1/(p (1 - p)), its inverse (which
moves no minimiser of the trace), and a loss in which p is the probability of the true class.

Conventions: L = (1/n) sum_i l(y_i f_i); ReLU net with bias, random first layer, W2 solves for the logits.
"""

import numpy as np

from samtheory.claims import at_most, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients
from samtheory.measures.flatness import kink_margin, net_trace
from samtheory.problems.relu_nets import SmoothedReluNet, output_gradients, outputs, pack, with_bias
from samtheory.theory.flatness import smoothed_curvature, smoothed_logit


@claim(
    title="With smoothed labels the trace is p (1 - p) times the mean squared gradient",
    where="Theorem A.2, Lemma A.13",
    kind="identity",
    confidence="text, derived",
    statement="""Logistic loss, true class of probability 1 - p: least at logits y ln((1-p)/p), where
        Tr Hess L = p (1-p) (1/n) sum |grad f(x_i)|^2.""",
    caveat="Lemma A.13 prints 1/(p (1 - p)) and a loss in which p has the opposite role",
)
class LabelSmoothing:
    p: float = real(0.02, 0.48)
    scale: float = log_real(0.3, 3)  # of the first layer
    d: int = integer(2, 8)
    n: int = integer(1, 10)
    more: int = integer(2, 10)  # units beyond n
    seed: int = seeds()

    examples = (
        {"p": 0.2, "scale": 1.0, "d": 4, "n": 6, "more": 4, "seed": 0},
        {"p": 0.025, "scale": 0.476, "d": 2, "n": 7, "more": 6, "seed": 2063407188},  # W2 of 10^4: steep outputs
    )

    def model(self, logit):
        """(net, theta) with y f = logit at every sample."""
        rng = np.random.default_rng(self.seed)
        X, y, m = with_bias(rng.standard_normal((self.n, self.d))), rng.choice([-1.0, 1.0], self.n), self.n + self.more
        W = self.scale * rng.standard_normal((m, self.d + 1))
        last = np.linalg.lstsq(np.maximum(X @ W.T, 0), y * logit, rcond=None)[0]
        return SmoothedReluNet(X, y, m, self.p), pack(W, last)

    def assumptions(self):
        net, theta = self.model(smoothed_logit(self.p))
        gap = np.abs(net.y * outputs(net, theta) - smoothed_logit(self.p)).max()
        return [
            requires("the net has these logits", gap, "<=", 1e-9),
            requires("no pre-activation is 0, or changes sign within 1e-5", kink_margin(net, theta), ">=", 1e-5),
        ]

    def measure(self, sign=1):
        """Trace, |grad L|."""
        net, theta = self.model(sign * smoothed_logit(self.p))
        return net_trace(net, theta), float(np.linalg.norm(gradients(net, theta)))

    def predict(self):
        """Trace, and sum |grad f| for the round-off."""
        net, theta = self.model(smoothed_logit(self.p))
        squares = (output_gradients(net, theta) ** 2).sum(axis=1)
        return smoothed_curvature(self.p) * float(squares.mean()), float(np.sqrt(squares).mean())

    def judge(self, measured, predicted):
        (trace, gradient), (expected, steep) = measured, predicted
        slack = trace.tolerance + 1e-8 * expected
        why = "truncation and round-off of the differences, logits off by up to 1e-9"
        return [
            equals("Tr Hess L", trace.value, expected, tolerance=slack, why=why),
            at_most("|grad L|", gradient, 0.0, slack=1e-9 * steep, why="logits off by up to 1e-9, curvature <= 1/4"),
        ]

    controls = {
        "1/(p (1 - p)), as printed": control(
            predict=lambda c: (c.predict()[0] / smoothed_curvature(c.p) ** 2, c.predict()[1]), refutes="Tr Hess L"
        ),
        "p of the opposite role": control(measure=lambda c: c.measure(sign=-1), where={"p": real(0.02, 0.4)}),
        "p (1 - p) raised by one part in a thousand": control(
            predict=lambda c: (1.001 * c.predict()[0], c.predict()[1]),
            where={"scale": real(0.5, 2), "p": real(0.1, 0.4), "n": integer(3, 10)},
        ),
    }


if __name__ == "__main__":
    script(__file__)
