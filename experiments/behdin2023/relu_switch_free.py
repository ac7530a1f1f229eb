"""Behdin & Mazumder 2023, hidden layer (after it): while no unit switches, a ReLU net is kernel regression, exactly.

out(x) = sum_k a_k max(<w_k, x>, 0) with fixed heads a, doubled so that out = 0 at the start; only the hidden weights
move, loss 1/2 sum_i (out(x_i) - y_i)^2.  If no unit switches on or off at a sample, neither at an iterate nor at an
ascent point, out is linear in the weights there, and the outputs are those of kernel regression with
K = (X X') * sum_k a_k^2 s_k s_k' (entrywise; s_k the signs of unit k at the samples): (1 - r_i^k) <u_i, y> in its
eigenbasis, r_i = 1 - eta lam_i (1 + rho lam_i).  All of bias-variance, error-difference and less-sharp-every-iterate
then holds for the net.  Targets that are small against the smallest |<w_k, x_i>| make it so; large ones do not
(control).

Conventions: loss with 1/2 and no 1/n; un-normalised ascent.
"""

import functools

import numpy as np

from samtheory.claims import claim, control, equals, integer, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients
from samtheory.problems.lazy_relu import HeadlessReLU, active, doubled, outputs, tangent_kernel
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.kernel_regression import fitted

EPS, STEPS, STILL = np.finfo(float).eps, 40, "no unit switches, at iterates and ascent points"


@claim(
    title="While no unit switches, a ReLU net under SAM is kernel regression under SAM",
    where="stands in for the theorem on networks with one hidden layer",
    kind="identity",
    confidence="stand-in, derived",
    statement="""If every activation keeps its sign at iterates and ascent points, the outputs after k steps of USAM are
        (1 - r^k) <u, y> in the eigenbasis of K = (X X') * sum_k a_k^2 s_k s_k', r = 1 - eta lam (1 + rho lam).""",
    caveat="a stand-in: the hypotheses of the paper's own hidden-layer theorem are not known to us",
)
class SwitchFree:
    n: int = integer(1, 6)
    inputs: int = integer(1, 5)
    width: int = integer(1, 30)  # before doubling
    reach: float = real(0.05, 1.9)  # eta lam_1 (1 + rho lam_1)
    radius: float = log_real(0.01, 10)  # rho lam_1
    target: float = log_real(0.01, 1)  # |y|, in units of what certainly switches nothing
    seed: int = seeds()

    @functools.cached_property
    def data(self):
        """Problem, start, eta, rho."""
        rng = np.random.default_rng(self.seed)
        X, W = rng.standard_normal((self.n, self.inputs)), rng.standard_normal((self.inputs, self.width))
        W[:, 0] = X[0]  # a unit that is on at the first sample
        heads, start = doubled(W, self.width**-0.5)
        y = rng.standard_normal(self.n)
        K = tangent_kernel(HeadlessReLU(X, y, heads), start)
        top = np.linalg.eigvalsh(K)[-1]
        eta, rho = self.reach / (top * (1 + self.radius)), self.radius / top
        # an iterate moves unit k by at most eta (1 + rho top) sum_t |J'r_t|, an ascent point by rho |J'r| more
        margin = np.abs(X @ W).min() / np.linalg.norm(X, axis=1).max()
        travel = (STEPS * eta * (1 + rho * top) + rho) * np.sqrt(top)
        y *= self.target * margin / travel / np.linalg.norm(y)
        return HeadlessReLU(X, y, heads), start, eta, rho

    @functools.cached_property
    def states(self):
        problem, start, eta, rho = self.data
        return simulate(problem, USAM(eta, rho), start, STEPS, threads=1).states

    def assumptions(self):
        problem, _, _, rho = self.data
        ascent = self.states + rho * gradients(problem, self.states)
        on = active(problem, np.concatenate([self.states, ascent]))
        return [requires(STILL, bool((on == on[0]).all()))]

    def measure(self):
        return outputs(self.data[0], self.states)

    def predict(self, off=0.0, sign=1.0):
        problem, start, eta, rho = self.data
        K = tangent_kernel(problem, start)
        return fitted(K, problem.y, eta, sign * (1 + off) * rho, np.arange(STEPS + 1))

    def judge(self, out, kernel):
        problem, start, _, _ = self.data
        units = np.abs(problem.X @ start.reshape(self.inputs, -1)) @ np.abs(problem.heads)  # terms that cancel
        slack = 16 * (1 + np.arange(STEPS + 1)) * EPS * (self.width * units.max() + self.n * np.linalg.norm(problem.y))
        why = "16 ulp a step of the terms of an output, and of y"
        return [equals("outputs", out, kernel, tolerance=slack[:, None], why=why)]

    controls = {
        "rho off by one part in a million": control(
            predict=lambda c: c.predict(off=1e-6),
            where={"radius": real(1, 10), "reach": real(0.3, 1.5), "target": 1.0, "inputs": 1, "n": 1},
        ),
        "rho off by one per cent, more samples": control(
            predict=lambda c: c.predict(off=0.01), where={"radius": log_real(0.1, 10), "n": integer(2, 6)}
        ),
        "gradient descent": control(predict=lambda c: c.predict(sign=0.0), where={"radius": real(0.5, 10)}),
        "targets that switch units": control(
            where={"target": real(1e4, 1e5), "n": integer(3, 6), "width": integer(5, 30)}, violates=STILL
        ),
    }


if __name__ == "__main__":
    script(__file__)
