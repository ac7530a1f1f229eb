"""Curvature of a network's loss by Hessian-vector products: extreme eigenvalues, trace, SAM's sharpness and edge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from samtheory.sde.order import Interval, mean_interval
from samtheory.theory.edges import sam_edge
from samtheory.torch.gradient import Parameters, module_loss, per_sample_gradients, structure
from samtheory.torch.layout import Layout
from samtheory.torch.rules import mean
from samtheory.validate import between, count, nonnegative, positive


class Hessian:
    """The Hessian of loss_fn(params, *batch) at `params`, through products with vectors (double backward).

    loss_fn   as in `sam_gradient`: the mean loss of the batch, or per-sample losses
    params    a tensor, a sequence of tensors or a mapping; copied, so later training does not change this object
    chunk     samples that go through at a time (default: the whole batch, whose graph is then kept: fastest)

    dim, dtype, device   of the flat vectors [dim]
    point                params as a flat vector
    loss, gradient       at params: 0-dim and [dim]
    products             Hessian-vector products taken so far

    Two reverse passes, not torch.func, whose second derivatives of normalisation layers are wrong (pytorch/pytorch
    issues 196699, 196700).  Of a network with kinks (ReLU) it is the Hessian of the active piece.
    """

    def __init__(
        self,
        loss_fn: Callable[..., Tensor],
        params: Parameters,
        batch: Tensor | Sequence[Tensor] = (),
        *,
        chunk: int | None = None,
    ):
        tensors, self._rebuild = structure(params)
        self._layout = Layout(tensors)
        self._loss_fn = loss_fn
        self.dim, self.dtype, self.device = self._layout.dim, self._layout.dtype, self._layout.device
        batch = (batch,) if isinstance(batch, Tensor) else tuple(batch)
        self._chunks = _chunks(batch, chunk)
        self.point = self._layout.flatten([tensor.detach() for tensor in tensors])
        self.products = 0
        self.loss, self.gradient = self.value_and_gradient(self.point)
        self._kept = self._slope(self.point, *self._chunks[0][1]) if len(self._chunks) == 1 else None

    @classmethod
    def of(
        cls, model: nn.Module, criterion: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor, **options: Any
    ) -> Hessian:
        """Of criterion(model(x), y) with respect to the model's trainable parameters; running statistics stay."""
        return cls(
            module_loss(model, criterion),
            {n: p for n, p in model.named_parameters() if p.requires_grad},
            (x, y),
            **options,
        )

    def _slope(self, w: Tensor, *batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(w as a leaf, loss, gradient with its graph) on one chunk."""
        with torch.enable_grad():
            leaf = w.detach().requires_grad_()
            loss = mean(self._loss_fn(self._rebuild(self._layout.unflatten(leaf)), *batch))
            (g,) = torch.autograd.grad(loss, leaf, create_graph=True, materialize_grads=True)
        return leaf, loss, g

    def value_and_gradient(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """Loss and gradient at any flat w, on the same batch."""
        loss, gradient = 0.0, torch.zeros_like(w)
        for weight, chunk in self._chunks:
            _, part, g = self._slope(w, *chunk)
            loss, gradient = loss + weight * part.detach(), gradient + weight * g.detach()
        return loss, gradient

    def __matmul__(self, v: Tensor) -> Tensor:
        """H v for v [dim] or, column by column, [dim, k]."""
        if v.shape[0] != self.dim or v.ndim > 2:
            raise ValueError(f"v has shape {tuple(v.shape)}; it must be ({self.dim},) or ({self.dim}, k)")
        if v.ndim == 2:
            return torch.stack([self @ column for column in v.T], dim=1)
        self.products += 1
        v, out = v.to(self.device, self.dtype), torch.zeros(self.dim, dtype=self.dtype, device=self.device)
        for weight, chunk in self._chunks:
            leaf, _, g = self._kept or self._slope(self.point, *chunk)
            if g.requires_grad:  # a loss linear in w has no second derivative to ask for
                (part,) = torch.autograd.grad(g, leaf, v, retain_graph=self._kept is not None, materialize_grads=True)
                out += weight * part
        return out

    def dense(self) -> Tensor:
        """The whole matrix [dim, dim], from dim products, symmetrised; for small networks."""
        h = self @ torch.eye(self.dim, dtype=self.dtype, device=self.device)
        return (h + h.T) / 2


def _chunks(batch: tuple[Tensor, ...], chunk: int | None) -> list[tuple[float, tuple[Tensor, ...]]]:
    """(share of the samples, tensors) of every chunk."""
    if chunk is None or not batch:
        return [(1.0, batch)]
    n, chunk = len(batch[0]), count(1)("chunk", chunk)
    parts = zip(*(tensor.split(chunk) for tensor in batch))
    return [(len(part[0]) / n, part) for part in parts]


# ------------------------------------------------------------------------------------ eigenvalues


class Eigenpairs(NamedTuple):
    """Ritz pairs, the wanted end of the spectrum first.

    values     [k]
    vectors    [dim, k], orthonormal
    bounds     [k], residuals |H v - value v|: some eigenvalue lies within this distance of `values`
    converged  whether every bound is <= tol * the largest |Ritz value|
    products   Hessian-vector products taken
    """

    values: np.ndarray
    vectors: Tensor
    bounds: np.ndarray
    converged: bool
    products: int


def eigenvalues(
    hessian: Any,
    k: int = 1,
    *,
    which: str = "largest",
    tol: float = 1e-6,
    max_products: int = 300,
    seed: int = 0,
) -> Eigenpairs:
    """The k extreme eigenvalues by block Lanczos with full reorthogonalisation (block size k, Rayleigh-Ritz).

    which: "largest", "smallest" (algebraically) or "magnitude".  A bound says that an eigenvalue is near, as for every
    such method not that none beyond it was missed, which the random start makes improbable.  Keeps two vectors
    [dim] a product.  Needs `dim`, `dtype`, `device` and `@` of `hessian`.
    """
    k, limit = count(1, hessian.dim)("k", k), min(count(1)("max_products", max_products), hessian.dim)
    tol = positive("tol", tol)
    orders = {"largest": lambda t: -t, "smallest": lambda t: t, "magnitude": lambda t: -np.abs(t)}
    if which not in orders:
        raise ValueError(f"which = {which!r} is not allowed; it must be one of {', '.join(orders)}")
    if k > limit:
        raise ValueError(f"k = {k} eigenvalues need at least as many products; max_products = {max_products}")
    generator = torch.Generator().manual_seed(seed)

    def fresh(columns: int) -> Tensor:
        draw = torch.randn(hessian.dim, columns, dtype=torch.float64, generator=generator)
        return draw.to(hessian.device, hessian.dtype)

    basis = images = fresh(0)
    block = _orthonormal(fresh(k), basis, fresh)
    while True:
        block = block[:, : limit - basis.shape[1]]
        image = hessian @ block
        basis, images = torch.cat([basis, block], 1), torch.cat([images, image], 1)
        small = (basis.T @ images).double().cpu().numpy()
        if not np.isfinite(small).all():
            raise FloatingPointError("products with the Hessian are not finite: it has no eigenvalues to look for")
        theta, s = np.linalg.eigh((small + small.T) / 2)
        chosen = np.argsort(orders[which](theta), kind="stable")[:k]
        rotation = torch.as_tensor(s[:, chosen]).to(basis)
        vectors, values = basis @ rotation, theta[chosen]
        residual = images @ rotation - vectors * torch.as_tensor(values).to(basis)
        bounds = torch.linalg.vector_norm(residual, dim=0).double().cpu().numpy()
        converged = bool(len(chosen) == k and (bounds <= tol * np.abs(theta).max()).all())
        if converged or basis.shape[1] >= limit:
            return Eigenpairs(values, vectors, bounds, converged, basis.shape[1])
        block = _orthonormal(image, basis, fresh)


def _orthonormal(block: Tensor, basis: Tensor, fresh: Callable[[int], Tensor]) -> Tensor:
    """An orthonormal basis of the block's part orthogonal to `basis`; directions used up are drawn anew."""
    columns = []
    for column in block.T:
        old = torch.cat([basis, *[c[:, None] for c in columns]], 1)
        for _ in range(4):
            before = torch.linalg.vector_norm(column)
            for _ in range(2):  # twice is enough
                column = column - old @ (old.T @ column)
            size = torch.linalg.vector_norm(column)
            if size > 1e3 * torch.finfo(column.dtype).eps * before:
                break
            if old.shape[1] >= old.shape[0]:
                return torch.stack(columns, 1)
            column = fresh(1)[:, 0]
        columns.append(column / size)
    return torch.stack(columns, 1)


# ------------------------------------------------------------------------------------ trace


def trace(hessian: Any, products: int = 90, *, false_alarm: float = 0.01, seed: int = 0) -> Interval:
    """tr H with an interval, by Hutch++ (Meyer, Musco, Musco, Woodruff 2021).

    A third of the products finds the range Q of a random sketch, a third gives tr Q'HQ exactly, and the rest
    estimates the trace of (I - QQ')H(I - QQ') by random signs.  Given Q these draws are independent, and the interval
    is Student's for their mean: as good as they are normal, which sums over many coordinates are.
    With products >= dim the trace is taken exactly.
    """
    products = count(6)("products", products)
    false_alarm = between(0, 1)("false_alarm", false_alarm)
    if products >= hessian.dim:
        identity = torch.eye(hessian.dim, dtype=hessian.dtype, device=hessian.device)
        exact = np.float64(sum((hessian @ e)[i].item() for i, e in enumerate(identity)))
        return Interval(exact, np.float64(0.0), np.float64(0.0), false_alarm)
    generator, third = torch.Generator().manual_seed(seed), products // 3

    def signs(columns: int) -> Tensor:
        draw = torch.randint(0, 2, (hessian.dim, columns), generator=generator) * 2 - 1
        return draw.to(hessian.device, hessian.dtype)

    q = torch.linalg.qr(hessian @ signs(third)).Q
    known = float(torch.einsum("ij,ij->", q, hessian @ q))
    probes = signs(products - 2 * third)
    probes = probes - q @ (q.T @ probes)
    draws = torch.einsum("ij,ij->j", probes, hessian @ probes).double().cpu().numpy()
    rest = mean_interval(draws, false_alarm, batches=len(draws))
    return Interval(known + rest.estimate, rest.standard_error, rest.half_width, false_alarm)


def noise_trace(
    loss_fn: Callable[..., Tensor], params: Parameters, *batch: Tensor, chunk: int | None = None
) -> tuple[float, float]:
    """(tr V, |g|^2): V = (1/n) sum_i (g_i - g)(g_i - g)' the covariance of the per-sample gradients, g their mean.

    chunk: samples whose gradients are held at a time (default: all).
    """
    squares, total, n = 0.0, None, len(batch[0])
    for part in zip(*(tensor.split(n if chunk is None else count(1)("chunk", chunk)) for tensor in batch)):
        gradients = per_sample_gradients(loss_fn, params, *part)
        rows = torch.cat([g.reshape(len(part[0]), -1) for g in structure(gradients)[0]], 1)
        squares += float(rows.square().sum())
        total = rows.sum(0) if total is None else total + rows.sum(0)
    size = float((total / n).square().sum())
    return squares / n - size, size


# ------------------------------------------------------------------------------------ SAM's sharpness and edge


def sam_sharpness(hessian: Hessian, rho: float, *, ascents: int = 0) -> tuple[float, Tensor]:
    """(L(w + eps) - L(w), eps), |eps| <= rho: SAM's one step eps = rho g/|g|, improved by `ascents` further ones.

    A further ascent is eps <- rho g(w + eps)/|g(w + eps)|, kept if the loss rises: the value never falls and is
    a lower bound of the maximum over the ball.  At g = 0 exactly nothing moves (value 0).
    """
    rho, ascents = nonnegative("rho", rho), count()("ascents", ascents)
    w, slope = hessian.point, hessian.gradient
    best, value = torch.zeros_like(w), hessian.loss
    for i in range(1 + ascents):
        size = torch.linalg.vector_norm(slope)
        eps = rho * slope / size if size > 0 else torch.zeros_like(w)
        there, slope = hessian.value_and_gradient(w + eps)
        if i and not there > value:
            break
        best, value = eps, there
    return float(value - hessian.loss), best


class Edge(NamedTuple):
    """SAM's edge at a point beside the curvature there.

    lam_max    largest eigenvalue of the Hessian (Ritz value), with its residual `bound`
    edge       (|g|/(2 rho)) (sqrt(1 + 8 rho/(eta |g|)) - 1), of this gradient; 2/eta at rho = 0
    grad_norm  |g|
    """

    lam_max: float
    bound: float
    edge: float
    grad_norm: float

    @property
    def ratio(self) -> float:
        """lam_max/edge."""
        return self.lam_max / self.edge


def edge(hessian: Hessian, eta: float, rho: float, **options: Any) -> Edge:
    """lam_max and SAM's edge, which depends on the gradient (`theory.edges.sam_edge`); options of `eigenvalues`."""
    eta, rho = positive("eta", eta), nonnegative("rho", rho)
    top = eigenvalues(hessian, 1, **options)
    size = float(torch.linalg.vector_norm(hessian.gradient))
    return Edge(float(top.values[0]), float(top.bounds[0]), float(sam_edge(eta, rho, size)), size)
