"""Long & Bartlett 2024 (arXiv 2309.12488): SAM's edge of stability depends on the norm of the gradient.

On a quadratic one step of SAM multiplies the mode of curvature lam by 1 - eta lam (1 + rho lam/|g|), |g| the norm of
the whole gradient, so that a mode grows iff lam > SAM-edge(|g|) = (|g|/(2 rho)) (sqrt(1 + 8 rho/(eta |g|)) - 1).
With E = 2/eta and F = sqrt(2 |g|/(eta rho)), the limits for |g| -> inf and |g| -> 0, it lies between
E F/(E + F) and min(E, F), and it increases with |g|: 1/edge = (eta/4) (1 + sqrt(1 + 4 E^2/F^2)).

The edge is measured on the coded step: 65 modes at once, all of the same |g_i|, span the interval where the growth
begins, and the pair of neighbours between which it does is the next interval.

Conventions: loss with 1/2; full batch; normalised ascent; no perturbation at a zero gradient.
"""

import numpy as np

from samtheory.claims import at_least, at_most, claim, control, equals, log_real, script
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.edges import sam_edge, sam_mode_factor

EPS = np.finfo(float).eps
MODES, ZOOMS = 65, 8  # 64^8 = 2.8e14


@claim(
    title="SAM's edge of stability depends on the norm of the gradient",
    where="Sections 2-3",
    kind="identity",
    confidence="text + derived",
    statement="""On a quadratic, one step of SAM at gradient norm |g| enlarges the modes of curvature above
        SAM-edge(|g|) = (|g|/(2 rho)) (sqrt(1 + 8 rho/(eta |g|)) - 1) and no others; the edge increases from 0 to 2/eta
        with |g|.""",
)
class EdgeFormula:
    eta: float = log_real(1e-2, 1)
    rho: float = log_real(1e-3, 3)
    grad_norm: float = log_real(1e-3, 1e2)
    more: float = log_real(1.1, 10)  # a second gradient norm, this times the first

    examples = (
        {"eta": 0.05, "rho": 0.1, "grad_norm": 0.5, "more": 2.0},  # 11.861406616345072
        {"eta": 0.05, "rho": 0.1, "grad_norm": 0.01, "more": 2.0},  # 1.950624902374255
        {"eta": 0.05, "rho": 0.1, "grad_norm": 10.0, "more": 2.0},  # 30.622577482985502
        {"eta": 0.1, "rho": 0.1, "grad_norm": 1.0, "more": 2.0},  # 10
    )

    def assumptions(self):
        return []

    def step(self, lam, grad_norm, rule=SAM):
        """Start and end of one step in which every mode has the same share of the gradient."""
        start = grad_norm / np.sqrt(lam.size) / lam
        return simulate(Diagonal(lam, 0 * lam), rule(self.eta, self.rho), start, 1, threads=1).states

    def edge(self, grad_norm, rule):
        low, high = 0.0, 4 / self.eta
        for _ in range(ZOOMS):
            lam = np.linspace(low, high, MODES)[1:]
            start, end = self.step(lam, grad_norm, rule)
            first = int(np.argmax(np.abs(end) > np.abs(start)))
            low, high = (lam[first - 1] if first else low), lam[first]
        return (low + high) / 2

    def measure(self, rule=SAM):
        lam = np.linspace(0, 4 / self.eta, MODES)[1:]
        edges = [self.edge(norm, rule) for norm in (self.grad_norm, self.more * self.grad_norm)]
        return lam, self.step(lam, self.grad_norm, rule), edges

    def predict(self, factor=sam_mode_factor, edge=sam_edge):
        return lambda lam: factor(self.eta, self.rho, lam, self.grad_norm), edge(self.eta, self.rho, self.grad_norm)

    def judge(self, measured, predicted):
        (lam, (start, end), (edge, next_edge)), (factor, predicted_edge) = measured, predicted
        # |g| errs by MODES/2 ulp; the edge is where the factor is -1, and its slope in log lam is there at least 2
        ulps = (MODES / 2 + 8) * EPS
        slack = 2 * ulps * predicted_edge + 4 / self.eta / (MODES - 1.0) ** ZOOMS
        far, near = 2 / self.eta, np.sqrt(2 * self.grad_norm / (self.eta * self.rho))
        why = "|g| to MODES/2 ulp and 8 more"
        return [
            equals("x+", end, factor(lam) * start, tolerance=ulps * (1 + np.abs(1 - factor(lam))) * start, why=why),
            equals("edge", edge, predicted_edge, tolerance=slack, why=f"{why}; the last interval"),
            at_most("edge, and its two limits", edge, min(far, near), slack=slack, why=why),
            at_least(
                "edge, and half the harmonic mean of its limits", edge, 1 / (1 / far + 1 / near), slack=slack, why=why
            ),
            at_least("edge at a larger gradient", next_edge, edge, slack=slack, why=why),
        ]

    controls = {
        "edge of gradient descent": control(
            predict=lambda c: c.predict(edge=lambda eta, rho, norm: 2 / eta), refutes="edge"
        ),
        "twice the radius": control(
            predict=lambda c: c.predict(edge=lambda eta, rho, norm: sam_edge(eta, 2 * rho, norm)), refutes="edge"
        ),
        "4 for 8 under the root": control(
            predict=lambda c: c.predict(edge=lambda eta, rho, norm: 2 * sam_edge(2 * eta, rho, norm)), refutes="edge"
        ),
        "no division by the gradient": control(
            predict=lambda c: c.predict(edge=lambda eta, rho, norm: sam_edge(eta, rho, 1.0)),
            where={"grad_norm": log_real(1e-3, 0.9)},
            refutes="edge",
        ),
        "edge off by one part in 10^10": control(
            predict=lambda c: c.predict(edge=lambda *at: (1 + 1e-10) * sam_edge(*at)), refutes="edge"
        ),
        "the gradient of the mode for the whole gradient": control(
            predict=lambda c: c.predict(
                lambda eta, rho, lam, norm: sam_mode_factor(eta, rho, lam, norm / np.sqrt(MODES - 1)),
                lambda eta, rho, norm: sam_edge(eta, rho, norm / np.sqrt(MODES - 1)),
            )
        ),
        "rho lam for rho lam^2": control(
            predict=lambda c: c.predict(lambda eta, rho, lam, norm: 1 - eta * lam * (1 + rho / norm)), refutes="x+"
        ),
        "un-normalised SAM does not see the gradient": control(
            measure=lambda c: c.measure(USAM), where={"grad_norm": log_real(1e-3, 0.9)}, refutes="edge"
        ),
    }


if __name__ == "__main__":
    script(__file__)
