"""Where SAM and USAM are linearly stable at a minimum: factors, thresholds, and the edge they drift down to.

Convention: USAM is w+ = w - eta g(w + rho g(w)), so its rho is a length over a gradient (an inverse curvature: rho lam
is a number); SAM's rho is a length. eta lam is a number.
"""

from __future__ import annotations

import numpy as np

from samtheory.theory.ranges import within


def usam_factor(eta, rho, lam):
    """Factor of one USAM step on a mode of curvature lam, of any sign: 1 - eta lam (1 + rho lam).

    Exact on quadratics. eta, rho any real numbers. Source: derived.
    """
    eta, rho, lam = (np.asarray(value, dtype=np.float64) for value in (eta, rho, lam))
    return 1 - eta * lam * (1 + rho * lam)


def usam_threshold(rho, beta):
    """Largest stable step of USAM with top curvature beta: eta = 2/(beta + rho beta^2).

    Above it every start with a top component diverges; at it that component keeps its modulus. Range rho >= 0,
    beta > 0. Source: Dai, Ahn, Sra 2023, Theorem 1 (memory), derived.
    """
    rho, beta = within("rho", rho, "[0, inf)"), within("beta", beta, "(0, inf)")
    return 2 / (beta * (1 + rho * beta))


def usam_critical_radius(eta, beta):
    """The same threshold read for rho: USAM diverges for rho > (2/(eta beta) - 1)/beta.

    Range 0 < eta beta <= 2. Source: derived.
    """
    beta = within("beta", beta, "(0, inf)")
    h = within("eta * beta", eta * beta, "(0, 2]")
    return (2 / h - 1) / beta


def sam_threshold(beta):
    """Step from which SAM diverges on a quadratic of top curvature beta, whatever rho: eta = 2/beta, as for GD.

    At equality with rho > 0 the iterates grow by 2 rho a step. Range beta > 0. Source: derived.
    """
    return 2 / within("beta", beta, "(0, inf)")


def usam_edge(eta, rho):
    """Largest curvature at which USAM is stable: the Y > 0 with eta (Y + rho Y^2) = 2.

    Y* = (-1 + sqrt(1 + 8 rho/eta))/(2 rho), computed as 4/(eta (1 + sqrt(1 + 8 rho/eta))), which is 2/eta at rho = 0.
    On L(x, y) = l(x y) with l''(0) = 1 USAM stops at sharpness y^2 just below it. Range eta > 0, rho >= 0.
    Source: Dai, Ahn, Sra 2023 (memory), derived.
    """
    eta, rho = within("eta", eta, "(0, inf)"), within("rho", rho, "[0, inf)")
    return 4 / (eta * (1 + np.sqrt(1 + 8 * rho / eta)))
