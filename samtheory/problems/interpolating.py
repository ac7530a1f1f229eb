"""Named families of problems whose minimisers form a manifold, each with a start near it."""

from __future__ import annotations

from typing import Any

import numpy as np

from samtheory.problems.products import Products
from samtheory.problems.quadratic_regression import mean_square_regression
from samtheory.problems.two_bowls import two_bowls

KINDS = ("product", "bowls", "regression")


def interpolating(kind: str, rng: np.random.Generator) -> tuple[Any, np.ndarray]:
    """(problem, start) of a family, drawn from `rng`; Wen, Ma & Li 2023 use such instances.

    product     (u v - y)^2/2, y in [1/2, 3/2], from u in [3/2, 5/2] and v in [1/5, 1/2]
    bowls       `two_bowls()`, from (a, b) in [-0.5, 0.3] x [0.4, 0.9] and (c, d) in [0.1, 0.3]^2
    regression  (1/4) sum_{k<2} (<b_k, x> + x' A_k x/2)^2 on R^5, entries of b_k normal (b_0 times 1.3), those of A_k
                of deviation 0.28 (0.4 on the diagonal), from a normal start of deviation 0.6
    """
    if kind == "product":
        return Products([rng.uniform(0.5, 1.5)]), np.array([rng.uniform(1.5, 2.5), rng.uniform(0.2, 0.5)])
    if kind == "bowls":
        return two_bowls(), rng.uniform([-0.5, 0.4, 0.1, 0.1], [0.3, 0.9, 0.3, 0.3])
    if kind != "regression":
        raise ValueError(f"kind = {kind!r} is unknown; it must be one of {', '.join(KINDS)}")
    B, A = rng.normal(size=(2, 5)), rng.normal(size=(2, 5, 5)) * 0.4
    B[0] *= 1.3
    return mean_square_regression([0, 0], B, (A + A.transpose(0, 2, 1)) / 2), rng.normal(size=5) * 0.6
