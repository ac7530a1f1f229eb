"""Normalisation layers: statistics that one step updates once, and their parameters (for SAM-ON)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from torch import nn

_RUNNING = nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm
_NORMALISING = *_RUNNING, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm


@contextlib.contextmanager
def frozen_statistics(model: nn.Module) -> Iterator[None]:
    """Within, training-mode batch statistics are used as ever but the running ones stay as they are, bit for bit.

    For the second pass of a step, which sees the same batch at perturbed weights.
    """
    tracking = [x for x in model.modules() if isinstance(x, _RUNNING) and x.training and x.track_running_stats]
    momenta = [module.momentum for module in tracking]
    try:
        for module in tracking:
            module.track_running_stats = False
            if isinstance(module, nn.modules.instancenorm._InstanceNorm):  # which looks at its momentum alone
                module.momentum = 0.0
        yield
    finally:
        for module, momentum in zip(tracking, momenta):
            module.track_running_stats, module.momentum = True, momentum


def normalisation_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The affine parameters of its batch, instance, layer, group and RMS normalisation layers, in order."""
    return [p for x in model.modules() if isinstance(x, _NORMALISING) for p in x.parameters(recurse=False)]


def bias_parameters(model: nn.Module) -> list[nn.Parameter]:
    """Its parameters named `bias`, and all affine parameters of normalisation layers."""
    chosen = {id(p) for p in normalisation_parameters(model)}
    return [p for name, p in model.named_parameters() if name.split(".")[-1] == "bias" or id(p) in chosen]


def split(model: nn.Module, chosen: list[nn.Parameter], inside: dict, outside: dict) -> list[dict]:
    """Two parameter groups: `chosen` with the options `inside`, all other parameters of the model with `outside`.

    SAM-ON: SAM(split(model, normalisation_parameters(model), {}, {"perturb": False}), ...).
    """
    names = {id(p) for p in chosen}
    if unknown := names - {id(p) for p in model.parameters()}:
        raise ValueError(f"chosen has {len(unknown)} tensors that are no parameters of the model")
    rest = [p for p in model.parameters() if id(p) not in names]
    groups = {"params": chosen, **inside}, {"params": rest, **outside}
    return [group for group in groups if group["params"]]
