"""Data of Unified SAM with constant and with decreasing steps on a ridge, one sample a step."""

import numpy as np

from samtheory.evaluate import losses
from samtheory.oracles import WithoutReplacement
from samtheory.problems.core import constants
from samtheory.problems.finite_sum import LeastSquares
from samtheory.problems.quadratic import orthogonal
from samtheory.rules.schedules import Table
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.samplings import expected_residual
from samtheory.simulate import simulate
from samtheory.theory.unified import decreasing_recursion, decreasing_schedule, pl_floor, pl_pair, switch_time

N, STEPS, EVERY, MIXES = 100, 1_000_000, 2_000, (0.0, 0.5, 1.0)


def data():
    rng = np.random.default_rng(0)
    A = (orthogonal(rng, N) * np.geomspace(0.1, 10, N) ** 0.5) @ orthogonal(rng, N).T
    ridge = LeastSquares(A, A @ rng.standard_normal(N), 3 / N)
    known, oracle = constants(ridge), WithoutReplacement(ridge, 1)
    er = expected_residual(oracle, known.f_star)
    at = (known.pl, er.lipschitz, er.A, er.B)
    x0 = known.minimiser + 0.1 * rng.standard_normal(N)  # from further away 10^6 steps end before the 1/t
    record = {"gap": lambda x: losses(ridge, x) - known.f_star}
    out = {"constant": [], "decreasing": [], "bound": [], "floor": []}
    gap0 = float(record["gap"](x0))
    for seed, mix in enumerate(MIXES):
        rho, eta = pl_pair(*at, mix, "simplified")
        rhos, etas = decreasing_schedule(STEPS, *at, mix)
        for name, rule in (
            ("constant", UnifiedSAM(eta, rho, mix)),
            ("decreasing", UnifiedSAM(Table(etas), Table(rhos), mix)),
        ):
            out[name].append(simulate(oracle, rule, x0, STEPS, every=EVERY, record=record, seed=seed)["gap"])
        out["bound"].append(decreasing_recursion(STEPS, *at, er.C, mix, gap0)[::EVERY])
        out["floor"].append(pl_floor(*at[:2], er.C, eta, rho, mix))
    return {
        "steps": EVERY * np.arange(STEPS // EVERY + 1),
        "mix": MIXES,
        "switch": [switch_time(*at, mix) for mix in MIXES],
        **{k: np.array(v) for k, v in out.items()},
    }
