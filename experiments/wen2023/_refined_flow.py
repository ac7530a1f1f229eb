"""Data of the refined flow: a product's imbalance at several step sizes, and errors of both flows against eta."""

import numpy as np

from samtheory.evaluate import hessian
from samtheory.flows.cycle import last_two
from samtheory.flows.gradient import project
from samtheory.flows.manifold import manifold_flow, refined_top, top_eigenvalue
from samtheory.problems.interpolating import interpolating
from samtheory.problems.products import Products
from samtheory.rules.sam import SAM
from samtheory.simulate import simulate

PAIR, START, TIME = Products([1.0]), np.array([2.0, 0.3]), 1.0
SHOWN, RATIO = (0.24, 0.12, 0.04), 0.25
ETAS, LAST = 0.1 * 2.0 ** -np.arange(0, 4.1, 0.5), 1.0


def imbalance(x):
    return x[..., 0] ** 2 - x[..., 1] ** 2


def data():
    phi = project(PAIR, START).point
    tau = np.linspace(0, TIME, 201)
    seen, refined = [], []
    for eta in SHOWN:
        rho = RATIO * eta
        steps = int(TIME / (eta * rho**2))
        run = simulate(PAIR, SAM(eta, rho), START, steps, every=max(1, steps // 400), threads=1)
        seen.append(np.interp(tau, eta * rho**2 * run.t, imbalance(run.states)))
        refined.append(imbalance(manifold_flow(PAIR, phi, tau, refined_top(eta))))
    problem, start = interpolating("regression", np.random.default_rng(3))
    origin = project(problem, start).point
    X = manifold_flow(problem, origin, [0, LAST], top_eigenvalue)[-1]
    errors = {"plain": [], "refined": [], "from phase II": []}
    for eta in ETAS:
        rho = eta
        steps, settle = int(np.ceil(LAST / (eta * rho**2))), 100 + int(4 / eta)
        early = last_two(problem, eta, rho, start, settle)
        end = last_two(problem, eta, rho, early[0], steps - settle).mean(axis=0)
        middle = project(problem, early.mean(axis=0)).point
        errors["plain"].append(np.linalg.norm(end - X))
        errors["refined"].append(np.linalg.norm(end - manifold_flow(problem, origin, [0, LAST], refined_top(eta))[-1]))
        left = [0, eta * rho**2 * (steps - settle)]
        from_there = manifold_flow(problem, middle, left, refined_top(eta))[-1]
        errors["from phase II"].append(np.linalg.norm(project(problem, end).point - from_there))
    lam = np.linalg.eigvalsh(hessian(problem, origin))[-1]
    return {
        "tau": tau, "shown": SHOWN, "seen": seen, "refined": refined, "start": imbalance(phi),
        "etas": ETAS, "lam": lam, **{f"error {name}": value for name, value in errors.items()},
    }  # fmt: skip
