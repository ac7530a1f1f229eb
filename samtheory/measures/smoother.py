"""The linear smoother that a rule makes of ridgeless regression: Phi w_k = S_k y for a rule whose steps are linear."""

from __future__ import annotations

from typing import Any

import numpy as np

from samtheory.problems.kernel_regression import ridgeless
from samtheory.simulate import simulate
from samtheory.validate import array


def smoother(features, rule: Any, steps: int, *, every: int = 1) -> np.ndarray:
    """S_k, [records, n, n], with Phi w_k = S_k y and w_0 = 0: the rule is run once for each unit target.

    Gradient descent and un-normalised SAM are linear on 1/2 |Phi w - y|^2, features Phi [n, p]; normalised SAM is not.
    """
    features = array(None, None)("features", features)
    n, p = features.shape
    runs = (simulate(ridgeless(features, y), rule, np.zeros(p), steps, every=every, threads=1) for y in np.eye(n))
    return np.stack([run.states @ features.T for run in runs], axis=2)


def bias_and_variance(S, f, s) -> tuple[np.ndarray, np.ndarray]:
    """(|S_k f - f|^2/n, s^2 |S_k|_F^2/n): their sum is E |S_k y - f|^2/n for y = f + noise of covariance s^2 I."""
    return ((S @ f - f) ** 2).mean(axis=-1), s**2 * (S**2).sum(axis=(-2, -1)) / S.shape[-1]
