"""The network on CPU, its weights frozen: the layers' results, and gradients, by fewer passes over memory.

A layer at a time, every pass over 128 channels leaves the cache, and the fresh memory each result takes costs more
(the system's page faults) than its arithmetic. Here the widest layers, conv3 and gdn4, are done a few rows at a
time, there and back; a division takes one matrix product and one pass; batches go image by image. Everything falls
back to the plain layers where their own weights want a gradient, on other devices, in half precision, and under
PyTorch's compilers and transforms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from perceptmetric.normalization import BETA_MIN, DivisiveNormalization, InverseDivisiveNormalization

PLACES = 1024
"""Places of 128 channels done at a time, for each thread: half a MiB, which stays in a core's own cache."""

NARROW = 16
"""Channels up to which a product of theirs is not worth oneDNN's rearranging of the weights."""


def suits(x: Tensor) -> bool:
    """Whether a tensor is of the kind meant here: float32 or float64 on CPU, and not followed by a compiler.

    Examples:
        >>> suits(torch.zeros(1)), suits(torch.zeros(1, dtype=torch.bfloat16))
        (True, False)
    """
    return (
        not torch.compiler.is_compiling()
        and not torch._C._is_tracing()
        and type(x) in (Tensor, nn.Parameter)
        and x.device.type == "cpu"
        and x.dtype in (torch.float32, torch.float64)
        # The transforms of torch.func follow what happens to a tensor in a way of their own.
        and not torch._C._functorch.is_functorch_wrapped_tensor(x)
        and torch.autograd.forward_ad.unpack_dual(x).tangent is None
    )


def run(layers: nn.Sequential, x: Tensor) -> Tensor:
    """`layers(x)`, to within rounding.

    Args:
        layers: those of an autoencoder, in their order, from the first on.
        x: images, floats (N, 3, H, W).

    Examples:
        >>> from perceptmetric.perceptnet import PerceptNet
        >>> layers, images = PerceptNet().requires_grad_(False), torch.rand(2, 3, 32, 32)
        >>> torch.allclose(run(layers, images), layers(images), atol=1e-5)
        True
    """
    frozen = not torch.is_grad_enabled() or not any(weight.requires_grad for weight in layers.parameters())
    if not (frozen and suits(x) and len(layers)):
        y: Tensor = layers(x)
        return y
    *front, last = layers
    if type(last) is DivisiveNormalization and front and isinstance(front[-1], nn.Conv2d):
        # The result of the whole batch is written but once, where it stays.
        return _convolved_and_divided(_image_by_image(front[:-1], x), front[-1], last)
    return _image_by_image([*front, last], x)


def without_local_mean(x: Tensor, scale: Tensor | float) -> Tensor:
    """Responses (N, C, H, W) less the mean of the 3x3 places around each, times a number; `x` may be overwritten.

    Examples:
        >>> without_local_mean(torch.ones(1, 2, 4, 4), 2.0).abs().max().item()
        0.0
    """
    if not suits(x):
        return (x - local_mean(x)) * scale
    if _wants_gradient(x):
        centred: Tensor = _WithoutLocalMean.apply(x, scale)  # type: ignore[no-untyped-call]
        return centred
    return _without_local_mean(x, scale, out=x)


def local_mean(x: Tensor) -> Tensor:
    """The mean of the 3x3 places around each, of those that exist."""
    mean: Tensor = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    return mean


def mean_square(x: Tensor, y: Tensor | None = None) -> Tensor:
    """The mean over channels of the squares of `x`, or of its differences from `y`, (N, 1, H, W).

    Of the two either may be one image.

    Examples:
        >>> mean_square(torch.full((1, 4, 1, 1), 2.0)).item()
        4.0
        >>> mean_square(torch.full((1, 4, 1, 1), 2.0), torch.full((3, 4, 1, 1), 5.0)).flatten().tolist()
        [9.0, 9.0, 9.0]
    """
    if not (suits(x) and (y is None or suits(y))):
        return (x if y is None else x - y).square().mean(1, keepdim=True)
    squares: Tensor = _MeanSquare.apply(x, y)  # type: ignore[no-untyped-call]
    return squares


def onednn_product(x: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """The matrix times the channels of each place (N, C, H, W), by the library that PyTorch keeps for convolutions.

    Examples:
        >>> onednn_product(torch.ones(1, 3, 1, 1), torch.ones(2, 3)).flatten().tolist()
        [3.0, 3.0]
    """
    return torch.mkldnn_convolution(x, matrix[:, :, None, None], bias, [0, 0], [1, 1], [1, 1], 1)


class _ConvolvedAndDivided(torch.autograd.Function):
    """A convolution and the division of what it gives, `y = u / sqrt(beta + gamma u^2)`.

    With r = y / u, a gradient g at y is `g r - u gamma^T (g y r^2)` at u: no more products than on the way there.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, conv: nn.Conv2d, division: DivisiveNormalization) -> Tensor:
        y, r = _strips_convolved_and_divided(x, conv, division, keep_pool=True)
        ctx.layers = conv, division
        ctx.save_for_backward(x, y, r)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        x, y, r = ctx.saved_tensors
        conv, division = ctx.layers
        if torch.is_grad_enabled():
            return _twice(lambda x: division(conv(x)), x, gradients[0]), None, None
        _, gamma = _constants(division)
        height, width = x.shape[-2:]
        down, across = (side // 2 for side in conv.kernel_size)
        result = _channels_first(x.new_zeros(len(x), height + 2 * down, width + 2 * across, x.shape[1]))
        for *image, out in zip(*(part.split(1) for part in (gradients[0], y, r, result)), strict=True):
            for rows in _strips(height, width):
                g, quotient, reciprocal = (part[:, :, rows] for part in image)
                at_responses = _before_division(g, quotient, reciprocal, gamma)
                out[:, :, rows.start : rows.stop + 2 * down] += F.conv_transpose2d(at_responses, conv.weight)
        return result[:, :, down : down + height, across : across + width], None, None


class _Divided(torch.autograd.Function):
    """A division; its gradient as in `_ConvolvedAndDivided`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, division: DivisiveNormalization) -> Tensor:
        r = _reciprocal_pool(x, *_constants(division))
        ctx.division = division
        ctx.save_for_backward(x, r)
        return r * x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (g,), (x, r) = gradients, ctx.saved_tensors
        if torch.is_grad_enabled():
            return _twice(ctx.division, x, g), None
        _, gamma = _constants(ctx.division)
        return _before_division(g, x * r, r, gamma), None


class _WithoutLocalMean(torch.autograd.Function):
    """`(x - local_mean(x)) * scale`."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor | float) -> Tensor:
        ctx.scale = scale
        return _without_local_mean(x, scale, out=torch.empty_like(x))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (g,) = gradients
        # A place lends each of its neighbours as much as those divide by: fewer than 9 at the border.
        lent = g / F.avg_pool2d(torch.ones_like(g[:1, :1]), 3, stride=1, padding=1)
        return (g - F.avg_pool2d(lent, 3, stride=1, padding=1)) * ctx.scale, None


class _MeanSquare(torch.autograd.Function):
    """The mean over channels of `(x - y)^2`, or of `x^2`; the difference is not kept for the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, y)
        norms: Tensor = torch.linalg.vector_norm(x if y is None else x - y, dim=1, keepdim=True)
        return norms.square_().div_(x.shape[1])

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


def _before_division(g: Tensor, y: Tensor, r: Tensor, gamma: Tensor) -> Tensor:
    """The gradient at what was divided, from `g` at the result `y = u r`: see `_ConvolvedAndDivided`."""
    masked = (g * y).mul_(r).mul_(r)
    masked = masked.mul_(gamma.view(-1, 1, 1)) if gamma.ndim == 1 else _mixed(masked, gamma.T)
    return (g * r).sub_(masked.mul_(y).div_(r))


def _twice(layers: Callable[[Tensor], Tensor], x: Tensor, gradient: Tensor) -> Tensor:
    """The gradient at `x` as something that can itself be differentiated."""
    with torch.enable_grad():
        (found,) = torch.autograd.grad(layers(x), x, gradient, create_graph=True)
    return found


def _wants_gradient(x: Tensor) -> bool:
    return torch.is_grad_enabled() and x.requires_grad


def _channels_first(x: Tensor) -> Tensor:
    """(N, H, W, C) as (N, C, H, W), the same memory."""
    return x.permute(0, 3, 1, 2)


def _image_by_image(layers: list[nn.Module], x: Tensor) -> Tensor:
    images = [_run(layers, image) for image in x.split(1)]
    return images[0] if len(images) == 1 else torch.cat(images)


def _run(layers: list[nn.Module], x: Tensor) -> Tensor:
    while layers:
        layer, *layers = layers
        if isinstance(layer, nn.Conv2d) and layers and type(layers[0]) is DivisiveNormalization:
            x = _convolved_and_divided(x, layer, layers[0])
            layers = layers[1:]
        else:
            x = _layer(layer, x)
    return x


def _layer(layer: nn.Module, x: Tensor) -> Tensor:
    # Planes suit few channels better.
    wide = max(x.shape[1], layer.out_channels if isinstance(layer, nn.Conv2d) else 0) > NARROW
    x = x.contiguous(memory_format=torch.channels_last if wide else torch.contiguous_format)
    if isinstance(layer, nn.MaxPool2d):
        y: Tensor = layer(x) if _wants_gradient(x) else _pooled(x)
        return y
    if type(layer) is DivisiveNormalization:
        return _divided(x, layer)
    if isinstance(layer, InverseDivisiveNormalization) and not _wants_gradient(x):
        return _reciprocal_pool(x, *_constants(layer)).reciprocal_().mul_(x)
    if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.bias is not None:
        return _mixed(x, layer.weight.flatten(1), layer.bias)
    y = layer(x)
    return y


def _pooled(x: Tensor) -> Tensor:
    """A max-pool of 2: several times as fast as PyTorch's where channels are few."""
    height, width = x.shape[-2:]
    if height % 2 or width % 2:
        x = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
    rows = torch.maximum(x[:, :, 0::2], x[:, :, 1::2])
    return torch.maximum(rows[..., 0::2], rows[..., 1::2])


def _divided(x: Tensor, division: DivisiveNormalization) -> Tensor:
    if _wants_gradient(x):
        divided: Tensor = _Divided.apply(x, division)  # type: ignore[no-untyped-call]
        return divided
    return _reciprocal_pool(x, *_constants(division)).mul_(x)


def _convolved_and_divided(x: Tensor, conv: nn.Conv2d, division: DivisiveNormalization) -> Tensor:
    """A convolution and the division of what it gives."""
    if _wants_gradient(x):
        divided: Tensor = _ConvolvedAndDivided.apply(x, conv, division)  # type: ignore[no-untyped-call]
        return divided
    return _strips_convolved_and_divided(x, conv, division)[0]


def _constants(division: DivisiveNormalization) -> tuple[Tensor, Tensor]:
    return division.beta.clamp(min=BETA_MIN), division.gamma.clamp(min=0)


def _reciprocal_pool(x: Tensor, beta: Tensor, gamma: Tensor) -> Tensor:
    """`1 / sqrt(beta_i + sum_j gamma_ij x_j^2)`, by which a division multiplies."""
    if gamma.ndim == 1:
        return x.square().mul_(gamma.view(-1, 1, 1)).add_(beta.view(-1, 1, 1)).rsqrt_()
    return _mixed(x.square(), gamma, beta).rsqrt_()


def _mixed(x: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
    """The matrix times the channels of each place, plus a bias; in the layout x has."""
    if len(matrix) > NARROW and x.dtype == torch.float32 and torch.backends.mkldnn.is_available():
        # Twice as fast as the library PyTorch takes for it on some processors, as fast on others.
        return onednn_product(x, matrix, bias)
    if not x.is_contiguous():
        return _channels_first(F.linear(x.permute(0, 2, 3, 1), matrix, bias))
    matrices = matrix.expand(len(x), -1, -1)
    product = (
        torch.bmm(matrices, x.flatten(2)) if bias is None else torch.baddbmm(bias[:, None], matrices, x.flatten(2))
    )
    return product.view(x.shape)


def _strips_convolved_and_divided(
    x: Tensor, conv: nn.Conv2d, division: DivisiveNormalization, *, keep_pool: bool = False
) -> tuple[Tensor, Tensor | None]:
    """The quotient and, if wanted, the reciprocal pool it was multiplied by."""
    height, width = x.shape[-2:]
    down, across = (side // 2 for side in conv.kernel_size)
    constants = _constants(division)
    padded = F.pad(x, (across, across, down, down)).contiguous(memory_format=torch.channels_last)
    result = _channels_first(x.new_empty(len(x), height, width, conv.out_channels))
    pool = torch.empty_like(result) if keep_pool else None
    for number, image in enumerate(padded.split(1)):
        for rows in _strips(height, width):
            place = slice(number, number + 1), slice(None), rows
            responses = F.conv2d(image[:, :, rows.start : rows.stop + 2 * down], conv.weight, conv.bias)
            reciprocal = _reciprocal_pool(responses, *constants)
            torch.mul(responses, reciprocal, out=result[place])
            if pool is not None:
                pool[place] = reciprocal
    return result, pool


def _without_local_mean(x: Tensor, scale: Tensor | float, out: Tensor) -> Tensor:
    for image, kept in zip(x.split(1), out.split(1), strict=True):
        means = _local_means(image)
        rows, mean = next(means)
        for following in means:
            # Where out is x, the rows beside a strip are needed as they were: each waits for the next one's mean.
            torch.sub(image[:, :, rows], mean, out=kept[:, :, rows]).mul_(scale)
            rows, mean = following
        torch.sub(image[:, :, rows], mean, out=kept[:, :, rows]).mul_(scale)
    return out


def _local_means(x: Tensor) -> Iterator[tuple[slice, Tensor]]:
    for rows in _strips(*x.shape[-2:]):
        above = max(rows.start - 1, 0)
        yield rows, local_mean(x[:, :, above : rows.stop + 1])[:, :, rows.start - above : rows.stop - above]


def _strips(height: int, width: int) -> list[slice]:
    rows = max(1, PLACES * torch.get_num_threads() // width)
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]
