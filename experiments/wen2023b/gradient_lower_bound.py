"""Wen, Li & Ma 2023 (arXiv 2307.11007), equations 2-4 and A.3.1, A.12: how small the gradient of an output can be.

Two layers, x' = (x, 1) with a bias in the first layer, x without: on the units that x activates,
    |grad f|^2 = sum_j |x'|^2 W2_j^2 + a_j^2 = sum_j (|x'| |W2_j| - a_j)^2 + 2 |x'| sum_j |W2_j| a_j  >=  2 |x'| |f|,
for EVERY parameters (derived; the paper needs them at interpolation only).  Equality iff on every active unit
sign(f) W2_j = a_j/|x'|; the printed equation 4 lacks the sign.  With D layers, bias in the first:
    |grad f|^2 >= D |f|^(2(D-1)/D) |x'|^(2/D);
with layer norm >= 1 where the units' norm exceeds eps (from W2 alone), else >= (2/eps) |x'| |f|.
Fitting labels +-1 on the cube therefore costs Tr Hess L >= 4 sqrt(d+1), 4 sqrt d without bias, 2 D (d+1)^(1/D).

Conventions: relu'(0) = 0.  Instances start at equality (a memoriser of n points on an ellipsoid) and move away from
it by `spread` times Gaussian parameters and a factor of the last layer: at spread 1e-8 the bound is met to round-off,
at 10 the net is random.
"""

import numpy as np

from samtheory.claims import at_least, choice, claim, control, equals, integer, log_real, requires, script, seeds
from samtheory.evaluate import sample_gradients
from samtheory.measures.flatness import output_terms
from samtheory.problems.flat_nets import layer_norm_memoriser, memoriser, unbiased_memoriser
from samtheory.problems.relu_nets import outputs, pre_activations, weights
from samtheory.theory.flatness import gradient_bound, gradient_gap, layer_norm_gradient_bound

NETS = ("bias", "no bias", "deep", "layer norm", "layer norm, small units")
NEAR = {"spread": log_real(1e-8, 1e-4), "imbalance": 1.0, "d": integer(3, 8)}


@claim(
    title="The gradient of a ReLU net's output is at least as large as the output demands",
    where="Equations 2-4, A.3.1, Lemma A.12",
    kind="bound",
    confidence="text, derived",
    statement="""For all parameters, relu'(0) = 0: |grad f|^2 >= 2 |x'| |f| (no bias: 2 |x| |f|); D layers: >= D
        |f|^(2(D-1)/D) |x'|^(2/D); layer norm: >= 1 if |relu| > eps, else >= (2/eps) |x'| |f|.  Two layers exceed it by
        sum_active (|x'| |W2_j| - a_j)^2 + 2 |x'| (sum_active |W2_j| a_j - |f|).""",
    caveat="equality needs sign(y) W2 1[active] = relu(W1'x')/|x'|; equation 4 as printed lacks sign(y)",
)
class GradientLowerBound:
    net: str = choice(*NETS)
    spread: float = log_real(1e-8, 10)  # distance from equality
    imbalance: float = log_real(0.1, 10)  # factor of the last layer
    d: int = integer(2, 8)
    n: int = integer(1, 6)
    depth: int = integer(3, 5)  # of "deep"
    seed: int = seeds()

    examples = (
        {"net": "bias", "spread": 1e-8, "imbalance": 1, "d": 5, "n": 4, "depth": 3, "seed": 0},
        {"net": "no bias", "spread": 1e-8, "imbalance": 1, "d": 5, "n": 4, "depth": 3, "seed": 0},
        {"net": "deep", "spread": 1e-8, "imbalance": 1, "d": 5, "n": 4, "depth": 4, "seed": 0},
    )

    @property
    def model(self):
        """(net, theta)."""
        rng = np.random.default_rng(self.seed)
        n = min(self.n, self.d) if self.net == "no bias" else self.n
        unit = rng.standard_normal((n, self.d))
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        stretch = rng.uniform(0.5, 2, self.d)
        X, y = unit * stretch, rng.choice([-1, 1], n) * rng.uniform(0.3, 2, n)
        directions, eps = unit / stretch, 0.9 * (1 - np.max(unit @ unit.T - 2 * np.eye(n)))
        size = np.sqrt(1 + (X**2).sum(axis=1))
        if self.net == "no bias":
            net, theta = unbiased_memoriser(X, y, 0.3)
        elif self.net.startswith("layer norm"):
            threshold = 0.1 if self.net == "layer norm" else 4 * (size * np.abs(y)).max()
            net, theta = layer_norm_memoriser(X, y, directions, eps, threshold)
        else:
            net, theta = memoriser(X, y, directions, eps, depth=self.depth if self.net == "deep" else 2)
        theta = theta + self.spread * rng.standard_normal(len(theta))
        theta[-net.width :] *= self.imbalance
        return net, theta

    def assumptions(self):
        net, theta = self.model
        if not self.net.startswith("layer norm"):
            return []
        norm = np.linalg.norm(np.maximum(pre_activations(net, theta)[0], 0), axis=1)
        return [requires("|relu| is not eps (to round-off)", np.abs(norm / net.eps - 1).min(), ">", 1e-9)]

    def measure(self):
        """|grad f_i|^2, from compiled gradients 2 s_i grad f_i of (f_i - y_i)^2 with the labels y_i = f_i - s_i.

        s_i exceeds the terms of f_i, so that their round-off does not show in f_i - y_i.
        """
        net, theta = self.model
        s = 1 + output_terms(net, theta)
        shifted = net._replace(y=outputs(net, theta) - s)
        return ((sample_gradients(shifted, theta) / (2 * s[:, None])) ** 2).sum(axis=1)

    def predict(self, constant=1.0, biased=True, signed=True):
        """The bound, the bound plus the gap of two layers (else None), and what round-off is relative to."""
        net, theta = self.model
        f, size = outputs(net, theta), np.linalg.norm(net.X, axis=1)
        a, (*_, last) = pre_activations(net, theta), weights(net, theta)
        exact = None
        if self.net in ("bias", "no bias"):
            towards = np.sign(f)[:, None] * last if signed else last
            active = a[0] > 0
            heights = np.where(active, (size[:, None] * towards - np.maximum(a[0], 0)) ** 2, 0).sum(axis=1)
            exact = 2 * size * np.abs(f) + (
                gradient_gap(f, size, active, last, np.maximum(a[0], 0)) if signed else heights
            )
        if self.net.startswith("layer norm"):
            bound = layer_norm_gradient_bound(f, size, np.linalg.norm(np.maximum(a[0], 0), axis=1), net.eps)
        else:
            size = size if biased else np.sqrt(size**2 + 1)
            bound = gradient_bound(f, size, self.depth if self.net == "deep" else 2)
        return constant * bound, exact

    def judge(self, square, predicted):
        (bound, exact), (net, theta) = predicted, self.model
        f, terms, a = np.abs(outputs(net, theta)), output_terms(net, theta), pre_activations(net, theta)[0]
        ulp = 4 * self.depth * (self.d + self.n) * np.finfo(float).eps
        slack = ulp * (square + bound * (1 + 2 * terms / np.where(f > 0, f, np.inf))) + 1e-300
        why = "4 D (d + n) ulp of the terms of f and of its gradient"
        found = [at_least("|grad f|^2", square, bound, slack=slack, why=why)]
        if exact is not None:
            seen = np.linalg.norm(np.abs(net.X) @ np.abs(weights(net, theta)[0]).T * (a > 0), axis=1)
            slack = slack + ulp * (2 * np.sqrt(square) * seen + 2 * np.linalg.norm(net.X, axis=1) * terms)
            found.append(equals("|grad f|^2 of two layers, exactly", square, exact, tolerance=slack, why=why))
        return found

    controls = {
        f"constant raised by 1 % ({name})": control(
            predict=lambda c: c.predict(constant=1.01), where={**NEAR, "net": name}, refutes="|grad f|^2"
        )
        for name in NETS
    } | {
        "|x'| in place of |x| without bias": control(
            predict=lambda c: c.predict(biased=False), where={**NEAR, "net": "no bias"}, refutes="|grad f|^2"
        ),
        "the bound without bias, 4 sqrt(2d), for nets with bias": control(
            predict=lambda c: c.predict(constant=2**0.5), where={**NEAR, "net": "bias"}, refutes="|grad f|^2"
        ),
        "equation 4 as printed: no sign(y)": control(
            predict=lambda c: c.predict(signed=False),
            where={"spread": log_real(0.5, 10), "net": "bias", "n": integer(2, 6)},
            refutes="|grad f|^2 of two layers, exactly",
        ),
    }


if __name__ == "__main__":
    script(__file__)
