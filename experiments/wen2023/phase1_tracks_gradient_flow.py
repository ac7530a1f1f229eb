"""Wen, Ma & Li 2023 (arXiv 2211.05729), Theorem 4.5 phase I (Theorem G.1): first SAM follows the gradient flow of L.

At a fixed time eta t SAM is O(eta + rho) from phi(x_0, eta t), and it is O(eta rho)-close to the minimisers after
O(ln(1/rho)/eta) steps.  Both constants are derived here, which makes the orders sharp:
 *  the error is that of dx/dt = -grad L(x + rho g/|g|) - (eta/2) (Hess L) g, g = grad L(x), up to order two;
 *  from |g| of order one to |g| of order rho the modes decay as e^(-lam_j eta t); below, the term -eta rho lam^2/|g|
    of SAM's map takes over and needs a time of order one.  So eta N = ln(1/rho)/lam_M + O(1), not ln(1/(eta rho)):
    halving eta and rho adds ln(2)/lam_M to eta N, or less, down to ln(2)/lam_1, while the slow modes are not yet the
    larger ones.  N counts steps until sqrt(2 L/lam_1) <= 2 a, twice the amplitude a = eta rho lam_1/(2 - eta lam_1) of
    the final cycle, lam taken at Phi(x_0).

Checked at eta/2^k, rho/2^k, k < 5; the limit of (x_t - flow with drifts)/2^-k is extrapolated twice and must vanish
up to the last change of the first extrapolation.
Conventions: full batch; normalised ascent; no perturbation at a zero gradient.
"""

import functools

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, equals, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients, hessian, losses
from samtheory.flows.core import FlowError, solve
from samtheory.flows.gradient import gradient_flow, project
from samtheory.problems.interpolating import interpolating
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.sde.order import richardson_limit
from samtheory.simulate import simulate
from samtheory.theory.cycles import cycle_amplitude

LEVELS = 0.5 ** np.arange(5)


@claim(
    title="SAM first follows the gradient flow, for ln(1/rho)/(eta lam_M) steps",
    where="Theorem 4.5, phase I (Theorem G.1)",
    kind="order",
    confidence="text; the leading error and the constant of the number of steps derived",
    statement="""At fixed eta t, |x_t - phi(x_0, eta t)| = O(eta + rho), and o(eta + rho) once the drifts
        -rho (Hess) g/|g| - (eta/2) (Hess) g are added to the flow; SAM is O(eta rho)-close to the minimisers after
        N = O(ln(1/rho)/eta) steps: halving eta and rho adds between ln(2)/lam_1 and ln(2)/lam_M to eta N.""",
    cost=6,
)
class PhaseOne:
    kind: str = choice("product", "bowls", "regression")
    h: float = real(0.1, 0.25)  # eta lam_1 at the largest of the step sizes
    rho: float = log_real(0.01, 0.03)  # there
    time: float = real(0.5, 1.5)  # at which the flow is compared, in units of 1/lam_1
    seed: int = seeds()

    examples = ({"kind": "regression", "h": 0.2, "rho": 0.02, "time": 1.0, "seed": 3},)

    @functools.cached_property
    def data(self):
        """Problem, start, Phi(x_0), lam_1, lam_M there; None without a Phi."""
        problem, start = interpolating(self.kind, np.random.default_rng(self.seed))
        try:
            limit = project(problem, start)
        except FlowError:
            return None
        lam = np.linalg.eigvalsh(hessian(problem, limit.point))
        return problem, start, limit.point, lam[-1], lam[-limit.rank]

    def steps(self, level):
        return round(max(1, round(self.time / self.h)) / level)

    def assumptions(self):
        exists = requires("the gradient flow reaches a minimum", self.data is not None)
        if self.data is None:
            return [exists]
        problem, start, _, lam, low = self.data
        far = np.sqrt(2 * losses(problem, start) / lam)
        sharp = np.abs(np.linalg.eigvalsh(hessian(problem, start))).max()
        return [
            exists,
            requires("the start is at least 5 rho from the minimisers", far, ">=", 5 * self.rho),
            requires("lam_M >= lam_1/10", low, ">=", lam / 10),
            requires("eta times the largest curvature at the start is below 1", self.h * sharp / lam, "<", 1),
        ]

    def measure(self, rule=SAM):
        """x at the fixed time [levels, d], and eta N [levels], N between steps by the logarithm of the distance."""
        problem, start, _, lam, low = self.data
        points, times = [], []
        for level in LEVELS:
            eta, rho = level * self.h / lam, level * self.rho
            sam = rule(eta, rho) if rule is SAM else rule(eta)
            points.append(simulate(problem, sam, start, self.steps(level), every=self.steps(level), threads=1).x)
            path = simulate(problem, SAM(eta, rho), start, int(60 / (eta * low)), threads=1).states
            distance = np.log(losses(problem, path) * 2 / lam) / 2 - np.log(2 * cycle_amplitude(eta, rho, lam))
            k = (distance <= 0).argmax()
            times.append(eta * (k - distance[k] / (distance[k] - distance[k - 1])))
        return np.array(points), np.array(times)

    def predict(self, push=1.0, implicit=1.0):
        """phi at the times of the levels, the same with the drifts, and 1/lam_M."""
        problem, start, _, lam, low = self.data
        plain, drifting = [], []
        for level in LEVELS:
            eta, rho = level * self.h / lam, push * level * self.rho

            def drift(t, x, eta=eta, rho=rho):
                g = gradients(problem, x)
                descent = gradients(problem, x + rho * g / np.linalg.norm(g))
                return -descent - implicit * eta / 2 * hessian(problem, x) @ g

            times = [0.0, eta * self.steps(level)]
            plain.append(gradient_flow(problem, start, times)[-1])
            drifting.append(solve(drift, start, times)[-1])
        return np.array(plain), np.array(drifting), 1 / np.array([low, lam])

    def judge(self, measured, predicted):
        (x, times), (plain, drifting, (slowest, fastest)) = measured, predicted
        error = np.linalg.norm(x - plain, axis=1)
        orders = np.log2(error[:-1] / error[1:])
        rest = (x - drifting) / LEVELS[:, None] / (error[4] / LEVELS[4])
        left, changed = richardson_limit(rest[2:])
        gains = np.diff(times) / np.log(2)
        allowed = 3 * abs(gains[3] - gains[2]) + LEVELS[3] * self.h / self.data[3]
        first = "last change of the first extrapolation"
        last, whole = "twice its last change, and the level", "three times its last change, and a step"
        return [
            at_least("order of |x - phi|", orders[3], 1, slack=2 * abs(orders[3] - orders[2]) + LEVELS[4], why=last),
            equals(  # 1e-7: the flows' own error, over that of x
                "limit of the rest over |x - phi|", np.linalg.norm(left), 0, tolerance=changed + 1e-7, why=first
            ),
            at_most("eta N gained by a halving, over ln 2", gains[3], slowest, slack=allowed, why=whole),
            at_least("eta N gained by a halving, over ln 2, at least", gains[3], fastest, slack=allowed, why=whole),
        ]

    controls = {
        "no drifts": control(
            predict=lambda c: (c.predict()[0], *c.predict()[::2]), refutes="limit of the rest over |x - phi|"
        ),
        "a push of 1.02 rho": control(
            predict=lambda c: c.predict(push=1.02), where={"rho": 0.03}, refutes="limit of the rest over |x - phi|"
        ),
        "0.45 for 1/2 of eta Hess g": control(
            predict=lambda c: c.predict(implicit=0.9),
            where={"h": 0.25, "rho": 0.01},
            refutes="limit of the rest over |x - phi|",
        ),
        "gradient descent instead": control(
            measure=lambda c: c.measure(GD), refutes="limit of the rest over |x - phi|"
        ),
        "ln(1/(eta rho)) for ln(1/rho)": control(
            predict=lambda c: (*c.predict()[:2], 2 * c.predict()[2]),
            where={"kind": "product"},
            refutes="eta N gained by a halving, over ln 2, at least",
        ),
        "the flow of another start": control(
            predict=lambda c: (c.predict()[0] + 0.05, *c.predict()[1:]), refutes="order of |x - phi|"
        ),
    }


if __name__ == "__main__":
    script(__file__)
