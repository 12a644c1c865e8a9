"""Divisive normalisation (GDN) and its inverse.

Ballé, Laparra & Simoncelli, "Density modeling of images using a generalized normalization
transformation", ICLR 2016, equation 2, with fixed exponents 2 and 1/2.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BETA_MIN = 1e-6


class _LowerBound(torch.autograd.Function):
    """`max(x, bound)` whose gradient still lets `x` rise back when it has sunk below the bound."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, bound: float) -> Tensor:
        ctx.save_for_backward(x)
        ctx.bound = bound
        return x.clamp(min=bound)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return grad * ((x >= ctx.bound) | (grad < 0)), None


def lower_bound(x: Tensor, bound: float) -> Tensor:
    """Elementwise `max(x, bound)`, for parameters that must not sink below `bound`.

    The plain maximum has no gradient below the bound, so a parameter that crosses it stays there for
    good. This one passes the gradients of a descent step that would raise the parameter again.

    Args:
        x: parameter, any shape.
        bound: smallest value of the result.

    Returns:
        Tensor of the shape of `x`.

    Examples:
        >>> lower_bound(torch.tensor([-1.0, 2.0]), 0.0)
        tensor([0., 2.])
    """
    if x.requires_grad and torch.is_grad_enabled():
        bounded: Tensor = _LowerBound.apply(x, bound)  # type: ignore[no-untyped-call]
        return bounded
    return x.clamp(min=bound)


class DivisiveNormalization(nn.Module):
    """Divides every response by the energy of its neighbours in the other channels (GDN).

    `y_i = x_i / sqrt(beta_i + sum_j gamma_ij x_j^2)` at every place of the image (1x1 kernel), with
    `beta` at least 1e-6 and `gamma` non-negative, so that value and gradient are finite for any finite
    input.

    Args:
        channels: number of channels C.
        per_channel: each channel is normalised by its own energy alone; `gamma` is then (C,), not (C, C).

    Shape:
        (N, C, H, W) floats to (N, C, H, W).

    Examples:
        >>> gdn = DivisiveNormalization(6)
        >>> gdn(torch.zeros(1, 6, 4, 4)).abs().max().item()
        0.0
    """

    def __init__(self, channels: int, *, per_channel: bool = False) -> None:
        super().__init__()
        self.channels = channels
        self.per_channel = per_channel
        self.beta = nn.Parameter(torch.ones(channels))
        self.gamma = nn.Parameter(torch.ones(channels) if per_channel else torch.ones(channels, channels))

    def pool(self, x: Tensor) -> Tensor:
        """The pooled energy `sqrt(beta_i + sum_j gamma_ij x_j^2)`, in the shape of `x`."""
        beta = lower_bound(self.beta, BETA_MIN)
        gamma = lower_bound(self.gamma, 0.0)
        if self.per_channel:
            energy = torch.addcmul(beta.view(-1, 1, 1), x.square(), gamma.view(-1, 1, 1))
        else:
            energy = F.conv2d(x.square(), gamma[:, :, None, None], beta)
        return energy.sqrt()

    def forward(self, x: Tensor) -> Tensor:
        """The responses `x` divided by their pooled energy."""
        return x / self.pool(x)

    def extra_repr(self) -> str:
        """The arguments, for `print`."""
        return f"{self.channels}, per_channel={self.per_channel}"


class InverseDivisiveNormalization(DivisiveNormalization):
    """Multiplies where `DivisiveNormalization` divides (IGDN): `y_i = x_i sqrt(beta_i + sum_j gamma_ij x_j^2)`.

    It mirrors the forward transform in a decoder; it is the same kind of map, not the exact inverse.
    Arguments and shapes are those of `DivisiveNormalization`.

    Examples:
        >>> InverseDivisiveNormalization(1)(torch.ones(1, 1, 1, 1)).item()  # sqrt(1 + 1)
        1.4142135381698608
    """

    def forward(self, x: Tensor) -> Tensor:
        """The responses `x` times their pooled energy."""
        return x * self.pool(x)
