"""Masks of sparse SAM (Mi et al. 2022): by Fisher information, or by dropping and growing during training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from samtheory.torch.gradient import Parameters, per_sample_gradients
from samtheory.validate import between, count


def kept(dim: int, sparsity: float) -> int:
    """How many of `dim` coordinates a mask of this sparsity keeps: ceil((1 - sparsity) dim)."""
    return math.ceil((1 - between(0, 1)("sparsity", sparsity)) * dim * (1 - 1e-12))


def fisher_mask(
    loss_fn: Callable[..., Tensor], params: Parameters, *batch: Tensor, sparsity: float, chunk: int | None = None
) -> Tensor:
    """SSAM-F: 1 at the (1 - sparsity) d coordinates with the largest sum of squared per-sample gradients, flat [d]."""
    gradients = per_sample_gradients(loss_fn, params, *batch, chunk=chunk)
    tensors = [gradients] if isinstance(gradients, Tensor) else getattr(gradients, "values", lambda: gradients)()
    fisher = torch.cat([tensor.square().sum(0).reshape(-1) for tensor in tensors])
    mask = torch.zeros_like(fisher)
    return mask.scatter(0, fisher.topk(kept(fisher.numel(), sparsity)).indices, 1.0)


def regrown_mask(mask: Tensor, g: Tensor, rate: float, generator: torch.Generator | None = None) -> Tensor:
    """SSAM-D: the fraction `rate` of the kept coordinates, those of smallest |g|, dropped; as many others at random."""
    on, off = mask.nonzero()[:, 0], (mask == 0).nonzero()[:, 0]
    number = min(round(between(0, 1)("rate", rate) * on.numel()), off.numel())
    drop = on[g[on].abs().topk(number, largest=False).indices]
    grow = off[torch.randperm(off.numel(), generator=generator, device=mask.device)[:number]]
    return mask.scatter(0, drop, 0.0).scatter(0, grow, 1.0)


def drop_rate(epoch: int, epochs: int, start: float = 0.5) -> float:
    """start (1 + cos(pi epoch/epochs))/2."""
    last = count(1)("epochs", epochs)
    return start * (1 + math.cos(math.pi * count(0, last)("epoch", epoch) / last)) / 2


def flat(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors in the order of the parameters as one vector."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])
