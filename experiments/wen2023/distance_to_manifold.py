"""Beside Wen, Ma & Li 2023 (arXiv 2211.05729), Theorem 4.5: the two-cycle of SAM across a manifold of minimisers.

In phase II |x - Phi(x)| = O(eta rho) (theorem).  Constants, derived in `samtheory.flows.cycle`, as rho -> 0 at a fixed
eta, with h = eta lam_1 < 2, lam_j, v_j and D_11j = D^3 L[v_1, v_1, v_j] taken at Phi(x):
    the mean of |x - Phi(x)| over two consecutive steps is a (1 + o(1)), a = eta rho lam_1/(2 - h) (and so is that of
    sqrt(2 L/lam_1); for least squares |f - y| = a sqrt(M lam_1));
    half their difference is (2 rho/(2 - h))^2 |D_111|/(2 lam_1), a share of order rho/eta;
    the gradients, +-a lam_1 along v_1, have |(D_11j/(lam_j + eta lam_1^2/(2 - h)))_j| rho (2 + h)/(4 - 2 h) times as
    much along v_2, ..., v_M: the alignment of the theorem is O(rho), with this constant.
Each relative error is extrapolated from rho, rho/2, rho/4.

Conventions: full batch; normalised ascent; no perturbation at a zero gradient.
"""

import functools

import numpy as np

from samtheory.claims import choice, claim, control, equals, log_real, real, requires, script, seeds
from samtheory.evaluate import gradients, hessian, losses
from samtheory.flows.cycle import descent, last_two, shift, tilt
from samtheory.flows.gradient import project
from samtheory.problems.interpolating import interpolating
from samtheory.sde.order import halving_limit
from samtheory.theory.cycles import cycle_amplitude

LEVELS = 0.5 ** np.arange(3)
FLOAT = 1e-9  # of a projection


@claim(
    title="The two-cycle across the manifold: amplitude, shift and tilt",
    where="Theorem 4.5, phase II (the order eta rho)",
    kind="limit",
    confidence="text (O(eta rho)); the constants derived",
    statement="""Over two steps |x - Phi(x)| averages eta rho lam_1/(2 - eta lam_1), differs by twice
        (2 rho/(2 - eta lam_1))^2 |D_111|/(2 lam_1), and the gradient is tilted from v_1 by
        rho (2 + eta lam_1)/(4 - 2 eta lam_1) |D_11j/(lam_j + eta lam_1^2/(2 - eta lam_1))|, as rho -> 0.""",
    cost=5,
)
class Cycle:
    kind: str = choice("product", "bowls", "regression")
    h: float = real(0.2, 1.2)  # eta lam_1 where it is largest
    rho: float = log_real(0.01, 0.04)  # the largest of the three
    move: float = real(0.1, 0.3)  # how far along the flow of the top eigenvalue, at its first speed
    seed: int = seeds()

    @functools.cached_property
    def fall(self):
        return descent(*interpolating(self.kind, np.random.default_rng(self.seed)), self.move)

    @property
    def eta(self):
        return self.h / self.fall.lam

    def assumptions(self):
        exists = requires("the gradient flow reaches a minimum from which X exists", self.fall is not None)
        if self.fall is None:
            return [exists]
        return [
            exists,
            requires("the shift is at most a quarter of the amplitude", self.share, "<=", 0.25),
            requires("lam_2 <= 0.9 lam_1 along the flow", self.fall.gap, "<=", 0.9),
            requires("lam_M >= lam_1/10 along the flow", self.fall.lam_M, ">=", self.fall.lam / 10),
        ]

    @property
    def share(self):
        return self.rho * self.fall.lean / self.eta

    @functools.cached_property
    def pairs(self):
        """The last two iterates at each level, [3, 2, d]."""
        out = []
        for rho in LEVELS * self.rho:
            steps = int(np.ceil(self.fall.times[-1] / (self.eta * rho**2)))
            out.append(last_two(self.fall.problem, self.eta, rho, self.fall.start, steps))
        return np.array(out)

    def measure(self):
        """Mean distance, mean sqrt(2 L/lam_1), half difference of the distances, tilt; [3, 4]."""
        problem, out = self.fall.problem, []
        for pair in self.pairs:
            distance = [np.linalg.norm(x - project(problem, x).point) for x in pair]
            lam, V = np.linalg.eigh(hessian(problem, project(problem, pair.mean(axis=0)).point))
            along = gradients(problem, pair) @ V[:, -self.fall.limit.rank :]
            tangent = np.linalg.norm(along.mean(axis=0)[:-1]) / abs(along[0, -1] - along[1, -1]) * 2
            depth = np.sqrt(2 * losses(problem, pair) / lam[-1]).mean()
            out.append([np.mean(distance), depth, abs(np.diff(distance)[0]) / 2, tangent])
        return np.array(out)

    def predict(self, steepen=1.0):
        problem, rank, out = self.fall.problem, self.fall.limit.rank, []
        for pair, rho in zip(self.pairs, LEVELS * self.rho):
            p = project(problem, pair.mean(axis=0)).point
            a = cycle_amplitude(self.eta * steepen, rho, np.linalg.eigvalsh(hessian(problem, p))[-1]) / steepen
            out.append([a, a, shift(problem, p, self.eta, rho), tilt(problem, p, rank, self.eta, rho)])
        return np.array(out)

    def judge(self, measured, predicted):
        """Distances in units of a, their difference in units of rho^2 |D_111|/lam_1, tilts in units of rho."""
        a, rho = predicted[:, 0], LEVELS * self.rho
        bend = rho**2 * max(self.fall.lean * self.fall.lam, 0.1)  # two bowls have D_111 = 0
        units = {"mean |x - Phi(x)|": a, "mean sqrt(2 L/lam_1)": a, "half the difference": bend, "tilt": rho}
        out, why = [], "twice the last changes of the error and of its extrapolation; 1e-9 of the projections"
        for i, (name, unit) in enumerate(units.items()):
            limit, changed = halving_limit((measured[:, i] - predicted[:, i]) / unit)
            out.append(equals(name, limit, 0, tolerance=2 * changed + FLOAT / unit[2], why=why))
        return out

    controls = {
        "eta rho lam_1/2": control(predict=lambda c: c.predict(steepen=1e-9)),
        "amplitude off by one part in a hundred": control(
            predict=lambda c: c.predict() * [1.01, 1, 1, 1], where={"rho": 0.01}
        ),
        "no shift": control(
            predict=lambda c: c.predict() * [1, 1, 0, 1], where={"kind": "product"}, refutes="half the difference"
        ),
        "no tilt": control(
            predict=lambda c: c.predict() * [1, 1, 1, 0], where={"kind": "regression", "seed": 3}, refutes="tilt"
        ),
        "tilt (2/(2 - h))^2 at a large step": control(
            predict=lambda c: c.predict() * [1, 1, 1, 1 / (1 - c.h**2 / 4)],
            where={"kind": "regression", "seed": 3, "h": real(0.9, 1.2)},
            refutes="tilt",
        ),
    }


if __name__ == "__main__":
    script(__file__)
