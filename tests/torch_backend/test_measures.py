"""Hessian measures against the whole matrix, another library and closed forms."""

import math

import numpy as np
import pytest

pytest.importorskip("torch.optim")  # not "torch": a folder of that name on the path would pass for PyTorch

import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from samtheory.theory.edges import sam_edge
from samtheory.torch import module_loss
from samtheory.torch.measures import Hessian, edge, eigenvalues, noise_trace, sam_sharpness, trace

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")  # inside torch.func.hessian
X = torch.randn(15, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
Y = torch.arange(15) % 3


def network(*middle):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 7), *middle, nn.Tanh(), nn.Linear(7, 3)).double()


NETWORKS = {
    "tanh": lambda: network(),
    "batch norm, training": lambda: network(nn.BatchNorm1d(7)),
    "batch norm, evaluation": lambda: network(nn.BatchNorm1d(7).eval()),
    "layer norm": lambda: network(nn.LayerNorm(7)),
}


def exact(net):
    """The matrix by torch.func, forward over reverse."""
    params = {n: p.detach() for n, p in net.named_parameters()}
    blocks = torch.func.hessian(module_loss(net, cross_entropy))(params, X, Y)
    rows = [torch.cat([blocks[a][b].reshape(params[a].numel(), -1) for b in params], 1) for a in params]
    return torch.cat(rows)


class Matrix:
    """Anything with dim, dtype, device and @ will do."""

    device = torch.device("cpu")

    def __init__(self, matrix):
        self.matrix, self.dim, self.dtype = matrix, len(matrix), matrix.dtype

    def __matmul__(self, v):
        return self.matrix @ v


def differences(net):
    """The matrix by differences of gradients: Hessians of torch.func are wrong for normalisation layers
    (pytorch/pytorch issues 196699 and 196700)."""
    params, flat, columns = list(net.parameters()), nn.utils.parameters_to_vector(net.parameters()).detach(), []
    for e in torch.eye(len(flat), dtype=torch.float64):
        ends = []
        for h in (1e-5, -1e-5):
            nn.utils.vector_to_parameters(flat + h * e, params)
            ends.append(nn.utils.parameters_to_vector(torch.autograd.grad(cross_entropy(net(X), Y), params)))
        columns.append((ends[0] - ends[1]) / 2e-5)
    nn.utils.vector_to_parameters(flat, params)
    return torch.stack(columns, 1)


@pytest.mark.parametrize("name", NETWORKS)
def test_products_are_those_of_the_whole_matrix(name):
    net = NETWORKS[name]()
    state = {key: value.clone() for key, value in net.state_dict().items()}
    h = Hessian.of(net, cross_entropy, X, Y)
    assert all(torch.equal(state[key], value) for key, value in net.state_dict().items())
    expected, error = (exact(net), 1e-13) if name == "tanh" else (differences(net), 1e-6)
    torch.testing.assert_close(h.dense(), expected, rtol=0, atol=error)
    grads = torch.autograd.grad(cross_entropy(net(X), Y), list(net.parameters()))
    torch.testing.assert_close(h.gradient, torch.cat([g.reshape(-1) for g in grads]), rtol=0, atol=1e-15)


def test_chunks_and_later_training_change_nothing():
    net = network()
    h, parts = Hessian.of(net, cross_entropy, X, Y), Hessian.of(net, cross_entropy, X, Y, chunk=4)
    torch.testing.assert_close(parts.dense(), h.dense(), rtol=0, atol=1e-15)
    torch.testing.assert_close(parts.gradient, h.gradient, rtol=0, atol=1e-15)
    assert abs(parts.loss - h.loss) < 1e-15 and parts.products == parts.dim
    before = h.dense()
    with torch.no_grad():
        net[0].weight.zero_()
    assert torch.equal(h.dense(), before)


@pytest.mark.parametrize("which, end", [("largest", [-1, -2, -3]), ("smallest", [0, 1, 2]), ("magnitude", None)])
def test_eigenvalues_of_a_network(which, end):
    net = network()
    matrix = exact(net)
    lam = torch.linalg.eigvalsh(matrix).numpy()
    expected = lam[end] if end else lam[np.argsort(-np.abs(lam))[:3]]
    h = Hessian.of(net, cross_entropy, X, Y)
    for k in (1, 3):
        found = eigenvalues(h, k, which=which, tol=1e-10)
        assert found.converged and found.products < h.dim
        np.testing.assert_allclose(found.values, expected[:k], rtol=0, atol=1e-9 * np.abs(lam).max())
        residual = matrix @ found.vectors - found.vectors * torch.tensor(found.values)
        np.testing.assert_allclose(residual.norm(dim=0), found.bounds, rtol=1e-3, atol=1e-14)
        gram = found.vectors.T @ found.vectors
        torch.testing.assert_close(gram, torch.eye(k, dtype=torch.float64), rtol=0, atol=1e-13)


def test_bounds_hold_before_convergence_and_multiplicities_are_found():
    generator = torch.Generator().manual_seed(3)
    q = torch.linalg.qr(torch.randn(60, 60, dtype=torch.float64, generator=generator)).Q
    lam = torch.cat([torch.tensor([5.0, 5.0, 5.0, 4.9]), torch.linspace(-3, 4, 56)]).double()
    h = Matrix(q * lam @ q.T)
    for budget in (3, 6, 9, 20, 40):
        found = eigenvalues(h, 3, max_products=budget, tol=1e-14)
        assert found.products <= budget
        for value, bound in zip(found.values, found.bounds):
            assert (lam - value).abs().min() <= bound + 1e-13
    assert not eigenvalues(h, 3, max_products=6).converged
    np.testing.assert_allclose(eigenvalues(h, 3, tol=1e-9).values, [5, 5, 5], atol=1e-9)
    np.testing.assert_allclose(eigenvalues(h, 60).values, lam.sort(descending=True).values, atol=1e-12)
    low_rank = Matrix(torch.diag(torch.tensor([2.0, -1.0, 0.0, 0.0, 0.0])).double())  # the Krylov space ends early
    np.testing.assert_allclose(eigenvalues(low_rank, 1, which="magnitude", tol=1e-13).values, [2], atol=1e-12)
    for dim in (4, 30):  # blocks that lose rank are filled up at random
        one = Matrix(torch.outer(q[:dim, 0], q[:dim, 0]) / q[:dim, 0].square().sum())
        found = eigenvalues(one, 3, tol=1e-10)
        np.testing.assert_allclose(found.values, [1, 0, 0], atol=1e-12)
        assert found.converged
    np.testing.assert_allclose(eigenvalues(Matrix(torch.zeros(4, 4))).values, [0])
    np.testing.assert_allclose(eigenvalues(Matrix((q * lam @ q.T).float()), 1, tol=1e-4).values, [5], rtol=1e-4)


def test_trace_is_exact_or_inside_its_interval():
    net = network()
    h = Hessian.of(net, cross_entropy, X, Y)
    true = torch.trace(exact(net)).item()
    whole = trace(h, h.dim)
    assert abs(whole.estimate - true) < 1e-12 and whole.half_width == 0
    runs = [trace(h, 36, seed=seed) for seed in range(100)]  # 1 % each: more than 6 misses in 100 have p < 1e-4
    assert sum(not run.low <= true <= run.high for run in runs) <= 6
    assert abs(np.mean([run.estimate for run in runs]) - true) < 5 * np.std([run.estimate for run in runs]) / 100**0.5
    rank_one = Matrix(torch.outer(torch.arange(30.0), torch.arange(30.0)).double())
    assert abs(trace(rank_one, 12).estimate - 8555) < 1e-8  # inside the sketch: nothing is left to chance


def test_sharpness_on_a_quadratic_is_the_maximum_over_the_ball():
    a = torch.tensor([[4.0, 1.0], [1.0, 1.0]], dtype=torch.float64)
    h = Hessian(lambda w: w @ a @ w / 2, torch.tensor([1.0, -0.5], dtype=torch.float64))
    one, eps = sam_sharpness(h, 0.3)
    g = h.gradient
    assert abs(one - (0.3 * g.norm() + 0.045 * g @ a @ g / (g @ g))) < 1e-14
    torch.testing.assert_close(eps, 0.3 * g / g.norm())
    angle = torch.linspace(0, 2 * math.pi, 100_001, dtype=torch.float64)
    circle = 0.3 * torch.stack([angle.cos(), angle.sin()], 1)
    best = (circle @ g + (circle @ a * circle).sum(1) / 2).max().item()
    many, eps = sam_sharpness(h, 0.3, ascents=50)
    assert one < many <= best + 1e-9 and best - many < 1e-9
    assert eps.norm() <= 0.3 * (1 + 1e-15)
    bumpy = Hessian(lambda w: torch.sin(9 * w[0]) * torch.cos(7 * w[1]), torch.tensor([0.3, 0.1], dtype=torch.float64))
    values = [sam_sharpness(bumpy, 0.5, ascents=n)[0] for n in range(6)]
    assert values == sorted(values)  # a further ascent is kept only if the loss rises
    still = Hessian(lambda w: w @ a @ w / 2, torch.zeros(2, dtype=torch.float64))
    assert sam_sharpness(still, 0.3, ascents=3)[0] == 0


def test_edge_of_a_network():
    net = network()
    result = edge(Hessian.of(net, cross_entropy, X, Y), eta=0.1, rho=0.2, tol=1e-10)
    size = sum(g.square().sum() for g in torch.autograd.grad(cross_entropy(net(X), Y), list(net.parameters()))) ** 0.5
    assert abs(result.lam_max - torch.linalg.eigvalsh(exact(net))[-1]) < 1e-9
    assert result.grad_norm == pytest.approx(size.item(), rel=1e-14)
    assert result.edge == pytest.approx(float(sam_edge(0.1, 0.2, size.item())), rel=1e-13)
    assert result.ratio == result.lam_max / result.edge


def test_edge_equals_the_curvature_on_the_two_cycle():
    """On the 2-cycle of a quadratic's top mode, amplitude eta lam rho/(2 - eta lam), edge = lam (Long, Bartlett)."""
    eta, rho, lam = 0.3, 0.2, 2.5
    x = eta * lam * rho / (2 - eta * lam)
    h = Hessian(lambda w: (lam * w[0] ** 2 + 0.1 * w[1] ** 2) / 2, torch.tensor([x, 0.0], dtype=torch.float64))
    assert edge(h, eta, rho).ratio == pytest.approx(1, abs=1e-12)


def test_another_library_agrees():
    curvlinops = pytest.importorskip("curvlinops")
    net = network()
    operator = curvlinops.HessianLinearOperator(net, nn.CrossEntropyLoss(), list(net.parameters()), [(X, Y)])
    v = torch.randn(operator.shape[0], dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(Hessian.of(net, cross_entropy, X, Y) @ v, operator @ v, rtol=0, atol=1e-13)


def test_trace_of_the_gradient_noise():
    net = network()
    loss, params = module_loss(net, cross_entropy), dict(net.named_parameters())
    rows = [
        torch.autograd.grad(cross_entropy(net(x), y), list(net.parameters())) for x, y in zip(X.split(1), Y.split(1))
    ]
    rows = torch.stack([torch.cat([g.reshape(-1) for g in row]) for row in rows])
    for chunk in (None, 4):
        spread, size = noise_trace(loss, params, X, Y, chunk=chunk)
        assert spread == pytest.approx(torch.cov(rows.T, correction=0).trace().item(), rel=1e-12)
        assert size == pytest.approx(rows.mean(0).square().sum().item(), rel=1e-12)


def test_linear_and_partly_linear_losses():
    w = torch.ones(3, dtype=torch.float64)
    assert torch.equal(Hessian(lambda w: w.sum(), w).dense(), torch.zeros(3, 3, dtype=torch.float64))
    h = Hessian(lambda p: p["a"].square().sum() + p["b"].sum(), {"a": w[:2], "b": w[2:]})
    assert torch.equal(h.dense(), torch.diag(torch.tensor([2.0, 2.0, 0.0])).double())


@pytest.mark.parametrize(
    "run, message",
    [
        (lambda h: eigenvalues(h, 0), "k = 0"),
        (lambda h: eigenvalues(h, h.dim + 1), "k = "),
        (lambda h: eigenvalues(h, which="top"), "which = 'top'"),
        (lambda h: eigenvalues(h, 5, max_products=4), "at least as many products"),
        (lambda h: trace(h, 5), "products = 5"),
        (lambda h: sam_sharpness(h, -1), "rho = -1"),
        (lambda h: edge(h, 0, 0.1), "eta = 0"),
        (lambda h: h @ torch.zeros(3), "v has shape"),
        (lambda h: Hessian.of(network(), mse_loss, X, X[:, :3], chunk=0), "chunk = 0"),
    ],
)
def test_bad_input(run, message):
    with pytest.raises(ValueError, match=message):
        run(Hessian.of(network(), cross_entropy, X, Y))


def test_a_hessian_that_is_not_finite_and_a_wrong_level_are_named():
    broken = Hessian(lambda w: w.square().sum() * torch.nan, torch.ones(3))
    with pytest.raises(FloatingPointError, match="products with the Hessian are not finite"):
        eigenvalues(broken)
    with pytest.raises(ValueError, match="false_alarm = 7"):
        trace(Hessian(lambda w: w.square().sum(), torch.ones(3)), false_alarm=7)
