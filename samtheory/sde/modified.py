"""Stochastic modified equations of SGD under additive noise, for any problem (Li, Tai & E 2017).

First order:   dX = -grad f dt + sqrt(eta) S dW
Second order:  dX = -grad(f + (eta/4) |grad f|^2) dt + sqrt(eta) S dW

The second is the model of full-batch ascent with rho = eta/2, since grad (eta/4)|g|^2 = (eta/2) H g.  Exact laws on
quadratics, and the Hessian-aware equation, are in `samtheory.sde.moments`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.pushes import FullUSAM, NoPush


def first_order(problem: Any, factor: np.ndarray, eta: float) -> AdditiveSDE:
    """SME1: weak order 1 for SGD with gradient noise factor z."""
    return AdditiveSDE(problem, factor, eta, 0.0, NoPush())


def second_order(problem: Any, factor: np.ndarray, eta: float) -> AdditiveSDE:
    """SME2: weak order 2 for the same SGD."""
    return AdditiveSDE(problem, factor, eta, 0.5 * eta, FullUSAM())
