"""Means over 3x3 places and over channels, and their gradients, in few passes over memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from perceptmetric.fast import kernels, torch_private


def local_mean(x: Tensor) -> Tensor:
    """The mean over the 3x3 places around each place; at the border, over the places that lie in the image.

    Args:
        x: floats (N, C, H, W).

    Returns:
        Floats (N, C, H, W).

    Examples:
        >>> local_mean(torch.tensor([[[[1.0, 2.0, 6.0]]]])).flatten().tolist()
        [1.5, 3.0, 4.0]
    """
    if x.shape[1] > kernels.NARROW:
        mean: Tensor = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
        return mean
    # Sums of neighbours take a few fast passes where channels are few: a tenth of the time.
    padded = F.pad(x, (1, 1, 1, 1))
    columns = padded[..., :-2] + padded[..., 1:-1] + padded[..., 2:]
    sums = columns[..., :-2, :] + columns[..., 1:-1, :] + columns[..., 2:, :]
    height, width = x.shape[-2:]
    return sums / (_places_around(height, x)[:, None] * _places_around(width, x))


def _places_around(length: int, like: Tensor) -> Tensor:
    """For each place of a line, how many places there are within one of it, itself included."""
    places = torch.full((length,), 3, dtype=like.dtype, device=like.device)
    places[[0, -1]] = 2 if length > 1 else 1
    return places


def without_local_mean(x: Tensor, scale: Tensor | float) -> Tensor:
    """`(x - local_mean(x)) * scale`.

    Args:
        x: floats (N, C, H, W), for the caller to give away: the result may be written over them.
        scale: a number, or a tensor that holds one.

    Returns:
        Floats (N, C, H, W).

    Examples:
        >>> without_local_mean(torch.ones(1, 2, 4, 4), 2.0).abs().max().item()
        0.0
    """
    if x.shape[1] <= kernels.NARROW or not kernels.suits(x):
        return (x - local_mean(x)) * scale
    if kernels.wants_gradient(x):
        centred: Tensor = _WithoutLocalMean.apply(x, scale)  # type: ignore[no-untyped-call]
        return centred
    return _by_strips(x, scale, out=x)


def mean_square(x: Tensor, y: Tensor | None = None) -> Tensor:
    """The mean over channels of `x^2` or, given `y`, of `(x - y)^2`.

    Args:
        x: floats (N, C, H, W), or (1, C, H, W) to compare one image with all of `y`.
        y: likewise.

    Returns:
        Floats (N, 1, H, W).

    Examples:
        >>> mean_square(torch.full((1, 4, 1, 1), 2.0)).item()
        4.0
        >>> mean_square(torch.full((1, 4, 1, 1), 2.0), torch.full((3, 4, 1, 1), 5.0)).flatten().tolist()
        [9.0, 9.0, 9.0]
    """
    if x.shape[1] <= kernels.NARROW or not (kernels.suits(x) and (y is None or kernels.suits(y))):
        return (x if y is None else x - y).square().mean(1, keepdim=True)
    squares: Tensor = _MeanSquare.apply(x, y)  # type: ignore[no-untyped-call]
    return squares


def centred_strips(strips: Iterable[tuple[slice, Tensor, Tensor]], scale: Tensor | float) -> Iterator[Tensor]:
    """`without_local_mean(responses * reciprocals, scale)` of an image that comes a few rows at a time.

    Args:
        strips: rows, responses and reciprocals as `perceptmetric.fast.division.responses_by_strips` yields them.
        scale: a number, or a tensor that holds one.

    Yields:
        Floats (1, C, rows, W), all rows in their order, other numbers of them than come in.
    """
    # Of the rows that came, the last two are kept: the last one waits for the row below it, and needs the one above.
    held, kept, waiting = None, 0, 0
    for _, responses, reciprocals in strips:
        if held is None:
            _, channels, height, width = responses.shape
            held = kernels.channels_first(responses.new_empty(1, 2 + height, width, channels))
        known = held[:, :, : kept + responses.shape[2]]
        torch.mul(responses, reciprocals, out=known[:, :, kept:])
        if known.shape[2] > kept - waiting + 1:
            yield _centred(known, slice(kept - waiting, -1), scale)
        last = known[:, :, -2:].clone()
        kept, waiting = last.shape[2], 1
        held[:, :, :kept] = last
    if held is not None:
        yield _centred(held[:, :, :kept], slice(-1, None), scale)


def _centred(x: Tensor, rows: slice, scale: Tensor | float) -> Tensor:
    """These rows of `(x - local_mean(x)) * scale`."""
    means = local_mean(x)[:, :, rows]
    return torch.sub(x[:, :, rows], means, out=means).mul_(scale)


def averaged(x: Tensor, side: int) -> Tensor:
    """Means over squares of places; at the border, over the places of a square that lie in the image.

    Args:
        x: floats (N, C, H, W).
        side: of the squares, a power of 2.

    Returns:
        Floats (N, C, ceil(H / side), ceil(W / side)).

    Examples:
        >>> averaged(torch.tensor([[[[1.0, 3.0, 5.0]]]]), 2).flatten().tolist()
        [2.0, 5.0]
    """
    height, width = x.shape[-2:]
    # Whether it is compiled comes first: a graph for any size has no number to divide.
    plain = torch.compiler.is_compiling() or not (kernels.suits(x) or torch_private.is_transformed(x))
    if plain or height % side or width % side:
        return F.avg_pool2d(x, side, ceil_mode=True, count_include_pad=False)
    # Sums of neighbours take a few fast passes where channels are few: a tenth of the time.
    while side > 1:
        rows = x[:, :, 0::2] + x[:, :, 1::2]
        x, side = (rows[..., 0::2] + rows[..., 1::2]).mul_(0.25), side // 2
    return x


class _WithoutLocalMean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor | float) -> Tensor:
        ctx.scale = scale
        return _by_strips(x, scale, out=torch.empty_like(x))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (g,) = gradients
        # A place counts in the mean of each neighbour by one share of that mean's places: fewer than 9 at the border.
        shares = g / F.avg_pool2d(torch.ones_like(g[:1, :1]), 3, stride=1, padding=1)
        return (g - F.avg_pool2d(shares, 3, stride=1, padding=1)) * ctx.scale, None


def _mean_square(x: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    return norms.square_().div_(x.shape[1])


class _MeanSquare(torch.autograd.Function):
    """The gradient takes the difference anew from `x` and `y`, so that it need not be kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, y)
        if y is None:
            return _mean_square(x)
        # A difference of many channels does not fit the cache: it is taken a few rows at a time.
        return torch.cat([_mean_square(x[:, :, rows] - y[:, :, rows]) for rows in kernels.strips(*x.shape[-2:])], dim=2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, y = ctx.saved_tensors
        slope = gradients[0] * (2 / x.shape[1])
        if y is None:
            return x * slope, None
        at_x, at_y = ctx.needs_input_grad
        return (
            ((x - y) * slope).sum_to_size(x.shape) if at_x else None,
            ((y - x) * slope).sum_to_size(y.shape) if at_y else None,
        )


def _by_strips(x: Tensor, scale: Tensor | float, out: Tensor) -> Tensor:
    """`(x - local_mean(x)) * scale` written into `out`, which may be `x`."""
    strips = kernels.strips(*x.shape[-2:])
    for image, result in zip(x.split(1), out.split(1), strict=True):
        # The mean of a strip needs the row above it as it was: it is taken before that row is overwritten.
        means = _one_ahead(_mean_of_strip(image, rows) for rows in strips)
        for rows, mean in zip(strips, means, strict=True):
            torch.sub(image[:, :, rows], mean, out=result[:, :, rows]).mul_(scale)
    return out


def _mean_of_strip(x: Tensor, rows: slice) -> Tensor:
    """The rows of `local_mean(x)`, from these rows and one more above and below."""
    above = max(rows.start - 1, 0)
    return local_mean(x[:, :, above : rows.stop + 1])[:, :, rows.start - above : rows.stop - above]


def _one_ahead(tensors: Iterator[Tensor]) -> Iterator[Tensor]:
    """The same tensors, each given only when the next one has been computed."""
    current = next(tensors)
    for following in tensors:
        yield current
        current = following
    yield current
