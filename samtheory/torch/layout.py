"""One flat vector in place of many parameter tensors, so that update rules read as they do on paper."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Layout:
    """Where the tensors of a model lie in one vector of length `dim`.

    The vector has the tensors' common dtype, at least float32: norms and sums of half-precision parameters are
    accumulated in float32, those of float64 parameters in float64.  Tensors on several devices are refused.
    """

    def __init__(self, tensors: Sequence[Tensor]):
        if not tensors:
            raise ValueError("params is empty: there is nothing to optimise")
        dtype = torch.float32
        for i, tensor in enumerate(tensors):
            if not tensor.is_floating_point():
                raise TypeError(f"parameter {i} has dtype {tensor.dtype}; it must be real and floating")
            if tensor.device != tensors[0].device:
                raise ValueError(f"parameter {i} is on {tensor.device}, parameter 0 on {tensors[0].device}")
            dtype = torch.promote_types(dtype, tensor.dtype)
        self.dtype, self.device = dtype, tensors[0].device
        self._forms = [(tensor.shape, tensor.dtype) for tensor in tensors]
        self.sizes = [tensor.numel() for tensor in tensors]
        self.dim = sum(self.sizes)

    def flatten(self, tensors: Sequence[Tensor | None]) -> Tensor:
        """A new vector [dim] with these values; None stands for zeros."""
        pieces = []
        for i, (tensor, size, (shape, _)) in enumerate(zip(tensors, self.sizes, self._forms, strict=True)):
            if tensor is None:
                pieces.append(torch.zeros(size, dtype=self.dtype, device=self.device))
            elif tensor.layout != torch.strided:
                raise TypeError(f"the gradient of parameter {i} is sparse; these rules need dense gradients")
            elif tensor.shape != shape:
                raise ValueError(f"tensor {i} has shape {tuple(tensor.shape)}; it must be {tuple(shape)}")
            else:
                pieces.append(tensor.reshape(-1).to(self.dtype))
        return torch.cat(pieces)

    def unflatten(self, vector: Tensor) -> list[Tensor]:
        """The tensors, each in its own shape and dtype (views of the vector where the dtype is the vector's)."""
        return [piece.to(dtype) for piece, (_, dtype) in zip(self.views(vector), self._forms)]

    def views(self, vector: Tensor) -> list[Tensor]:
        """The parts of the vector in the shapes of the tensors, in its own dtype."""
        return [piece.reshape(shape) for piece, (shape, _) in zip(vector.split(self.sizes), self._forms)]

    def spread(self, values: Sequence[float]) -> float | Tensor:
        """One number a tensor: the number itself where all agree, else a vector [dim] of them."""
        if len(set(values)) == 1:
            return values[0]
        sizes = torch.tensor(self.sizes, device=self.device)
        return torch.tensor(values, dtype=self.dtype, device=self.device).repeat_interleave(sizes)
