"""Data of the repulsion picture: |x| of DNSAM and USAM after 4/(eta lam) steps on a parabola; DNSAM after two steps."""

import numpy as np

from samtheory.oracles import GaussianNoise
from samtheory.problems.quadratic import Diagonal
from samtheory.rules.dnsam import DNSAM
from samtheory.rules.usam import USAM
from samtheory.sde.moments import discrete_stationary, dnsam_density, usam
from samtheory.simulate import simulate

LAM, RHO, ETA, S = 1.0, 0.1, 0.01, 1.0


def survival(dim, runs=2**20):
    """P(|x_2| > u) after two steps from |x_0| = 2 rho, for u where at least 30 runs are beyond."""
    start = np.zeros(dim)
    start[0] = 0.2
    noise = GaussianNoise(Diagonal(np.ones(dim), 0 * start), 0.1)
    out = []
    for rule in (DNSAM(0.6, RHO), USAM(0.6, RHO)):
        x = np.linalg.norm(simulate(noise, rule, start, 2, members=runs, seed=dim, every=2).x, axis=1)
        u = np.geomspace(0.02, 100, 120)
        p = (x[:, None] > u).mean(axis=0) if runs < 2**15 else np.array([(x > one).mean() for one in u])
        out.append(np.where(p * runs >= 30, p, np.nan))
    return u, *out


def data():
    line = GaussianNoise(Diagonal([LAM], [0.0]), S)
    steps = round(4 / (ETA * LAM))
    x = {
        rule.__name__: simulate(line, rule(ETA, RHO), [0.1], steps, members=2**17, seed=0, every=steps).x[:, 0]
        for rule in (DNSAM, USAM)
    }
    edges = np.linspace(-0.8, 0.8, 129)
    grid = np.linspace(-0.8, 0.8, 801)
    out = {f"hist {name}": np.histogram(values, edges)[0] / values.size / np.diff(edges) for name, values in x.items()}
    for dim in (1, 2, 3):
        out["u"], out[f"DNSAM {dim}"], out[f"USAM {dim}"] = survival(dim)
    variance = discrete_stationary(usam([[LAM]], [[S**2]], RHO), ETA)[0, 0]
    return {
        **out,
        "edges": edges,
        "grid": grid,
        "density": dnsam_density(grid, LAM, RHO, ETA, S),
        "gauss": np.exp(-(grid**2) / 2 / variance) / np.sqrt(2 * np.pi * variance),
        "mode": (RHO * ETA * S**2 / LAM) ** (1 / 3),
    }
