"""Quadratic regression: the closed map against steps in parameter space, averages against draws of Q."""

import numpy as np
import pytest
import sympy as sp

from samtheory.theory import regression as reg

D, P, RHO, V = 3, 4, 0.3, 0.25


def goe(rng, n, D=D, P=P, variance=V):
    A = rng.standard_normal((n, D, P, P))
    return (A + A.swapaxes(-1, -2)) / np.sqrt(2) * np.sqrt(variance)


def gradient(theta, y, G, Q):
    """J' z at theta, by the definition."""
    z = y + G @ theta + 0.5 * np.einsum("i,aij,j->a", theta, Q, theta)
    return (G + Q @ theta).T @ z


@pytest.mark.parametrize("normalised", [False, True])
def test_the_step_closes_in_residuals_and_jacobian(normalised, rng):
    for _ in range(20):
        y, G, Q, theta = rng.standard_normal(D), rng.standard_normal((D, P)), goe(rng, 1)[0], rng.standard_normal(P)

        def read(theta, y=y, G=G, Q=Q):
            return y + G @ theta + 0.5 * np.einsum("i,aij,j->a", theta, Q, theta), G + Q @ theta

        g = gradient(theta, y, G, Q)
        up = theta + RHO * (g / np.linalg.norm(g) if normalised else 0.1 * g)
        after = read(theta - 0.05 * gradient(up, y, G, Q))
        ours = reg.zj_step(*read(theta), Q, 0.05, RHO if normalised else 0.1 * RHO, normalised)
        for one, two in zip(ours, after):
            np.testing.assert_allclose(one, two, rtol=1e-11, atol=1e-11)
        other = reg.zj_step(*read(theta), Q, 0.05, RHO, not normalised)
        assert np.abs(other[0] - after[0]).max() > 1e-6


def test_uv_map_symbolically(verify, rng):
    u, v, a, r = sp.symbols("u v a r", real=True)

    def grad(x, y):
        return (x * y - 1) * y, (x * y - 1) * x

    gu, gv = grad(u, v)
    hu, hv = grad(u + r * gu, v + r * gv)
    after = (u - a * hu) * (v - a * hv) - 1, (u - a * hu) ** 2 + (v - a * hv) ** 2
    reference = sp.lambdify((u, v, a, r), after)

    def ours(step):
        return lambda u, v, a, r: np.array(step(u * v - 1, u * u + v * v, a, r))

    def without_square(z, lam, eta, rho):
        w = z + 1
        slope = w + rho * z * lam - 1
        return w - eta * slope * (lam + 2 * rho * z * w), lam - 2 * eta * slope * (2 * w + rho * z * lam)

    verify(
        ours(reg.uv_step),
        lambda *case: np.array(reference(*case)),
        [(*rng.uniform(0.3, 2, 2), *rng.uniform(0.01, 0.5, 2)) for _ in range(20)],
        rtol=1e-9,
        without_square=ours(without_square),
        half_radius=ours(lambda z, lam, a, r: reg.uv_step(z, lam, a, r / 2)),
    )
    z, lam = -0.25, 2.5
    for numbers in ((-0.1586444379, 2.6058897996), (-0.0968228530, 2.6842913730), (-0.0573023276, 2.7369602312)):
        z, lam = reg.uv_step(z, lam, 0.1, 0.2)
        assert (z, lam) == pytest.approx(numbers, abs=1e-10)


def test_the_map_of_the_product_is_the_one_of_two_parameters():
    z, J, Q = np.array([-0.25]), np.array([[0.5, 1.5]]), np.array([[[0.0, 1.0], [1.0, 0.0]]])
    after, J = reg.zj_step(z, J, Q, 0.1, 0.2)
    assert (after[0], np.sum(J * J)) == pytest.approx(reg.uv_step(-0.25, 2.5, 0.1, 0.2), rel=1e-13)


# ------------------------------------------------------------------------------------ averages over Q


def drift_draws(z, J, rho, rng, n, batch=None):
    """dJ/dt = -Q g for n draws of Q (and of the batch), [n, D, P], from the two gradients themselves."""
    Q = goe(rng, n, *J.shape)
    mask = np.ones((n, len(z)))
    if batch is not None:
        mask = (np.argsort(rng.random((n, len(z))), axis=1) < batch).astype(float)
    e = rho * (mask * z) @ J
    Qe = np.einsum("naij,nj->nai", Q, e)
    up = mask * (z + e @ J.T + 0.5 * np.einsum("nai,ni->na", Qe, e))
    g = np.einsum("nai,na->ni", J + Qe, up)
    return -np.einsum("naij,nj->nai", Q, g)


def z_score(draws, mean):
    return np.abs((draws.mean(0) - mean) / (draws.std(0) / np.sqrt(len(draws)))).max()


STATE = np.random.default_rng(12)
Z, J0 = STATE.standard_normal(D), STATE.standard_normal((D, P)) / 2


def test_mean_drift_of_the_jacobian():
    draws = drift_draws(Z, J0, RHO, np.random.default_rng(5), 150_000)
    mean, u = reg.jacobian_drift(Z, J0, RHO, V), J0.T @ Z
    assert z_score(draws, mean) < 4.5
    plain = -RHO * V * (P * np.outer(Z, u) + RHO * P * np.outer(J0 @ u, u))
    leading = -RHO * V * (P + 1) * np.outer(Z, u)
    assert z_score(draws, plain) > 10 and z_score(draws, leading) > 10


def test_published_drift():
    z, J = [1.0, 2.0], [[1.0, 0.0, 0.0], [0.0, 0.5, 0.0]]
    np.testing.assert_allclose(reg.jacobian_drift(z, J, 0.3, 1 / 3), [[-0.55, -0.55, 0], [-0.875, -0.875, 0]])
    np.testing.assert_allclose(reg.singular_value_drift(z, J, 0.3, 1 / 3), [-0.55, -0.875])


def test_singular_values_follow_their_jacobian(rng):
    """d sigma_k = w_k' dJ v_k: differences of the singular values along the mean drift."""
    for _ in range(10):
        z, J = rng.standard_normal(D), rng.standard_normal((D, P))
        drift, small = reg.jacobian_drift(z, J, RHO, V), 1e-6
        up, down = (np.linalg.svd(J + s * small * drift, compute_uv=False) for s in (1, -1))
        ours = reg.singular_value_drift(z, J, RHO, V)
        np.testing.assert_allclose(ours, (up - down) / (2 * small), rtol=1e-5, atol=1e-6)
        assert (ours <= 0).all()


def test_mean_drift_on_batches():
    draws = drift_draws(Z, J0, RHO, np.random.default_rng(6), 150_000, batch=2)
    mean = reg.batch_jacobian_drift(Z, J0, RHO, V, 2)

    assert z_score(draws, mean) < 4.5
    assert z_score(draws, (2 / 3) ** 2 * reg.jacobian_drift(Z, J0, RHO, V)) > 10
    np.testing.assert_allclose(reg.batch_jacobian_drift(Z, J0, RHO, V, D), reg.jacobian_drift(Z, J0, RHO, V))


def test_trace_growth():
    rng, eta = np.random.default_rng(7), 0.1
    Q, u = goe(rng, 150_000), J0.T @ Z
    after = J0 - eta * np.einsum("naij,j->nai", Q, u)
    growth = (after**2).sum((1, 2)) - np.sum(J0**2)
    assert z_score(growth[:, None], reg.trace_growth(Z, J0, eta, V)) < 4.5
    assert z_score(growth[:, None], eta**2 * V * P * D * np.sum(u**2)) > 10


def test_refusals():
    with pytest.raises(ValueError, match="more than the 3 outputs"):
        reg.batch_jacobian_drift(Z, J0, RHO, V, 4)
    for refused in (
        lambda: reg.jacobian_drift(Z, J0, -0.1, V),
        lambda: reg.trace_growth(Z, J0, 0.0, V),
        lambda: reg.zj_step(Z, J0, np.zeros((D, P, P)), 0.0, 0.1),
    ):
        with pytest.raises(ValueError, match="outside"):
            refused()
