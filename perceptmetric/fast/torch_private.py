"""What the package uses of PyTorch without it being documented: if a release of PyTorch breaks something, look here."""

from __future__ import annotations

import torch
from torch import Tensor


def is_tracing() -> bool:
    """Whether `torch.jit.trace` is recording.

    Examples:
        >>> is_tracing()
        False
    """
    return bool(torch._C._is_tracing())


def is_transformed(x: Tensor) -> bool:
    """Whether a transform of `torch.func` (`grad`, `vmap`, ...) wraps the tensor.

    Examples:
        >>> is_transformed(torch.zeros(1))
        False
    """
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(x))


def onednn_product(x: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """Multiplies the channels at each place by a matrix, with oneDNN, the library of PyTorch's convolutions on CPU.

    Args:
        x: float32 (N, C, H, W) on CPU.
        matrix: (D, C).
        bias: (D,), added at each place.

    Returns:
        Float32 (N, D, H, W).

    Examples:
        >>> onednn_product(torch.ones(1, 3, 1, 1), torch.ones(2, 3)).flatten().tolist()
        [3.0, 3.0]
    """
    return torch.mkldnn_convolution(x, matrix[:, :, None, None], bias, [0, 0], [1, 1], [1, 1], 1)
