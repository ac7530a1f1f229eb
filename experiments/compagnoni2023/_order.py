"""Data of the order plot: exact errors of mean and covariance on a quadratic, and sampled ones on the cosine bowl."""

import numpy as np

from samtheory.problems.cosine_bowl import CosineBowl
from samtheory.rules.sam import SAM
from samtheory.sde.additive import AdditiveSDE
from samtheory.sde.core import CoupledNoise, integrate
from samtheory.sde.moments import diffusion_law, discrete_law, sgd, usam
from samtheory.sde.order import paired_difference
from samtheory.sde.pushes import GaussianSAMPush, NoPush
from samtheory.sde.schemes import DriftHeun
from samtheory.simulate import simulate

H, SIGMA = [[2, 0.5], [0.5, 1]], [[1, 0.3], [0.3, 0.5]]
START, T, C = (1.0, -0.5), 1.0, 0.5
PATHS = (12_800, 12_800, 6_400, 2_560, 1_280)


def sampled():
    """Error of the mean of SAM on x^2/2 + 1 - cos x against its own equation and SGD's, with standard errors."""
    bowl, one, rows = CosineBowl(1.0, 1.0), np.eye(1), []
    etas = 2.0 ** -np.arange(3, 8)
    for seed, (eta, paths) in enumerate(zip(etas, PATHS)):
        rho, k = C * np.sqrt(eta), round(1 / eta)
        signs = (1.0, -1.0)
        x = [
            simulate(CoupledNoise(bowl, one, 4, s), SAM(eta, rho), [1.5], k, members=paths, seed=seed, every=k).x
            for s in signs
        ]
        row = []
        for push in (GaussianSAMPush(1.0), NoPush()):
            model = AdditiveSDE(bowl, one, eta, rho, push)
            y = [
                integrate(model, DriftHeun(), [1.5], 1.0, 4 * k, paths=paths, seed=seed, sign=s, every=4 * k).x
                for s in signs
            ]
            gap = paired_difference(x[0], y[0], (x[1], y[1]))
            row += [abs(gap.estimate.item()), gap.standard_error.item()]
        rows.append(row)
    return etas, np.array(rows)


def data():
    etas = 2.0 ** -np.arange(3, 13)
    mean, cov = {"USAM's": [], "SGD's": []}, {"full": [], "truncated": [], "plain": [], "none": []}
    for eta in etas:
        rho = C * np.sqrt(eta)
        law = discrete_law(usam(H, SIGMA, rho), eta, START, round(T / eta))
        for name, model in (("USAM's", usam(H, SIGMA, rho)), ("SGD's", sgd(H, SIGMA))):
            mean[name].append(np.linalg.norm(diffusion_law(model, eta, START, T).mean - law.mean))
        for name, errors in cov.items():
            other = diffusion_law(usam(H, SIGMA, rho, diffusion=name), eta, START, T).cov
            errors.append(np.linalg.norm(other - law.cov) / eta)
    sam_etas, sam = sampled()
    return {
        "etas": etas,
        **{f"mean {name}": values for name, values in mean.items()},
        **{f"cov {name}": values for name, values in cov.items()},
        "sam_etas": sam_etas,
        "sam": sam,
    }
