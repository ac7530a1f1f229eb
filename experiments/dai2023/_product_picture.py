"""Data of the picture of l(xy): GD, USAM and SAM from the same start, log cosh link."""

import numpy as np

from samtheory.problems.links import LogCosh
from samtheory.problems.product import Product
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.usam import USAM
from samtheory.simulate import simulate
from samtheory.theory.stability import usam_edge

ETA, RHO, START, STEPS = 0.4, 0.1, (2.0, 20**0.5), 3000


def data():
    rules = {"gd": GD(ETA), "usam": USAM(ETA, RHO), "sam": SAM(ETA, RHO)}
    paths = {name: simulate(Product(LogCosh()), rule, START, STEPS).states for name, rule in rules.items()}
    edges = {"gd_edge": 2 / ETA, "usam_edge": usam_edge(ETA, RHO)}
    return paths | edges | {"eta": ETA, "rho": RHO, "start": np.array(START), "shown": 120}
