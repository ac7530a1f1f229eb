"""Sparse recovery by diagonal networks: errors of gradient flow, n-SAM and 1-SAM on the same random regressions."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from samtheory.flows.diagonal import KINDS, limit
from samtheory.measures.interpolators import basis_pursuit, minimise_entropy
from samtheory.problems.diagonal_net import sparse_regression
from samtheory.theory.potentials import limit_response

# errors are then known to 3 parts in 10^4 (measured, against 1e-8); what is compared differs by tens of per cent
ACCURACY: dict[str, Any] = {"rtol": 1e-4, "atol": 1e-7, "residual": 1e-4}


@dataclasses.dataclass(frozen=True)
class Recovery:
    """err = |beta - target|^2/2 of the limits, one row a draw.

    plain       [draws], gradient flow (the minimiser of the entropy)
    perturbed   [draws, 2], n-SAM and 1-SAM
    drawn       draws looked at, those that the gate threw away included
    """

    plain: np.ndarray
    perturbed: np.ndarray
    drawn: int

    @property
    def log_ratio(self) -> np.ndarray:
        """ln(err/err of gradient flow), [draws, 2]: positive where SAM is worse."""
        return np.log(self.perturbed / self.plain[:, None])


def sparse_recovery(
    seed: Any,
    draws: int,
    design: str = "orthogonal",
    n: int = 20,
    d: int = 30,
    support: int = 3,
    alpha: float = 0.05,
    rhos: tuple[float, float] = (0.5, 0.1),
    gate: float = 1e-3,
) -> Recovery:
    """`draws` random regressions (`sparse_regression`) on which basis pursuit finds the target to `gate` (max norm).

    rhos   of n-SAM and of 1-SAM, in this order
    Raises ArithmeticError where the gate throws away more than nine draws in ten.
    """
    rng = np.random.default_rng(seed)
    plain: list[float] = []
    perturbed, drawn = [], 0
    while len(plain) < draws:
        drawn += 1
        if drawn > 10 * (draws + 1):
            raise ArithmeticError(f"basis pursuit found the target in {len(plain)} of {drawn - 1} draws only")
        X, target = sparse_regression(rng, design, n, d, support)
        y = X @ target
        if np.abs(basis_pursuit(X, y).beta - target).max() > gate:
            continue
        ends = [minimise_entropy(X, y, alpha).beta]
        ends += [limit(X, y, alpha, rho, kind, **ACCURACY).beta for rho, kind in zip(rhos, KINDS)]
        errors = [0.5 * float(((beta - target) ** 2).sum()) for beta in ends]
        plain.append(errors[0])
        perturbed.append(errors[1:])
    return Recovery(np.array(plain), np.array(perturbed), drawn)


def error_slopes(X: np.ndarray, target: np.ndarray, alpha: float) -> np.ndarray:
    """d err/d rho at rho = 0 of n-SAM, of 1-SAM, and of a uniform shrinkage of alpha (Delta = 1), [3]."""
    plain = limit(X, X @ target, alpha, **ACCURACY)
    deltas = plain.delta_n, plain.delta_1, np.ones(len(target))
    return np.array([(plain.beta - target) @ limit_response(X, plain.beta, alpha, delta) for delta in deltas])
