"""Second moments against enumeration of ordered batches; the alignment against a search; bounds and their controls."""

import itertools

import mpmath as mp
import numpy as np
import pytest

from samtheory.theory import linear_stability as ls

G = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
ESCAPE = np.array([[0.1, 0.01], [1.0, 0.0], [0.1, -0.01]])
ESCAPE_NORM, ESCAPE_MU = 0.1156000044**0.5, 0.0294117828
CURVATURES = [1.0, 2.0, 6.0]
UNIFORM_1D = np.sqrt(CURVATURES)[:, None]


def hessian(g):
    return np.mean([np.outer(row, row) for row in np.asarray(g, dtype=float)], axis=0)


def frobenius(g):
    return np.linalg.norm(hessian(g))


def instances(rng, n=20, most=5):
    for _ in range(n):
        samples, d = rng.integers(2, most), rng.integers(1, 4)
        g = rng.standard_normal((samples, d))
        yield g * np.exp(rng.standard_normal((samples, 1))) if rng.random() < 0.5 else g


def ordered(n, batch, replacement):
    return list(itertools.product(range(n), repeat=batch) if replacement else itertools.permutations(range(n), batch))


def second_moment(g, eta, rho, batch, mode, replacement, start):
    """E delta+ delta+' by going through every ordered batch, or pair of batches."""
    matrices = [hessian(g[list(chosen)]) for chosen in ordered(len(g), batch, replacement)]
    one, total, count = np.eye(g.shape[1]), np.zeros_like(start), 0
    pairs = {
        "sgd": [(descent, np.zeros_like(descent)) for descent in matrices],
        "two_batch": itertools.product(matrices, matrices),
        "same_batch": [(m, m) for m in matrices],
    }[mode]
    for descent, ascent in pairs:
        A = one - eta * descent @ (one + rho * ascent)
        total, count = total + A @ start @ A.T, count + 1
    return total / count


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("mode", ls.MODES)
def test_transfer_is_the_mean_over_all_batches(mode, replacement, rng):
    for g in instances(rng):
        if np.linalg.matrix_rank(g) < g.shape[1]:
            continue
        batch = int(rng.integers(1, min(3, len(g)) + 1))
        basis = ls._range_basis(g)
        start = rng.standard_normal((2, g.shape[1]))
        start = start.T @ start
        expected = second_moment(g, 0.3, 0.2, batch, mode, replacement, start)
        ours = ls.transfer(g, 0.3, 0.2, batch, mode, replacement) @ (basis.T @ start @ basis).ravel()
        ours = basis @ ours.reshape(g.shape[1], -1) @ basis.T
        np.testing.assert_allclose(ours, expected, rtol=1e-11, atol=1e-12 * np.abs(expected).max())
        for other in set(ls.MODES) - {mode}:
            if batch < len(g) or replacement:
                wrong = second_moment(g, 0.3, 0.2, batch, other, replacement, start)
                assert np.abs(wrong - expected).max() > 1e-6 * np.abs(expected).max()


def test_directions_without_curvature_do_not_count():
    """A third coordinate that no gradient has adds eigenvalues 1 to the whole operator; ours is on range(H)."""
    wide = np.column_stack([G, np.zeros(3)])
    assert ls.growth(wide, 0.1) == pytest.approx(ls.growth(G, 0.1)) and ls.growth(wide, 0.1) < 0.99
    assert ls.alignment(wide) == pytest.approx(ls.alignment(G))
    assert ls.expected_losses(wide, [1, 2, 5], 0.1, steps=3) == pytest.approx(
        ls.expected_losses(G, [1, 2], 0.1, steps=3)
    )


def test_expected_losses_are_those_of_the_enumeration(rng):
    for g in instances(rng, 8):
        delta = rng.standard_normal(g.shape[1])
        second, H = np.outer(delta, delta), hessian(g)
        expected = [np.trace(H @ second) / 2]
        for _ in range(3):
            second = second_moment(g, 0.4, 0.3, 2, "same_batch", True, second)
            expected.append(np.trace(H @ second) / 2)
        ours = ls.expected_losses(g, delta, 0.4, 0.3, 2, "same_batch", steps=3)
        np.testing.assert_allclose(ours, expected, rtol=1e-10)


# ------------------------------------------------------------------------------------ alignment


def ratio(g, delta, centred=True):
    """tr(H Sigma(delta))/(2 L |H|_F^2) by the words of the definition."""
    H = hessian(g)
    noise = np.mean([(row @ delta) ** 2 * np.outer(row, row) for row in g], axis=0)
    if centred:
        noise = noise - H @ np.outer(delta, delta) @ H
    return np.trace(H @ noise) / (delta @ H @ delta * np.sum(H * H))


@pytest.mark.parametrize("centred", [True, False])
def test_alignment_is_the_least_ratio(centred):
    angles = np.linspace(0, np.pi, 20_001)
    rng = np.random.default_rng(2)
    for g in (G, ESCAPE, *(rng.standard_normal((n, 2)) for n in (2, 3, 5))):
        least = min(ratio(g, np.array([np.cos(a), np.sin(a)]), centred) for a in angles[::20])
        near = angles[::20][np.argmin([ratio(g, np.array([np.cos(a), np.sin(a)]), centred) for a in angles[::20]])]
        fine = [ratio(g, np.array([np.cos(a), np.sin(a)]), centred) for a in near + np.linspace(-0.002, 0.002, 401)]
        assert ls.alignment(g, centred) == pytest.approx(min(least, *fine), rel=1e-5, abs=1e-12)


def test_published_alignments():
    with mp.workdps(30):  # the pencil of G in rationals
        H = mp.matrix([[2, 1], [1, 5]]) / 3
        M = mp.matrix(2, 2)
        for a, b in ((1, 0), (1, 1), (0, 2)):
            v = mp.matrix([a, b])
            M += (v.T * H * v)[0] * v * v.T / 3
        top = mp.sqrt(sum(x * x for x in H) ** 2)

        def least(matrix):
            q = H**-1 * matrix
            trace, det = q[0, 0] + q[1, 1], q[0, 0] * q[1, 1] - q[0, 1] * q[1, 0]
            return float((trace - mp.sqrt(trace**2 - 4 * det)) / 2 / top)

        assert ls.alignment(G) == pytest.approx(least(M - H**3), rel=1e-13)
        assert ls.alignment(G, centred=False) == pytest.approx(least(M), rel=1e-13)
    assert ls.alignment(G) == pytest.approx(0.19845059385, abs=2e-11)
    assert ls.alignment(G, centred=False) == pytest.approx(0.5221207650, abs=1e-10)
    assert frobenius(G) ** 2 == pytest.approx(3.4444444444)
    assert ls.alignment(ESCAPE) == pytest.approx(ESCAPE_MU, abs=1e-10)
    assert frobenius(ESCAPE) == pytest.approx(ESCAPE_NORM)
    assert ls.alignment([[2.0]]) == pytest.approx(0, abs=1e-15)  # one sample: no noise


# ------------------------------------------------------------------------------------ limits and bounds


@pytest.mark.parametrize(
    ("mode", "rho", "batch", "limit", "bound"),
    [
        ("sgd", 0.0, 1, 0.5760394922, 1.2095232094),
        ("two_batch", 0.1, 1, 0.4854838550, 1.2054104218),
        ("two_batch", 0.5, 1, 0.2601650727, 1.1177804943),
        ("same_batch", 0.1, 1, 0.4076051968, 1.2054104218),
        ("same_batch", 0.5, 1, 0.1867973206, 1.1177804943),
        ("sgd", 0.0, 2, 0.7815076586, 1.7105241267),
        ("two_batch", 0.1, 2, 0.6624446403, None),
        ("same_batch", 0.1, 2, 0.5818128737, None),
    ],
)
def test_published_limits(mode, rho, batch, limit, bound):
    assert ls.stability_limit(G, rho, batch, mode) == pytest.approx(limit, abs=1e-10)
    if bound is not None:
        assert ls.usam_step_bound(frobenius(G), ls.alignment(G), batch, rho) == pytest.approx(bound, abs=2e-10)


def test_published_limits_in_one_dimension():
    assert ls.stability_limit(UNIFORM_1D) == pytest.approx(0.4390243902)
    for rho, same, two, bound in (
        (0.05, 0.3309250178, 0.3784220228, 0.46023),
        (0.2, 0.1874455100, 0.2557423632, 0.42494),
    ):
        assert ls.stability_limit(UNIFORM_1D, rho, 1, "same_batch") == pytest.approx(same)
        assert ls.stability_limit(UNIFORM_1D, rho, 1, "two_batch") == pytest.approx(two)
        mu = ls.alignment(UNIFORM_1D)
        assert ls.usam_step_bound(3.0, mu, 1, rho) == pytest.approx(bound, abs=1e-5)
    assert ls.sgd_step_bound(3.0, ls.alignment(UNIFORM_1D), 1) == pytest.approx(0.46291, abs=1e-5)


def test_same_batch_is_not_always_the_less_stable():
    g = [[1, 0], [1, 0.5]]
    assert ls.stability_limit(g, 24, 1, "same_batch") == pytest.approx(0.0593748, abs=1e-7)
    assert ls.stability_limit(g, 24, 1, "two_batch") == pytest.approx(0.0444577, abs=1e-7)


def test_the_limit_separates_stable_from_unstable(rng):
    """The stable steps are an interval: no instance is stable above its limit, or unstable below."""
    for g in instances(rng, 25):
        for mode, rho in (("sgd", 0.0), ("two_batch", 0.7), ("same_batch", 0.7)):
            limit = ls.stability_limit(g, rho, 1, mode)
            for share in (0.1, 0.5, 0.9, 1 - 1e-9):
                assert ls.growth(g, share * limit, rho, 1, mode) <= 1 + 1e-12
            for share in (1 + 1e-6, 1.1, 3.0):
                assert ls.growth(g, share * limit, rho, 1, mode) > 1


def violations(bound, rng, centred=True, replacement=True):
    """Instances whose exact limit exceeds the bound on the step, for every mode."""
    out = 0
    for g in instances(rng, 40):
        for mode, rho in (("sgd", 0.0), ("two_batch", 0.4), ("same_batch", 0.4)):
            batch = int(rng.integers(1, 3))
            step = bound(frobenius(g), ls.alignment(g, centred), batch, rho)
            out += ls.stability_limit(g, rho, batch, mode) > step * (1 + 1e-9)
    return out


def test_stable_implies_the_bound_with_centred_noise_only():
    assert violations(ls.usam_step_bound, np.random.default_rng(6)) == 0
    assert violations(ls.usam_step_bound, np.random.default_rng(6), centred=False) > 0
    rng = np.random.default_rng(6)
    heavy = [rng.exponential(size=(2, 1)) for _ in range(300)]  # where half the batch is refused
    half = [ls.sgd_step_bound(frobenius(g), ls.alignment(g), 1) / np.sqrt(2) for g in heavy]
    broken = [ls.stability_limit(g) > step for g, step in zip(heavy, half)]
    assert sum(broken) > 5
    # one sample has no noise: stable up to 2/H, where the uncentred bound says 1/H
    assert ls.stability_limit([[1.0]]) == pytest.approx(2.0)
    assert ls.sgd_step_bound(1.0, ls.alignment([[1.0]], centred=False), 1) == pytest.approx(1.0)
    assert ls.sgd_step_bound(1.0, 0.0, 1) == np.inf


def test_the_bound_of_sgd_is_attained():
    g = [[1.0], [0.0]]
    assert ls.stability_limit(g) / ls.sgd_step_bound(frobenius(g), ls.alignment(g), 1) == pytest.approx(1, rel=1e-10)


def test_the_bound_on_the_hessian_is_that_on_the_step(rng):
    for eta, mu, rho in zip(rng.uniform(0.1, 2, 10), rng.uniform(0.1, 1, 10), rng.uniform(0, 3, 10)):
        norm = ls.usam_frobenius_bound(eta, mu, 2, rho)
        assert ls.usam_step_bound(norm, mu, 2, rho) == pytest.approx(eta, rel=1e-12)
        assert norm <= ls.usam_frobenius_bound(eta, mu, 2, 0.0) == pytest.approx(np.sqrt(2 / mu) / eta)


def test_full_batch_without_replacement_leaves_the_edge():
    """No noise: eta lam (1 + rho lam) <= 2."""
    lam = np.linalg.eigvalsh(hessian(G))[-1]
    for mode in ("two_batch", "same_batch"):
        assert ls.stability_limit(G, 0.3, 3, mode, replacement=False) == pytest.approx(2 / (lam * (1 + 0.3 * lam)))


# ------------------------------------------------------------------------------------ escape, non-uniformity, PL


def test_escape_constant_and_the_counterexample_of_one_batch():
    for rho, eta, growth, constant in ((100.0, 6.0, 1.492901210, 4.284005520), (20.0, 22.3272, 3.445, 4.0)):
        C = ls.escape_constant(eta, rho, frobenius(ESCAPE), ls.alignment(ESCAPE), 1)
        assert abs(C / constant - 1) < 1e-5
        same = ls.expected_losses(ESCAPE, [0, 1], eta, rho, 1, "same_batch")
        assert same[1] / same[0] == pytest.approx(growth, rel=1e-3) and same[1] < C * same[0]
        two = ls.expected_losses(ESCAPE, [0, 1], eta, rho, 1, "two_batch")
        assert two[1] >= C * two[0]


def test_escape_is_at_least_exponential():
    rng, failed = np.random.default_rng(4), 0
    for g in instances(rng, 60):
        for mode, rho in (("sgd", 0.0), ("two_batch", 0.5)):
            norm, mu = frobenius(g), ls.alignment(g)
            if mu < 1e-3:  # fewer samples than coordinates see no noise in some direction
                continue
            eta = 1.5 * ls.usam_step_bound(norm, mu, 1, rho)
            C = ls.escape_constant(eta, rho, norm, mu, 1)
            assert C > 1
            losses = ls.expected_losses(g, rng.standard_normal(g.shape[1]), eta, rho, 1, mode, steps=6)
            assert (losses[1:] >= C * losses[:-1] * (1 - 1e-9)).all()
            failed += (losses[1:] < 4 * C * losses[:-1]).any()
    assert failed > 10


def test_nonuniformity_factors():
    assert [ls.nonuniformity_factor(0.3, CURVATURES, B) for B in (1, 2, 3)] == pytest.approx([0.43, 0.115, 0.01])
    assert [ls.nonuniformity_factor(0.3, CURVATURES, B, 0.2) for B in (1, 2, 3)] == pytest.approx(
        [3.0656, 0.71135, 0.1936]
    )
    m, s2 = np.mean(CURVATURES), np.var(CURVATURES)
    for B in (1, 2, 3):
        formula = (1 - 0.3 * m) ** 2 + 0.3**2 * (3 - B) / (B * 2) * s2
        assert ls.nonuniformity_factor(0.3, CURVATURES, B) == pytest.approx(formula)
        for rho in (0.0, 0.2):
            operator = ls.transfer(UNIFORM_1D, 0.3, rho, B, "same_batch", replacement=False)
            assert operator.item() == pytest.approx(ls.nonuniformity_factor(0.3, CURVATURES, B, rho))


def test_nonuniformity_bound_is_sufficient(rng):
    """lam_max is the worst E|delta+|^2/|delta|^2, so that below 1 the second moment falls."""
    for g in instances(rng, 15):
        hessians = np.array([np.outer(row, row) for row in g])
        batch = int(rng.integers(1, len(g) + 1))
        bound = ls.nonuniformity_bound(0.3, hessians, batch)
        values, worst = [], np.zeros((g.shape[1],) * 2)
        for chosen in itertools.combinations(range(len(g)), batch):
            A = np.eye(g.shape[1]) - 0.3 * hessians[list(chosen)].mean(axis=0)
            values.append(A.T @ A)
        worst = np.linalg.eigvalsh(np.mean(values, axis=0))[-1]
        assert bound == pytest.approx(worst, rel=1e-10)
        if np.linalg.matrix_rank(g) == g.shape[1]:
            assert ls.growth(g, 0.3, 0.0, batch, replacement=False) <= bound * (1 + 1e-9)


def worst_of(rate, step, factor_of):
    """max of (measured factor)/(rate) over random singular quadratics, at steps up to the limit."""
    rng, worst = np.random.default_rng(1), 0.0
    for _ in range(2000):
        beta, m = 1.0, 10 ** rng.uniform(-2, 0)
        lam = np.append(rng.uniform(m, beta, 3), [m, beta, 0.0])
        rho = rng.uniform(0, 0.99)
        eta = step(rho, beta) * rng.choice([0.3, 1.0])
        x = rng.standard_normal(6) * 10 ** rng.uniform(-3, 0, 6)
        x[3 + rng.integers(0, 2)] *= 100
        after = factor_of(x, eta, rho, lam)
        worst = max(worst, np.sum(lam * after**2) / np.sum(lam * x**2) / rate(eta, rho, beta, m))
    return worst


def usam_step(x, eta, rho, lam):
    return x - eta * lam * (x + rho * lam * x)


def test_usam_rate_under_pl():
    assert 0.9 < worst_of(ls.usam_pl_rate, ls.usam_pl_step, usam_step) <= 1 + 1e-12
    assert worst_of(lambda eta, rho, beta, m: 1 - eta * 5 * m * (1 - beta * rho), ls.usam_pl_step, usam_step) > 1 + 1e-3
    assert worst_of(ls.usam_pl_rate, lambda rho, beta: 2.5 / (beta * (1 + beta * rho)), usam_step) > 1.1


def test_stochastic_rate_under_pl():
    rng, worst, control = np.random.default_rng(3), 0.0, 0.0
    for _ in range(1000):
        n, d = rng.integers(1, 4), rng.integers(1, 4)
        g = rng.standard_normal((n, d))
        g /= np.linalg.norm(g, axis=1).max()
        beta, m = 1.0, np.linalg.eigvalsh(hessian(g))
        m = min(float(m[m > 1e-12][0]), beta)
        rho, eta = rng.uniform(0, 2 * np.sqrt(m)), 10 ** rng.uniform(-2, 0)
        losses = ls.expected_losses(g, rng.standard_normal(d), eta, rho, 1, "same_batch")
        rate = ls.stochastic_usam_pl_rate(eta, rho, beta, m)
        worst = max(worst, losses[1] / losses[0] / rate)
        control = max(control, losses[1] / losses[0] / max(1 - 5 * 2 * eta * m, 1e-9))
    assert 0.95 < worst <= 1 + 1e-12 < control


def test_ranges():
    for refused in (
        lambda: ls.sgd_step_bound(0.0, 0.1, 1),
        lambda: ls.usam_step_bound(1.0, 0.1, 0.5, 0.1),
        lambda: ls.usam_step_bound(1.0, -0.1, 1, 0.1),
        lambda: ls.usam_frobenius_bound(0.1, 0.0, 1, 0.1),
        lambda: ls.escape_constant(0.0, 0.1, 1.0, 0.1, 1),
        lambda: ls.usam_pl_rate(0.1, 1.0, 1.0, 0.5),
        lambda: ls.usam_pl_rate(0.1, 0.1, 1.0, 1.5),
        lambda: ls.transfer(G, -0.1),
    ):
        with pytest.raises(ValueError, match="outside"):
            refused()
    with pytest.raises(ValueError, match="batch = 4"):
        ls.growth(G, 0.1, batch=4, replacement=False)
    with pytest.raises(ValueError, match="mode = 'both'"):
        ls.growth(G, 0.1, mode="both")
    with pytest.raises(ValueError, match="not all zero"):
        ls.alignment(np.zeros((2, 2)))
