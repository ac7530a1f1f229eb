"""Data of the filter curves: spectral radius of one step against curvature, and the admitted intervals."""

import numpy as np

from samtheory.theory.filters import edge, negative_band, spectral_radius

ETA, RHO = 0.1, 0.1
SHOWN = ("gd", "usam", "two_restart", "two_seq", "hess")


def data():
    lam = np.linspace(-24, 24, 2401)
    radius = np.stack([spectral_radius(name, lam, ETA, RHO) for name in SHOWN])
    edges = np.array([edge(name, ETA, RHO) for name in SHOWN])
    bands = np.array([negative_band(name, ETA, RHO) for name in SHOWN])
    return {"lam": lam, "radius": radius, "edges": edges, "bands": bands, "names": SHOWN, "eta": ETA, "rho": RHO}
