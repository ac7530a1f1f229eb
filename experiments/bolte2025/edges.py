"""Bolte, Le & Pauwels 2025 (arXiv 2510.09034): the largest curvature that each method lets through, in closed form.

    USAM   edge = (-1 + sqrt(1 + 4 rho U))/(2 rho) = 2U/(1 + sqrt(1 + 4 rho U)), and the negative band
           [-1/rho - edge, -1/rho], as wide as the positive part: h(-1/rho - lam) = h(lam)
    two-step and Hessian USAM   the positive root of h = U, which is increasing there; of the negative curvatures only
           two_seq lets one through, -1/rho, where its h has a double root: the spectral radius is 1 there

With the same eta, rho, b: edge(two_seq) < edge(two_restart) < edge(USAM) < edge(GD), since the h are ordered the other
way for lam > 0; but edge(Hessian USAM) < edge(USAM) iff U > 1 + rho, since lam(1 + rho lam^2) passes lam(1 + rho lam)
at lam = 1: there the unit of rho is another.

Every end is found by bisection of the spectral radius of the coded step, in one dimension.
Conventions: as in bolte2025/filter-equivalence; U = 2/eta, 2(1+b)/eta, 2(1+b)/(eta(1+2b)).
"""

import numpy as np

from samtheory.claims import at_most, choice, claim, control, equals, log_real, real, requires, script
from samtheory.oracles import Batch, FullBatch, Source
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.core import step
from samtheory.rules.gd import GD
from samtheory.rules.hessian_usam import HessianUSAM
from samtheory.rules.momentum import HeavyBall, Nesterov
from samtheory.rules.two_step_usam import TwoRestartUSAM, TwoSeqUSAM
from samtheory.rules.usam import USAM
from samtheory.theory.filters import MOMENTA, edge, limit, negative_band

EPS = np.finfo(float).eps
RULES = {
    "gd": lambda eta, rho: GD(eta),
    "usam": USAM,
    "two_seq": TwoSeqUSAM,
    "two_restart": TwoRestartUSAM,
    "hess": HessianUSAM,
}
ORDERED = ("two_seq", "two_restart", "usam", "gd")


@claim(
    title="The largest curvature each method lets through, and USAM's band of negative ones",
    where="Section 3",
    kind="identity",
    confidence="derived",
    statement="""edge(USAM) = 2U/(1 + sqrt(1 + 4 rho U)), negative band [-1/rho - edge, -1/rho]; two-step and Hessian
        USAM: the root of h = U, no band; edge(two_seq) < edge(two_restart) < edge(USAM) < edge(GD);
        edge(Hessian USAM) < edge(USAM) iff U > 1 + rho.""",
    cost=3,
)
class Edges:
    momentum: str = choice(*MOMENTA)
    eta: float = log_real(1e-2, 10)
    rho: float = log_real(1e-2, 10)
    beta: float = real(0, 0.9)

    examples = (
        {"momentum": "plain", "eta": 0.1, "rho": 0.1, "beta": 0.0},  # 20, 10 and [-20, -10], 6.956, 8.105, 5.280
        {"momentum": "plain", "eta": 0.2, "rho": 1.5, "beta": 0.0},  # 10, 2.270 and [-2.937, -0.667], 1.232, ...
        {"momentum": "heavy_ball", "eta": 0.1, "rho": 0.1, "beta": 0.9},  # 38, 15.125, ...
        {"momentum": "nesterov", "eta": 0.1, "rho": 0.1, "beta": 0.9},  # 13.571, 7.677, ...
        {"momentum": "plain", "eta": 10.0, "rho": 0.1, "beta": 0.0},  # Hessian USAM 0.1992 > USAM 0.1962
    )

    @property
    def setting(self):
        return self.eta, self.rho, self.beta, self.momentum

    @property
    def upper(self):
        return float(limit(self.eta, self.beta, self.momentum))

    def assumptions(self):
        gap = abs(self.upper / (1 + self.rho) - 1)
        return [requires("0 <= b < 1", 0 <= self.beta < 1), requires("U is not 1 + rho", gap, ">", 1e-9)]

    def radius(self, direction, lam):
        """Spectral radius of the coded step at each curvature."""
        rule = RULES[direction](self.eta, self.rho)
        if self.momentum != "plain":
            rule = (HeavyBall if self.momentum == "heavy_ball" else Nesterov)(rule, self.beta)
        nothing = Batch(np.empty(0), np.empty(0, dtype=np.int64))
        source = Source(FullBatch(Diagonal(lam, 0 * lam)), nothing, nothing, np.empty(0))
        columns = []
        for x, v in ((1.0, 0.0), (0.0, 1.0)):
            state, memory = np.full(lam.size, x), np.full((1, lam.size), v)
            step(rule, source, 0, state, memory, np.empty((5, lam.size)))
            columns.append(np.stack([state, memory[0]], axis=-1))
        block = np.stack(columns, axis=-1) if self.momentum != "plain" else columns[0][:, :1, None]
        return np.abs(np.linalg.eigvals(block)).max(axis=-1)

    def bisect(self, direction, inside, outside):
        """The ends between stable and unstable curvatures, by 12 divisions into 32 parts."""
        inside, outside = np.array(inside), np.array(outside)
        for _ in range(12):
            grid = np.linspace(inside, outside, 33)
            last = np.argmin(self.radius(direction, grid.ravel()).reshape(grid.shape) <= 1, axis=0)
            inside, outside = (np.take_along_axis(grid, k[None], axis=0)[0] for k in (np.maximum(last, 1) - 1, last))
        return (inside + outside) / 2

    def measure(self):
        """Edges of all directions; USAM's band; the smallest radius at negative curvatures of the others."""
        tops = {name: self.bisect(name, [1e-6 * self.upper], [1.5 * self.upper])[0] for name in RULES}
        top, turn = tops["usam"], -1 / self.rho
        band = self.bisect("usam", [turn - top / 2] * 2, [turn - 2 * top, turn + min(top, 0.5 / self.rho)])
        grid = -np.geomspace(1e-3, 1e3, 61) / self.rho
        least = {name: self.radius(name, grid).min() for name in RULES if name != "usam"}
        touch = self.radius("two_seq", np.array([turn]))[0]
        return tops, band, least, touch

    def predict(self):
        tops = {name: float(edge(name, *self.setting)) for name in RULES}
        return tops, np.array(negative_band("usam", *self.setting)), np.sign(self.upper - 1 - self.rho)

    def judge(self, measured, predicted):
        (tops, band, least, touch), (edges, ends, sign) = measured, predicted
        # |d radius/d lam| >= eta h'(lam) at an end, against 32 ulp of the entries 1 - eta h; h' >= 1 there
        names, why = list(RULES), "64 ulp of an entry of the step, over the slope of the radius there"
        reach = 64 * EPS * (1 / self.eta + self.upper + 1 / self.rho)
        order = [tops[name] for name in ORDERED]
        loose = 64 * EPS / (1 - self.beta)
        return [
            equals("edge", [tops[n] for n in names], [edges[n] for n in names], tolerance=reach, why=why),
            equals("ends of the negative band", band, ends, tolerance=reach, why=why),
            at_most("-radius at negative curvatures", [-r for r in least.values()], -1, slack=loose, why="64 ulp"),
            equals("radius of two_seq at -1/rho", touch, 1, tolerance=loose, why="64 ulp over 1 - b"),
            at_most("smaller edge / larger edge", np.divide(order[:-1], order[1:]), 1, slack=reach / order[0]),
            equals("sign of edge(USAM) - edge(Hessian USAM)", np.sign(tops["usam"] - tops["hess"]), sign, tolerance=0.5,
                   why="a sign"),
        ]  # fmt: skip

    def with_edges(self, **other):
        tops, band, sign = self.predict()
        return tops | other, band, sign

    def with_band(self, low, high):
        tops, _, sign = self.predict()
        return tops, np.array([low, high]), sign

    controls = {
        "momentum does not matter": control(
            predict=lambda c: c.with_edges(gd=2 / c.eta, usam=float(edge("usam", c.eta, c.rho))),
            where={"momentum": choice("heavy_ball", "nesterov"), "beta": real(0.05, 0.9)},
        ),
        "Nesterov with the U of heavy ball": control(
            predict=lambda c: c.with_edges(usam=float(edge("usam", c.eta, c.rho, c.beta, "heavy_ball"))),
            where={"momentum": "nesterov", "beta": real(0.05, 0.9)},
        ),
        "USAM with 2 rho": control(predict=lambda c: c.with_edges(usam=float(edge("usam", c.eta, 2 * c.rho)))),
        "two_seq and two_restart swapped": control(
            predict=lambda c: c.with_edges(two_seq=c.predict()[0]["two_restart"], two_restart=c.predict()[0]["two_seq"])
        ),
        "Hessian USAM with the edge of the penalty": control(
            predict=lambda c: c.with_edges(hess=c.predict()[0]["usam"])
        ),
        "edges off by one part in a billion": control(
            predict=lambda c: c.with_edges(usam=(1 + 1e-9) * c.predict()[0]["usam"])
        ),
        "a band half as wide": control(
            predict=lambda c: c.with_band(-1 / c.rho - c.predict()[0]["usam"] / 2, -1 / c.rho),
            refutes="ends of the negative band",
        ),
        "a band that starts at 0": control(
            predict=lambda c: c.with_band(-1 / c.rho, 0.0), refutes="ends of the negative band"
        ),
        "Hessian USAM always below USAM": control(
            predict=lambda c: (*c.predict()[:2], 1.0),
            where={"eta": real(4, 10), "rho": log_real(1, 10)},
            refutes="sign of edge(USAM) - edge(Hessian USAM)",
        ),
    }


if __name__ == "__main__":
    script(__file__)
