"""Data of the effective alpha, coordinate by coordinate, on and off the support, and of the errors that follow."""

import numpy as np

from samtheory.flows.diagonal import KINDS, limit, sam_flow
from samtheory.measures.recovery import sparse_recovery
from samtheory.problems.diagonal_net import sparse_regression

N, D, SUPPORT, ALPHA = 20, 30, 3, 0.05
RHO = (0.5, 0.1)
DRAWS, SHOWN, TIMES = 24, 0, 80


def data():
    rng = np.random.default_rng(1)
    shrinkage = {kind: [] for kind in KINDS}
    for _ in range(DRAWS):
        X, target = sparse_regression(rng, "orthogonal", N, D, SUPPORT)
        for kind, rho in zip(KINDS, RHO):
            shrinkage[kind].append(limit(X, X @ target, ALPHA, rho, kind, rtol=1e-6, residual=1e-6).alpha / ALPHA)
    X, target = sparse_regression(np.random.default_rng(SHOWN), "orthogonal", N, D, SUPPORT)
    times = np.concatenate([[0], np.geomspace(1, 3000, TIMES)])
    out = {"times": times, "support": SUPPORT, "rho": RHO, "alpha": ALPHA}
    for kind, rho in zip(KINDS, RHO):
        out[f"{kind}, alpha"] = sam_flow(X, X @ target, ALPHA, rho, kind, times).alpha / ALPHA
        out[f"{kind}, ends"] = shrinkage[kind]
    grids = [np.linspace(0, top, 6)[1:] for top in (0.75, 0.15)]
    ratios = [sparse_recovery(2, DRAWS, alpha=ALPHA, rhos=pair).log_ratio for pair in zip(*grids)]
    return out | {"grids": grids, "log ratio": np.array(ratios)}
