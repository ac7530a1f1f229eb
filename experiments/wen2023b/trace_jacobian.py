"""Wen, Li & Ma 2023 (arXiv 2307.11007), Lemma 4.1: flatness at interpolation is the mean squared gradient.

L = (1/n) sum_i (f_i - y_i)^2, no 1/2, so Hess L = (2/n) sum_i [grad f_i grad f_i' + (f_i - y_i) Hess f_i].  Where every
f_i = y_i the second part is gone: Tr Hess L = (2/n) sum_i |grad f_i|^2, in any parametrisation.  Off interpolation
the identity stays exact for ReLU nets without normalisation: f is affine in each single parameter between kinks, so
Hess f_i has a zero diagonal.  With layer or batch norm it does not.

Conventions: relu'(0) = 0, and a second derivative exists only where no pre-activation is 0 (`kink_margin` > 0).  Any
parameters interpolate labels that are their own outputs; `residual` moves the labels away from them.
The measured trace comes from values of the loss alone, the predicted one from the Jacobian.
"""

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.measures.flatness import kink_margin, net_trace
from samtheory.problems.core import dim
from samtheory.problems.relu_nets import (
    BatchNormReluNet,
    DeepReluNet,
    LayerNormReluNet,
    ReluNet,
    output_gradients,
    outputs,
    with_bias,
)

NORMALISED = ("layer norm", "layer norm, small units", "batch norm")
ALIVE = {"scale": real(0.5, 2), "width": integer(6, 8), "n": integer(4, 8)}  # some unit is on


@claim(
    title="The trace of the Hessian at interpolation is (2/n) sum |grad f|^2",
    where="Lemma 4.1",
    kind="identity",
    confidence="text, derived",
    statement="""Tr Hess L = (2/n) sum_i |grad f(x_i)|^2 where f(x_i) = y_i for all i and no pre-activation is 0; for
        ReLU nets with no normalisation (two layers or more, bias or not) off interpolation too.""",
)
class TraceIsJacobian:
    net: str = choice("no bias", "bias", "deep", *NORMALISED)
    residual: float = real(0, 3)  # scale of f_i - y_i, for the nets without normalisation
    scale: float = log_real(0.3, 3)  # of the parameters
    d: int = integer(2, 6)
    n: int = integer(2, 8)
    width: int = integer(1, 8)
    depth: int = integer(3, 5)  # of "deep"
    seed: int = seeds()

    examples = (
        {"net": "bias", "residual": 0, "scale": 1, "d": 3, "n": 4, "width": 5, "depth": 3, "seed": 0},
        {"net": "batch norm", "residual": 0, "scale": 1, "d": 3, "n": 4, "width": 5, "depth": 3, "seed": 0},
    )

    @property
    def off(self):
        """f - y, in the same proportions for every scale."""
        used = 0.0 if self.net in NORMALISED else self.residual
        return used * np.random.default_rng([self.seed, 1]).standard_normal(self.n)

    def model(self, off):
        """(net, theta) with these f - y."""
        rng = np.random.default_rng([self.seed, 0])
        X = rng.standard_normal((self.n, self.d))
        X = X if self.net == "no bias" else with_bias(X)
        net = {
            "deep": DeepReluNet(X, np.zeros(self.n), self.width, self.depth),
            "batch norm": BatchNormReluNet(X, np.zeros(self.n), self.width),
            "layer norm": LayerNormReluNet(X, np.zeros(self.n), self.width, 1e-3),
            "layer norm, small units": LayerNormReluNet(X, np.zeros(self.n), self.width, 1e3),
        }.get(self.net, ReluNet(X, np.zeros(self.n), self.width))
        theta = self.scale * rng.standard_normal(dim(net))
        return net._replace(y=outputs(net, theta) - off), theta

    def assumptions(self):
        margin = kink_margin(*self.model(self.off))
        return [requires("no pre-activation is 0, or changes sign within 1e-5", margin, ">=", 1e-5)]

    def measure(self, factor=1.0):
        return net_trace(*self.model(factor * self.off))

    def predict(self):
        net, theta = self.model(self.off)
        return 2 / self.n * float((output_gradients(net, theta) ** 2).sum())

    def judge(self, trace, expected):
        why = "truncation of the differences, and round-off of f carried through them"
        slack = trace.tolerance + 1e-13 * expected + 1e-300
        return [equals("Tr Hess L", trace.value, expected, tolerance=slack, why=why)]

    def unsettled(self):
        """The same net with labels that it does not fit, whatever its kind."""
        off = 1 + np.random.default_rng([self.seed, 1]).random(self.n)
        return net_trace(*self.model(off))

    controls = {
        "2/n raised by one part in a thousand": control(
            predict=lambda c: 1.001 * c.predict(), where={**ALIVE, "net": choice("no bias", "bias")}
        ),
        "factor 1/n": control(
            predict=lambda c: c.predict() / 2, where={**ALIVE, "net": choice("no bias", "bias", *NORMALISED)}
        ),
        "layer norm off interpolation": control(measure=lambda c: c.unsettled(), where={**ALIVE, "net": "layer norm"}),
        "batch norm off interpolation": control(measure=lambda c: c.unsettled(), where={**ALIVE, "net": "batch norm"}),
    }


if __name__ == "__main__":
    script(__file__)
