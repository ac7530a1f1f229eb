"""The optimisers by name; each is `SharpnessAware` with one rule of the table, whose docstring has its formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from samtheory.torch.layout import Layout
from samtheory.torch.optim import Closure, SharpnessAware
from samtheory.torch.rules import RULES
from samtheory.torch.sparse import flat


def _optimiser(name: str, rule: str) -> type[SharpnessAware]:
    options = ", ".join(f"{option}={default}" for option, (default, _) in RULES[rule].options.items())
    doc = f"{RULES[rule].run.__doc__}\n\n    Options: {options}; the others as in `SharpnessAware`.\n    "
    return type(name, (SharpnessAware,), {"rule_name": rule, "__doc__": doc, "__module__": __name__})


SAM = _optimiser("SAM", "sam")
ASAM = _optimiser("ASAM", "asam")
USAM = _optimiser("USAM", "usam")
UnifiedSAM = _optimiser("UnifiedSAM", "unified")
GSAM = _optimiser("GSAM", "gsam")
FSAM = _optimiser("FSAM", "fsam")
VaSSO = _optimiser("VaSSO", "vasso")
LookSAM = _optimiser("LookSAM", "looksam")
ESAM = _optimiser("ESAM", "esam")
StableSAM = _optimiser("StableSAM", "stable")
BilateralSAM = _optimiser("BilateralSAM", "bilateral")
TSAM = _optimiser("TSAM", "tsam")
WSAM = _optimiser("WSAM", "wsam")
InfoSAM = _optimiser("InfoSAM", "infosam")


class mSAM(SharpnessAware):
    """SAM on every micro-batch of the step, the directions averaged (Foret et al. 2021; Behdin et al. 2022).

    step(closures): one closure a micro-batch (`micro_batches` makes them), all of one size.
    """

    rule_name = "sam"

    def step(self, closure: Sequence[Closure] | None = None, *, scaler: Any = None) -> Tensor | None:
        if callable(closure):
            raise TypeError("mSAM.step takes a sequence of closures, one a micro-batch: see `micro_batches`")
        return super().step(closure, scaler=scaler)


class SparseSAM(SharpnessAware):
    __doc__ = f"""{RULES["sparse"].run.__doc__}

    `set_mask` before the first step, and whenever it changes (`samtheory.torch.sparse` has the paper's two);
    without one all coordinates are perturbed.  The mask is part of `state_dict`.
    """

    rule_name = "sparse"

    def set_mask(self, mask: Tensor | Sequence[Tensor]) -> None:
        """0/1 mask: flat [d], or one tensor a parameter in the order of the groups."""
        layout = Layout(self._params())
        vector = mask if isinstance(mask, Tensor) else flat(mask)
        if vector.shape != (layout.dim,):
            raise ValueError(f"mask has shape {tuple(vector.shape)}; it must be ({layout.dim},)")
        if not ((vector == 0) | (vector == 1)).all():
            raise ValueError("mask has entries other than 0 and 1")
        self._memory["mask"] = vector.detach().to(layout.device, layout.dtype, copy=True)


class RhoFollowsRate:
    """rho_t = rho_min + (rho_max - rho_min) (lr_t - lr_min)/(lr_max - lr_min), a group at a time (GSAM's schedule).

    Call `step()` after the scheduler of the learning rate.
    """

    def __init__(self, optimiser: SharpnessAware, rho: tuple[float, float], rate: tuple[float, float]):
        (self.rho_min, self.rho_max), (self.low, self.high) = rho, rate
        if not 0 <= self.rho_min <= self.rho_max:
            raise ValueError(f"rho = {rho!r} is not allowed; it must be (rho_min, rho_max), 0 <= rho_min <= rho_max")
        if not 0 <= self.low < self.high:
            raise ValueError(f"rate = {rate!r} is not allowed; it must be (lr_min, lr_max), 0 <= lr_min < lr_max")
        self.optimiser = optimiser
        self.step()

    def step(self) -> None:
        for group in self.optimiser.param_groups:
            share = (float(group["lr"]) - self.low) / (self.high - self.low)
            group[self.optimiser.keys["rho"]] = self.rho_min + (self.rho_max - self.rho_min) * min(max(share, 0.0), 1.0)
