"""The one core function: the vector that replaces the gradient, as a pure function of loss and parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call, grad, grad_and_value, vmap

from samtheory.torch.layout import Layout
from samtheory.torch.rules import Rule, Step, mean, named
from samtheory.torch.statistics import frozen_statistics
from samtheory.validate import count

Parameters = Tensor | Sequence[Tensor] | Mapping[str, Tensor]


class SamGradient(NamedTuple):
    """What replaces the gradient, and what the step saw on the way.

    gradient           in the structure of the parameters
    loss               mean loss at the first point evaluated (w, for every rule but tsam), 0-dim
    perturbation_norm  |eps| of the last perturbation, 0-dim; with m one value a shard, [n/m]
    omitted            how many perturbations were left out because a norm was exactly zero, 0-dim int
    memory             to be passed to the next step (rules with memory)
    """

    gradient: Any
    loss: Tensor
    perturbation_norm: Tensor
    omitted: Tensor
    memory: dict[str, Any]


def sam_gradient(
    loss_fn: Callable[..., Tensor],
    params: Parameters,
    rho: float | None = None,
    *,
    batch: Tensor | Sequence[Tensor] = (),
    m: int | None = None,
    rule: str = "sam",
    memory: Mapping[str, Any] | None = None,
    support: Tensor | None = None,
    draws: Iterable[Tensor] | None = None,
    generator: torch.Generator | None = None,
    vectorised: bool = True,
    chunk: int | None = None,
    **options: Any,
) -> SamGradient:
    """The rule's replacement of the gradient of loss_fn(params, *batch).

    loss_fn   the mean loss of the batch, or its per-sample losses [n] (whose mean is taken)
    params    a tensor, a sequence of tensors or a mapping from names to tensors; nothing is written to them
    rho       radius, by default the rule's own; `options` are the rule's further ones (`samtheory.torch.RULES`)
    m         shard *size* (m-SAM): every m consecutive samples take their own ascent, directions are averaged; 1 is
              1-SAM.  It must divide the batch, and the rule must keep no memory.  Shards go through torch.func.vmap,
              `chunk` of them at a time, or one after the other with vectorised=False
    memory    the previous result's `memory` (rules with memory: fsam, vasso, looksam; the mask of sparse, [d])
    support   0/1 vector [d]: only these coordinates are perturbed, and the norm is over them (SAM-ON)
    draws     flat vectors [d] in place of the rule's random draws (esam, tsam)

    Raises ValueError for options out of range, an unknown rule, or m that does not divide the batch.
    """
    chosen = named(rule)
    options = chosen.checked(options if rho is None else {"rho": rho, **options})
    tensors, rebuild = structure(params)
    layout = Layout(tensors)
    batch = (batch,) if isinstance(batch, Tensor) else tuple(batch)
    if support is not None:
        if support.shape != (layout.dim,):
            raise ValueError(f"support has shape {tuple(support.shape)}; it must be ({layout.dim},)")
        support = support.to(layout.device, layout.dtype)
    memory, w = dict(memory or {}), layout.flatten([tensor.detach() for tensor in tensors])

    def one(*shard: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, dict[str, Any]]:
        def loss(flat: Tensor) -> Tensor:
            return loss_fn(rebuild(layout.unflatten(flat)), *shard)

        step = Step(w, memory, support, draws=None if draws is None else iter(draws), generator=generator)
        return _run(chosen, step, options, loss)

    if m is None:
        direction, loss, norm, omitted, memory = one(*batch)
    else:
        shards = _shards(chosen, batch, m)
        if vectorised:
            run = vmap(lambda *shard: one(*shard)[:4], randomness="different", chunk_size=chunk)
            results = run(*shards)
        else:
            results = [torch.stack(parts) for parts in zip(*(one(*shard)[:4] for shard in zip(*shards)))]
        direction, loss, norm, omitted = results[0].mean(0), results[1].mean(), results[2], results[3].sum()
    return SamGradient(rebuild(layout.unflatten(direction)), loss, norm, omitted, memory)


def _run(rule: Rule, step: Step, options: Mapping[str, Any], loss: Callable[[Tensor], Tensor]):
    """Drive the rule's coroutine to its end; loss is a function of the flat vector."""
    first, norm, ascent = None, torch.zeros((), dtype=step.w.dtype, device=step.w.device), rule.run(step, **options)
    query = next(ascent)
    while True:
        eps, weigh = query if isinstance(query, tuple) else (query, None)

        def objective(flat: Tensor, weigh=weigh) -> tuple[Tensor, Tensor]:
            losses = loss(flat)
            return (mean(losses) if weigh is None else weigh(losses.detach()) @ losses), losses

        if eps is not None:
            norm = torch.linalg.vector_norm(eps)
        g, (_, losses) = grad_and_value(objective, has_aux=True)(step.w if eps is None else step.w + eps)
        losses = losses.detach()
        first = mean(losses) if first is None else first
        try:
            query = ascent.send((losses, g))
        except StopIteration as end:
            return end.value, first, norm, step.omitted, step.memory


def _shards(rule: Rule, batch: tuple[Tensor, ...], m: int) -> list[Tensor]:
    """Every tensor [n, ...] of the batch as [n/m, m, ...]."""
    m, sizes = count(1)("m", m), {tensor.shape[0] for tensor in batch}
    if rule.memory:
        raise ValueError(f"rule {rule.name!r} keeps memory; its shards would share it (m must be None)")
    if len(sizes) != 1:
        raise ValueError(f"m = {m} needs a batch whose tensors have one common length; they have {sorted(sizes)}")
    (n,) = sizes
    if n % m:
        raise ValueError(f"m = {m} does not divide the batch of {n} samples")
    return [tensor.reshape(n // m, m, *tensor.shape[1:]) for tensor in batch]


def structure(params: Parameters) -> tuple[list[Tensor], Callable[[list[Tensor]], Any]]:
    """The tensors in order, and the function that puts such a list back into the structure."""
    if isinstance(params, Tensor):
        return [params], lambda tensors: tensors[0]
    if isinstance(params, Mapping):
        return list(params.values()), lambda tensors: dict(zip(params, tensors))
    return list(params), lambda tensors: tuple(tensors)


def per_sample_gradients(
    loss_fn: Callable[..., Tensor], params: Parameters, *batch: Tensor, chunk: int | None = None
) -> Any:
    """The gradient of every sample's loss, in the structure of `params` with a leading axis n (torch.func).

    loss_fn(params, *batch) as in `sam_gradient`; it is called with batches of one sample.
    """
    tensors, rebuild = structure(params)

    def of(flat: tuple[Tensor, ...], *sample: Tensor) -> Tensor:
        return mean(loss_fn(rebuild(list(flat)), *(x.unsqueeze(0) for x in sample)))

    in_dims = (None, *(0 for _ in batch))
    values = vmap(grad(of), in_dims, chunk_size=chunk, randomness="different")(
        tuple(t.detach() for t in tensors), *batch
    )
    return rebuild(list(values))


def module_loss(model: torch.nn.Module, criterion: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """loss_fn(params, x, y) = criterion(model(x), y) at these parameters: dict(model.named_parameters()).

    A pure function: batch statistics are used as the model's mode has it, running ones are not updated.
    """

    def loss(params: Mapping[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        with frozen_statistics(model):
            return criterion(functional_call(model, dict(params), (x,)), y)

    return loss
