"""A stand-in for the hidden-layer theorem of Behdin & Mazumder 2023: wide ReLU nets follow their tangent kernel.

out(x) = sum_k a_k max(<w_k, x>, 0), a_k = +-1/sqrt(2m), m units and their copies of opposite sign, so that out = 0 at
the start; only the hidden weights move, loss 1/2 sum_i (out(x_i) - y_i)^2.  While no unit switches on or off at an
iterate or at an ascent point the net is linear in its weights and all that is said of kernel regression holds for it,
with K = (X X') * sum_k a_k^2 s_k s_k' at the start (behdin2023/relu-switch-free).  Units do switch: with x_i on the
sphere, w_k ~ N(0, I), y ~ N(0, I), eta and rho in units of lam_max(K), the deviation of the outputs from kernel
regression falls like m^-1/2, for gradient descent and for USAM.

The slope of log(largest deviation over samples and steps) on log m is fitted net by net; the data are shared by the
widths of one net, the weights are drawn afresh.  Student's interval of the mean over the nets, missed with probability
1e-6, must lie within 0.15 of -1/2 (the smallest widths still bend the curve by some 0.03).
Heads of size 1/m make units move to learn: the deviation does not fall (control).  Heads of order 1 are *no* control:
with eta ~ 1/lam_max a larger head is lazier, with a slope near -1.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, integer, requires, script, seeds
from samtheory.problems.lazy_relu import HeadlessReLU, doubled, outputs, tangent_kernel
from samtheory.rules.gd import GD
from samtheory.rules.usam import USAM
from samtheory.sde.order import FALSE_ALARM, student_quantile
from samtheory.simulate import simulate
from samtheory.theory.kernel_regression import fitted

WIDTHS, SAMPLES, INPUTS, STEPS, EVERY = (50, 158, 500, 1581), 10, 6, 30, 3


@claim(
    title="Wide ReLU nets under SAM stay within m^-1/2 of kernel regression under SAM",
    where="stands in for the theorem on networks with one hidden layer",
    kind="rate",
    confidence="stand-in, derived",
    statement="""max over samples and steps of |out - kernel regression| falls like m^-1/2 in the width m, for gradient
        descent and for USAM, if the heads are +-1/sqrt(2m), doubled, and only the hidden weights move.""",
    caveat="a stand-in: the hypotheses of the paper's own hidden-layer theorem are not known to us",
    cost=15,
)
class Lazy:
    rule: str = choice("GD", "USAM")
    heads: str = choice("1/sqrt(m)")  # "1/m" and "1" are outside
    nets: int = integer(48, 48)
    seed: int = seeds()

    def net(self, index, width):
        """Problem and start."""
        rng = np.random.default_rng([self.seed, index])
        X, y = rng.standard_normal((SAMPLES, INPUTS)), rng.standard_normal(SAMPLES)
        W = np.random.default_rng([self.seed, index, width]).standard_normal((INPUTS, width))
        scale = {"1/sqrt(m)": width**-0.5, "1/m": 1 / width, "1": 1.0}[self.heads]
        heads, start = doubled(W, scale)
        return HeadlessReLU(X / np.linalg.norm(X, axis=1)[:, None], y, heads), start

    def deviation(self, index, width):
        """Largest deviation from kernel regression over samples and every third step."""
        problem, start = self.net(index, width)
        K = tangent_kernel(problem, start)
        top = np.linalg.eigvalsh(K)[-1]
        rho = 1 / top if self.rule == "USAM" else 0.0
        eta = 0.5 / (top * (1 + rho * top))
        rule = USAM(eta, rho) if self.rule == "USAM" else GD(eta)
        record = {"out": functools.partial(outputs, problem)}
        run = simulate(problem, rule, start, STEPS, every=EVERY, record=record, threads=1)
        return np.abs(run["out"] - fitted(K, problem.y, eta, rho, run.t)).max()

    def assumptions(self):
        problem, start = self.net(0, WIDTHS[0])
        return [
            requires("out = 0 at the start", np.abs(outputs(problem, start)).max(), "<=", 1e-12),
            requires("heads of size 1/sqrt(m)", self.heads == "1/sqrt(m)"),
        ]

    def measure(self):
        """Slope of log deviation on log m, one a net."""
        x = np.log(WIDTHS)
        lever = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
        return np.array([[np.log(self.deviation(i, m)) for m in WIDTHS] for i in range(self.nets)]) @ lever

    def predict(self):
        return -0.5

    def judge(self, slopes, rate):
        half = student_quantile(slopes.size - 1, FALSE_ALARM) * slopes.std(ddof=1) / slopes.size**0.5
        why = "the rate is asymptotic; Student's interval over the nets, missed with probability 1e-6"
        return [equals("slope in log m", slopes.mean(), rate, tolerance=0.15, error=half, why=why)]

    controls = {
        "heads of size 1/m": control(where={"heads": choice("1/m"), "nets": 15}, violates="heads of size 1/sqrt(m)"),
        "a rate of m^-1": control(predict=lambda c: -1.0, where={"nets": 15}),
    }


if __name__ == "__main__":
    script(__file__)
