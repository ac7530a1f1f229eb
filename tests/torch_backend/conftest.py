"""One thread: bits and times of the tests must not depend on the machine."""

import contextlib

with contextlib.suppress(ImportError):
    import torch

    torch.set_num_threads(1)
