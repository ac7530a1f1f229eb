"""Bolte, Le & Pauwels 2025 (arXiv 2510.09034), Propositions 3.1 - 3.7: filters are unit disks.

At a critical point the map x+ = x - eta d(x) + momentum acts on the mode of curvature lam by 1x1 or 2x2 blocks of
    plain  1 - eta h,      heavy ball  mu^2 - (1 + b - eta h) mu + b,      Nesterov  mu^2 - (1 + b) s mu + b s,
s = 1 - eta h, and its spectral radius is <= 1 iff 0 <= h(lam) <= U.  (Both conditions are P(1) >= 0 and P(-1) >= 0 of
the quadratic; its third one, |product of the roots| <= 1, follows for b < 1.)

The Jacobian is that of the coded step, applied to basis vectors of (x, v) on a quadratic, where it is exact.  Half of
the 500 curvatures are negative, and some sit at the relative distance `near` on both sides of every end.

Conventions: b constant; v+ = b v - eta d (x at rest: the same matrix in (x, x_prev) up to a change of basis); rho is
an inverse curvature, for `hess` its square.  GD, heavy ball and USAM as in the paper's text, h of `hess` and of the
two two-step variants from reviews of it.
"""

import numpy as np

from samtheory.claims import at_least, at_most, choice, claim, control, log_real, real, requires, script, seeds
from samtheory.oracles import Batch, FullBatch, Source
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.core import step
from samtheory.rules.gd import GD
from samtheory.rules.gradient_penalty import GradientPenalty
from samtheory.rules.hessian_usam import HessianUSAM
from samtheory.rules.momentum import HeavyBall, Nesterov
from samtheory.rules.two_step_usam import TwoRestartUSAM, TwoSeqUSAM
from samtheory.rules.usam import USAM
from samtheory.theory.filters import DIRECTIONS, MOMENTA, edge, limit, negative_band, response

EPS = np.finfo(float).eps
RULES = {
    "gd": lambda eta, rho: GD(eta),
    "usam": USAM,
    "penalty": GradientPenalty,
    "two_seq": TwoSeqUSAM,
    "two_restart": TwoRestartUSAM,
    "hess": HessianUSAM,
}


@claim(
    title="A curvature passes the filter of a gradient method iff its step has spectral radius at most 1 there",
    where="Section 3, Propositions 3.1 to 3.7",
    kind="identity",
    confidence="text (GD, heavy ball, USAM) + derived",
    statement="""The (momentum) step has spectral radius <= 1 on the mode of curvature lam iff 0 <= h(lam) <= U, with
        U = 2/eta, 2(1+b)/eta (heavy ball), 2(1+b)/(eta(1+2b)) (Nesterov), h = lam, lam(1 + rho lam) (USAM, penalty),
        lam(1 + rho lam)^2, lam(1 + rho lam + rho^2 lam^2) (two-step), lam(1 + rho lam^2) (Hessian USAM).""",
)
class FilterEquivalence:
    direction: str = choice(*DIRECTIONS)
    momentum: str = choice(*MOMENTA)
    eta: float = log_real(1e-3, 1)
    rho: float = log_real(1e-3, 10)
    beta: float = real(0, 0.95)
    near: float = log_real(1e-9, 0.1)  # relative distance from the ends of the filter of some of the curvatures
    seed: int = seeds()

    examples = tuple(
        {"direction": d, "momentum": m, "eta": 0.1, "rho": 0.1, "beta": 0.5, "near": 1e-3, "seed": 0}
        for d in DIRECTIONS
        for m in MOMENTA
    )

    @property
    def setting(self):
        return self.eta, self.rho, self.beta, self.momentum

    @property
    def lam(self):
        signs = np.repeat([1, -1], 250)
        lam = signs * 10 ** np.random.default_rng([self.seed, 0]).uniform(-1, 2, 500)
        ends = np.array([edge(self.direction, *self.setting), *negative_band(self.direction, *self.setting)])
        ends = ends[np.isfinite(ends)]
        return np.concatenate([lam, *(ends * (1 + s * self.near) for s in (-1, 1))])

    def assumptions(self):
        return [requires("0 <= b < 1", 0 <= self.beta < 1)]

    def jacobian(self, direction=None):
        """Of the coded step in (x, v), one block for each curvature: [n, 2, 2] ([n, 1, 1] without momentum)."""
        lam, rule = self.lam, RULES[direction or self.direction](self.eta, self.rho)
        if self.momentum != "plain":
            rule = (HeavyBall if self.momentum == "heavy_ball" else Nesterov)(rule, self.beta)
        nothing = Batch(np.empty(0), np.empty(0, dtype=np.int64))
        source = Source(FullBatch(Diagonal(lam, 0 * lam)), nothing, nothing, np.empty(0))
        columns = []
        for x, v in ((1.0, 0.0), (0.0, 1.0)):
            state, memory = np.full(lam.size, x), np.full((1, lam.size), v)
            step(rule, source, 0, state, memory, np.empty((5, lam.size)))
            columns.append(np.stack([state, memory[0]], axis=-1))
        return np.stack(columns, axis=-1) if self.momentum != "plain" else columns[0][:, :1, None]

    def measure(self):
        return np.abs(np.linalg.eigvals(self.jacobian())).max(axis=-1)

    def predict(self):
        return self.passes()

    def passes(self, direction=None, rho=1.0, momentum=None, upper=1.0, lower=0.0):
        """lower <= h(lam) <= upper * U, of another direction or momentum where one is named."""
        h = response(direction or self.direction, self.lam, rho * self.rho)
        return (h >= lower) & (h <= upper * limit(self.eta, self.beta, momentum or self.momentum))

    def judge(self, radius, passes):
        # a root near +-1 is a distance >= 1 - b from the other one and errs by that much more than the entries
        size = 2 + self.eta * response(self.direction, np.abs(self.lam), self.rho)
        slack, why = 32 * EPS * size / (1 - self.beta), "32 ulp of the entries, over the distance 1 - b of the roots"
        return [
            at_most("spectral radius where admitted", radius, 1, slack=slack, why=why, where=passes),
            at_least("spectral radius where filtered", radius, 1, slack=slack, why=why, where=~passes),
        ]

    controls = {
        "Nesterov with the end of heavy ball": control(
            predict=lambda c: c.passes(momentum="heavy_ball"), where={"momentum": "nesterov", "beta": real(0.1, 0.95)}
        ),
        "heavy ball with the end 2/eta": control(
            predict=lambda c: c.passes(momentum="plain"), where={"momentum": "heavy_ball", "beta": real(0.1, 0.95)}
        ),
        "USAM with h = lam (1 + 2 rho lam)": control(predict=lambda c: c.passes(rho=2), where={"direction": "usam"}),
        "USAM with the filter of Hessian USAM": control(
            predict=lambda c: c.passes("hess"), where={"direction": "usam"}, refutes="spectral radius where filtered"
        ),
        "Hessian USAM with the filter of USAM": control(
            predict=lambda c: c.passes("usam"), where={"direction": "hess", "rho": log_real(1e-3, 1)}
        ),
        "only h <= U: negative curvatures": control(
            predict=lambda c: c.passes(lower=-np.inf), refutes="spectral radius where admitted"
        ),
        "USAM admits no negative curvature": control(
            predict=lambda c: c.passes() & (c.lam > 0),
            where={"direction": choice("usam", "penalty"), "near": log_real(1e-9, 1e-3)},
            refutes="spectral radius where filtered",
        ),
        "U off by one part in a million": control(
            predict=lambda c: c.passes(upper=1 - 1e-6),
            where={"near": log_real(1e-8, 1e-7)},
            refutes="spectral radius where filtered",
        ),
    }


if __name__ == "__main__":
    script(__file__)
