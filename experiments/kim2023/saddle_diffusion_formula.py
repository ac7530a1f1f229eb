"""Kim, Park, Choi & Lee 2023 (arXiv 2301.06308), Theorem 2 as reported: the variance of SAM near a saddle.  False.

Noise covariance |H|/B, start at the critical point, t = eta k; printed

    Var = (eta |lam|/(2 B lam (1 + rho lam)^2)) (1 - e^{-2 lam (1 + rho lam)^2 t}).

The algorithm moves by grad f(w + rho grad f(w)) = lam (1 + rho lam) w, without the second factor: that one comes from
differentiating f(w + rho grad f(w)) through the perturbation, and with it no saddle could attract, against the same
paper's Theorem 1.  Nor does the noise fit when both gradients share the batch.  kim2023/diffusion has what is true.

The algorithm's variance V+ = (1 - eta a)^2 V + eta^2 c, a and c from its own step, is taken to eta -> 0 at fixed t.
Conventions: the paper's SAM is USAM; loss with 1/2; rho in units of inverse curvature.
"""

import numpy as np

from samtheory.claims import choice, claim, control, equals, log_real, real, requires, script
from samtheory.sde.limits import extrapolate
from samtheory.sde.moments import Linear, discrete_law

STEPS = 2 ** np.array([8, 10, 12, 14, 16])


@claim(
    title="The printed variance of SAM near a saddle (its drift is differentiated through the perturbation)",
    where="Theorem 2, as reported",
    kind="counterexample",
    confidence="second-hand",
    statement="""Near a critical point, with noise covariance |H|/B,
        Var(t) = (eta |lam|/(2 B lam (1 + rho lam)^2)) (1 - e^{-2 lam (1 + rho lam)^2 t}).""",
    expected="refuted",
    repaired="kim2023/diffusion",
    caveat="read in a digest, not in the paper; the qualitative conclusion (slower diffusion) stands",
)
class SaddleDiffusionFormula:
    ascent: str = choice("same batch", "full batch")
    lam: float = real(-2, -0.2)
    reach: float = real(0.05, 0.9)  # rho |lam|
    batch: float = log_real(1, 100)
    time: float = real(0.2, 2)  # |lam| t

    examples = ({"ascent": "same batch", "lam": -1.0, "reach": 0.3, "batch": 4.0, "time": 0.2},)

    def assumptions(self):
        return [requires("the curvature is negative", self.lam, "<", 0)]

    def measure(self, ascent=None):
        """Limit of Var/eta of w+ = w - eta (drift of the algorithm + noise), for the gradients of this ascent."""
        lam, push, t = self.lam, 1 - self.reach, self.time / -self.lam
        ascent = ascent or self.ascent
        rate = lam * push**2 if ascent == "through" else lam * push
        noise = -lam / self.batch * (push**2 if ascent == "same batch" else 1)
        values = [discrete_law(Linear([[rate]], [[noise]]), t / k, [0.0], int(k)).cov[0, 0] * k / t for k in STEPS]
        return extrapolate(values, t / STEPS)

    def predict(self):
        square = (1 - self.reach) ** 2
        return -np.expm1(-2 * self.lam * square * self.time / -self.lam) / (-2 * self.batch * square)

    def judge(self, measured, predicted):
        rounding = 64 * np.finfo(float).eps * STEPS[-1] * abs(predicted)
        why = "the last three corrections of the extrapolation, and rounding"
        return [equals("Var/eta", measured.value, predicted, tolerance=measured.allowance + rounding, why=why)]

    controls = {
        "true where the gradient is taken through the perturbation": control(
            measure=lambda c: c.measure("through"), expect="holds"
        ),
        "and refuted there when rho is off by a thousandth": control(
            measure=lambda c: c.measure("through"),
            predict=lambda c: type(c)(**{**vars(c), "reach": 1.001 * c.reach}).predict(),
            where={"reach": real(0.3, 0.85), "time": real(0.5, 2)},
        ),
    }


if __name__ == "__main__":
    script(__file__)
