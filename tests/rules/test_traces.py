"""Five steps of every rule against the reference traces, printed to thirteen digits (`oracles/traces.txt`)."""

import pathlib
import re
from typing import NamedTuple

import numpy as np
import pytest

from samtheory.kernel import interpreted
from samtheory.oracles import EverySample, WithReplacement, draw, gradient, shape, value
from samtheory.problems.finite_sum import Logistic
from samtheory.problems.links import HalfSquare
from samtheory.problems.log_mean_exp import LogMeanExp
from samtheory.problems.product import Product
from samtheory.problems.quadratic import Quadratic
from samtheory.rules.asam import ASAM
from samtheory.rules.bar import NBAR, OBAR
from samtheory.rules.bilateral_sam import BilateralSAM
from samtheory.rules.esam import ESAM
from samtheory.rules.fsam import FSAM
from samtheory.rules.gd import GD
from samtheory.rules.gsam import GSAM
from samtheory.rules.ire import IRE
from samtheory.rules.looksam import LookSAM
from samtheory.rules.noise import Given
from samtheory.rules.p_norm_sam import PNormSAM
from samtheory.rules.progressive import ProgressiveRescaling
from samtheory.rules.random_smoothing import RandomSmoothing
from samtheory.rules.sam import SAM
from samtheory.rules.schedules import Geometric
from samtheory.rules.sharded import Sharded
from samtheory.rules.sparse_sam import SparseSAM
from samtheory.rules.stable_sam import StableSAM
from samtheory.rules.tsam import TSAM
from samtheory.rules.unified_sam import UnifiedSAM
from samtheory.rules.usam import USAM
from samtheory.rules.vasso import VaSSO
from samtheory.rules.wsam import WSAM
from samtheory.simulate import simulate

TEXT = (pathlib.Path(__file__).parents[1] / "oracles" / "traces.txt").read_text()
Z = np.array([[1, 0.5], [0.8, -0.3], [-0.6, 1.2], [-1.1, -0.4], [0.3, -0.9], [-0.2, 0.7]])
S = np.sqrt(1 - 0.2**2)
MARGINS = np.array([[0.2, S], [0.2, S], [0.2, -S]])


class Batches(NamedTuple):
    """The samples of step t are rows[t]."""

    problem: object
    rows: np.ndarray
    shared: bool = True


@shape.register(Batches)
def _shape(oracle):
    return oracle.rows.shape[1], oracle.rows.shape[1], 0


@draw.register(Batches)
def _draw(oracle, t, rng, order, batch):
    for k in range(batch.idx.shape[0]):
        batch.idx[k], batch.z[k] = oracle.rows[t, k], 1.0


gradient.register(Batches)(gradient.registered[WithReplacement])
value.register(Batches)(value.registered[WithReplacement])

LOGISTIC = Logistic(Z, [1, 1, 1, -1, -1, -1])
ROWS = np.array([[0, 1, 2], [3, 4, 5], [0, 2, 4], [1, 3, 5], [0, 1, 5]])
PROBLEMS = {  # name -> (problem, start, step size)
    "quad": (Quadratic([[4, 1], [1, 1]], [0, 0]), [1, -0.5], 0.1),
    "prod": (Product(HalfSquare(1.0)), [2, 0.3], 0.1),
    "logit": (EverySample(LOGISTIC), [0.2, -0.1], 0.5),
    "logit-mb": (Batches(LOGISTIC, ROWS), [0.2, -0.1], 0.5),
    "r2_gamma0.2": (LogMeanExp(MARGINS), [0, 0], 1.0),
}
RHO = 0.1
RULES = {  # what the names of the traces stand for
    "gd": GD,
    "usam": lambda eta: USAM(eta, RHO),
    "sam": lambda eta: SAM(eta, RHO),
    "asam": lambda eta: ASAM(eta, 0.5, 0.0),
    "asam_eta0.01": lambda eta: ASAM(eta, 0.5, 0.01),
    "gsam": lambda eta: GSAM(eta, RHO, 0.4),
    "looksam": lambda eta: LookSAM(eta, RHO, 2, 0.7),
    "fsam": lambda eta: FSAM(eta, RHO),
    "fsam_s0.5_l0.6": lambda eta: FSAM(eta, RHO, 0.5, 0.6),
    "fsam_paper": lambda eta: FSAM(eta, RHO, update_first=True),
    "vasso": lambda eta: VaSSO(eta, RHO, 0.2),
    "stablesam": lambda eta: StableSAM(eta, RHO),
    "bilateral": lambda eta: BilateralSAM(eta, RHO, 0.05),
    "wsam": lambda eta: WSAM(eta, RHO, 0.9),
    "tsam": lambda eta: TSAM(eta, 0.05, 5.0, 3, Given([[0.1, 0], [0, 0.1], [-0.05, -0.05]])),
    "sparse10": lambda eta: SparseSAM(eta, RHO, [1, 0]),
    "ire_sam01": lambda eta: IRE(SAM(eta, RHO), 2.0, [0, 1]),
    "msam3": lambda eta: Sharded(SAM(eta, RHO), 2),
    "msam6": lambda eta: Sharded(SAM(eta, RHO), 1),
    "esam": lambda eta: ESAM(eta, RHO, Given([[2, 0]]), 0.5),
    "obar": lambda eta: OBAR(GD(eta), 0.2, 1),
    "nbar": lambda eta: NBAR(GD(eta), 0.2, 1),
    "prgd": lambda eta: ProgressiveRescaling(GD(eta), Geometric(10.0, 2.0), 2, 2),
    # the same by another road
    "sam as unified": lambda eta: UnifiedSAM(eta, RHO, 1.0),
    "sam as p = 2": lambda eta: PNormSAM(eta, RHO, 2.0),
    "sam as looksam": lambda eta: LookSAM(eta, RHO, 1),
    "sam as gsam": lambda eta: GSAM(eta, RHO, 0.0),
    "sam as fsam": lambda eta: FSAM(eta, RHO, 0.0),
    "sam as vasso": lambda eta: VaSSO(eta, RHO, 1.0),
    "sam as esam": lambda eta: ESAM(eta, RHO),
    "sam as wsam": lambda eta: WSAM(eta, RHO, 0.5),
    "sam as sparse": lambda eta: SparseSAM(eta, RHO, [1, 1]),
    "sam as ire": lambda eta: IRE(SAM(eta, RHO), 3.0, [0, 0]),
    "sam as tsam": lambda eta: TSAM(eta, RHO, 3.0, 2, Given([[0, 0]])),
    "gd as stablesam": lambda eta: StableSAM(eta, 0.0),
    "gd as bilateral": lambda eta: BilateralSAM(eta, 0.0, 0.0),
    "gd as wsam": lambda eta: WSAM(eta, RHO, 0.0),
    "gd as smoothing": lambda eta: RandomSmoothing(eta, RHO, 0.0, 1.0),
}


def traces():
    found = {}
    for name, problem, row in re.findall(r"^([\w.]+)/([\w.-]+) +(\(.*)$", TEXT, re.MULTILINE):
        found[name, problem] = [[float(v) for v in point.split(",")] for point in re.findall(r"\((.*?)\)", row)]
    return found


TRACES = traces()
CASES = [(name, problem) for name in RULES for trace, problem in TRACES if trace == name.split(" as ")[0]]


@pytest.mark.parametrize("name, problem", CASES, ids=lambda v: v)
def test_reference_trace(name, problem):
    expected = TRACES[name.split(" as ")[0], problem]
    oracle, start, eta = PROBLEMS[problem]
    rule = WSAM(eta, RHO, 0.6) if (name, problem) == ("wsam", "prod") else RULES[name](eta)
    with interpreted():  # compiled code has the same bits: test_table.py
        run = simulate(oracle, rule, start, 5).states
    np.testing.assert_allclose(run[1:], expected, rtol=0, atol=1e-12 if abs(run).max() < 2.9 else 1e-11)


def test_every_trace_has_its_rule():
    assert {name for name, _ in TRACES} - {name for name, _ in CASES} == {"rs_one_step"}


def test_one_step_of_random_smoothing():
    rule = RandomSmoothing(0.1, 0.1, 10.0, 0.05, Given([[0.6, 0.8]]))
    with interpreted():
        run = simulate(PROBLEMS["prod"][0], rule, [2, 0.49], 1)
    np.testing.assert_allclose(run.x, TRACES["rs_one_step", "prod"][0], rtol=0, atol=1e-12)
