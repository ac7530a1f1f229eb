"""SAM and its variants for PyTorch (optional: `pip install samtheory[torch]`).

The update rules are a table (`rules`), used by one function, `sam_gradient`, and by the optimisers built on the
same coroutines.  Conventions are those of the package: no epsilon in norms, a zero gradient is not perturbed and
counted, m is the number of samples of a shard.
"""

from samtheory.extras import MissingExtra

try:
    import torch.optim  # noqa: F401
except ModuleNotFoundError as missing:
    raise MissingExtra("samtheory.torch", "PyTorch", "torch", missing.name) from None

from samtheory.torch.gradient import SamGradient, module_loss, per_sample_gradients, sam_gradient
from samtheory.torch.optim import SharpnessAware, micro_batches
from samtheory.torch.optimisers import (
    ASAM,
    ESAM,
    FSAM,
    GSAM,
    SAM,
    TSAM,
    USAM,
    WSAM,
    BilateralSAM,
    InfoSAM,
    LookSAM,
    RhoFollowsRate,
    SparseSAM,
    StableSAM,
    UnifiedSAM,
    VaSSO,
    mSAM,
)
from samtheory.torch.rules import RULES
from samtheory.torch.statistics import bias_parameters, frozen_statistics, normalisation_parameters, split

__all__ = [
    "ASAM",
    "ESAM",
    "FSAM",
    "GSAM",
    "RULES",
    "SAM",
    "TSAM",
    "USAM",
    "WSAM",
    "BilateralSAM",
    "InfoSAM",
    "LookSAM",
    "RhoFollowsRate",
    "SamGradient",
    "SharpnessAware",
    "SparseSAM",
    "StableSAM",
    "UnifiedSAM",
    "VaSSO",
    "bias_parameters",
    "frozen_statistics",
    "mSAM",
    "micro_batches",
    "module_loss",
    "normalisation_parameters",
    "per_sample_gradients",
    "sam_gradient",
    "split",
]
