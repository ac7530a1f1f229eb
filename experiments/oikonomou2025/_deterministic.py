"""Data of Unified SAM on least squares with the full batch: linear convergence at mix = 0, cycles for mix > 0."""

import numpy as np

from samtheory.evaluate import losses
from samtheory.problems.quadratic import quadratic
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.simulate import simulate
from samtheory.theory.cycles import unified_cycle_amplitude
from samtheory.theory.unified import pl_floor, pl_pair

MU, L, DIM, STEPS, EVERY = 0.1, 10.0, 100, 15_000, 50
MIXES = np.round(np.linspace(0, 1, 11), 1)


def data():
    rng = np.random.default_rng(0)
    # in its eigenbasis the steep coordinates would underflow to 0 before the cycle, and the cycle be that of a flat one
    bowl = quadratic(np.geomspace(MU, L, DIM), rotation=rng)
    x0 = rng.standard_normal(DIM) - rng.standard_normal(DIM)  # x_0 and x* standard normal
    pairs = [pl_pair(MU, L, 0.0, 1.0, mix, "simplified") for mix in MIXES]
    curves = []
    for mix, (rho, eta) in zip(MIXES, pairs):
        run = simulate(bowl, UnifiedSAM(eta, rho, mix), x0, STEPS, every=EVERY, record={"f": lambda x: losses(bowl, x)})
        curves.append(run["f"])
    return {
        "mix": MIXES,
        "steps": EVERY * np.arange(STEPS // EVERY + 1),
        "gap": np.array(curves),
        "cycle": [L * unified_cycle_amplitude(eta, rho, L, mix) ** 2 / 2 for mix, (rho, eta) in zip(MIXES, pairs)],
        "floor": [pl_floor(MU, L, 0.0, eta, rho, mix) for mix, (rho, eta) in zip(MIXES, pairs)],
        "sharper": L**2 * pairs[-1][0] ** 2 / (2 * MU),
    }
