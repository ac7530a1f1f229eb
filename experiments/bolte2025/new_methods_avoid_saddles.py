"""Bolte, Le & Pauwels 2025 (arXiv 2510.09034): two-step and Hessian USAM against USAM: saddles, sharpness, cost.

For rho |lam| > 1 USAM converges to strict saddles; Hessian USAM and two_restart do not (h(lam) has the sign of lam),
and two_seq only could at lam = -1/rho exactly, where nothing is decided.  Besides, for one more gradient or a
Hessian-vector product their edges are lower: two_seq < two_restart < USAM < GD; Hessian USAM < USAM iff U > 1 + rho.

On f = (uv - 1)^2/2, with eta and rho such that the edges are at least 7 % apart:
 - of 64 starts around the saddle (0, 0), of eigenvalues -1 and 1, none of the new methods ends there, whatever rho;
 - the sharpest limit of each, from starts beside minima of sharpness 2.05, 2.08, ... is within 3 % of its own edge;
 - gradients and Hessian-vector products of a step are counted in a run of the coded rules.
two_seq often stops at points that are not critical instead (rho > 1): bolte2025/noncritical-limits.
Conventions: rho is an inverse curvature, for Hessian USAM an inverse square curvature; the same number for all.
"""

from typing import NamedTuple

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, equals, log_real, real, requires, script, seeds
from samtheory.kernel import interpreted
from samtheory.measures.limits import MINIMUM, SADDLE, classify
from samtheory.problems.core import dim, grad, hvp
from samtheory.problems.links import HalfSquare
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.hessian_usam import HessianUSAM
from samtheory.rules.two_step_usam import TwoRestartUSAM, TwoSeqUSAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.stopping import Settled
from samtheory.theory.filters import edge

STEPS, FLATTEST, GRID = 6000, 2.05, 1.015
RULES = {
    "gd": lambda eta, rho: GD(eta),
    "usam": USAM,
    "two_restart": TwoRestartUSAM,
    "two_seq": TwoSeqUSAM,
    "hess": HessianUSAM,
}
NEW = ("two_restart", "two_seq", "hess")
COST = {"gd": (1, 0), "usam": (2, 0), "two_restart": (3, 0), "two_seq": (3, 0), "hess": (2, 1)}
UV = Product(HalfSquare(1.0))


class Counted(NamedTuple):
    """A parabola that counts its gradients and Hessian-vector products."""

    calls: np.ndarray


@dim.register(Counted)
def _dim(p):
    return 1


@grad.register(Counted)
def _grad(p, x, out, work):
    p.calls[0] += 1
    out[0] = x[0]


@hvp.register(Counted)
def _hvp(p, x, v, out, work):
    p.calls[1] += 1
    out[0] = v[0]


@claim(
    title="Two-step and Hessian USAM do not converge to strict saddles, and their edges are lower, at a price",
    where="Section 3, two-step and Hessian USAM",
    kind="comparison",
    confidence="text (qualitative) + derived",
    statement="""From almost no start do two-step and Hessian USAM converge to a strict saddle; the sharpest minima they
        converge to are ordered two_seq < two_restart < USAM < GD, and Hessian USAM < USAM iff U > 1 + rho; a step takes
        3, 3, 2 + one Hessian-vector product, 2 and 1 gradients.""",
    caveat="which of the two variants is the paper's two-step USAM is not known; h of both excludes negative curvature",
    cost=6,
)
class NewMethods:
    eta: float = log_real(0.05, 0.3)
    rho: float = log_real(0.03, 0.3)
    wide: float = real(0.2, 2.5)  # rho of the runs around the saddle
    seed: int = seeds()

    examples = (
        {"eta": 0.2, "rho": 0.1, "wide": 1.5, "seed": 0},  # the largest limits of 5000 runs: 9.92, 6.13, 5.40, 4.57
        {"eta": 0.05, "rho": 0.1, "wide": 1.2, "seed": 0},  # USAM ends at the saddle from 96 % of a box
    )

    def edges(self):
        return {name: float(edge(name, self.eta, self.rho)) for name in RULES}

    def assumptions(self):
        tops = self.edges()
        order = np.sort(list(tops.values()))
        return [
            requires("the edges are 7 % apart", (order[1:] / order[:-1]).min(), ">=", 1.07),
            requires("the lowest edge is above the flattest minimum", order[0], ">=", 1.03 * FLATTEST),
        ]

    def limits(self, name, rho, starts):
        rule = RULES[name](self.eta, rho)
        run = simulate(
            UV, rule, starts, STEPS, every=STEPS, record={}, stop=Settled(), limit=1e6, on_divergence="report",
            threads=1,
        )  # fmt: skip
        return classify(UV, rule, run)

    def sharpest(self, name):
        """The largest sharpness among limits of runs that start beside minima (e^t, e^-t)."""
        lam = np.geomspace(FLATTEST, 2.2 / self.eta, 1 + int(np.log(2.2 / self.eta / FLATTEST) / np.log(GRID)))
        t = np.arccosh(lam / 2) / 2
        starts = np.exp(np.stack([t, -t], axis=1))
        starts += 1e-4 * np.random.default_rng([self.seed, 0]).uniform(-1, 1, starts.shape)
        limits = self.limits(name, self.rho, starts)
        return limits.lam_max[limits.label == MINIMUM].max()

    def measure(self):
        box = np.random.default_rng([self.seed, 1]).uniform(-0.3, 0.3, (64, 2))
        saddles = {name: (self.limits(name, self.wide, box).label == SADDLE).mean() for name in RULES}
        return saddles, {name: self.sharpest(name) for name in RULES}, {name: self.cost(name) for name in RULES}

    def cost(self, name):
        counted = Counted(np.zeros(2))
        with interpreted():
            simulate(counted, RULES[name](self.eta, self.rho), [1.0], 10, threads=1)
        return counted.calls / 10

    def predict(self):
        return NEW, self.edges(), COST

    def judge(self, measured, predicted):
        (saddles, top, cost), (avoiding, edges, price) = measured, predicted
        got, want = (np.array([table[name] for name in RULES]) for table in (top, edges))
        names = sorted(edges, key=edges.get)
        ordered = np.array([top[name] for name in names])
        return [
            at_most("share at the saddle", [saddles[n] for n in avoiding], 0, slack=0.5 / 64, why="half a start"),
            at_most("sharpest limit", got, want, slack=1e-6 * want, why="marginal within a millionth"),
            at_least("sharpest limit, from below", got, 0.96 * want, why="a grid of 1.5 %, and slow next to the edge"),
            at_most("sharper / sharpest, in the order of the edges", ordered[:-1] / ordered[1:], 1),
            equals("gradients and Hessian products a step", [cost[n] for n in RULES], [price[n] for n in RULES],
                   tolerance=0.05, why="integers"),
        ]  # fmt: skip

    def with_edges(self, **other):
        return NEW, self.edges() | other, COST

    controls = {
        "USAM avoids the saddle too": control(
            predict=lambda c: (("usam",), *c.predict()[1:]), where={"wide": real(1.2, 2), "eta": log_real(0.05, 0.2)}
        ),
        "two_seq and two_restart swapped": control(
            predict=lambda c: c.with_edges(two_seq=c.edges()["two_restart"], two_restart=c.edges()["two_seq"])
        ),
        "two_restart has the edge of USAM": control(predict=lambda c: c.with_edges(two_restart=c.edges()["usam"])),
        "Hessian USAM has the edge of USAM": control(predict=lambda c: c.with_edges(hess=c.edges()["usam"])),
        "two-step costs as much as USAM": control(
            predict=lambda c: (NEW, c.edges(), COST | {"two_seq": (2, 0)}),
            refutes="gradients and Hessian products a step",
        ),
    }


if __name__ == "__main__":
    script(__file__)
