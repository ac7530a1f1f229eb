"""Data of the stability region: exact largest steps of SGD and USAM over rho, and the necessary bound."""

import numpy as np

from samtheory.theory.linear_stability import alignment, stability_limit, usam_step_bound

G = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])


def data():
    rho = np.linspace(0, 2, 81)
    H = G.T @ G / len(G)
    out = {"rho": rho, "batches": [1, 2], "edge": 2 / (lam := np.linalg.eigvalsh(H)[-1]) / (1 + rho * lam)}
    for mode in ("two_batch", "same_batch"):
        out[mode] = [[stability_limit(G, r, batch, mode) for r in rho] for batch in (1, 2)]
    out["bound"] = [usam_step_bound(np.linalg.norm(H), alignment(G), batch, rho) for batch in (1, 2)]
    out["uncentred"] = [usam_step_bound(np.linalg.norm(H), alignment(G, centred=False), batch, rho) for batch in (1, 2)]
    return out
