"""The network where no graph is needed, on CPU: the layers' results by fewer passes over memory.

A layer at a time, every pass over 128 channels leaves the cache, and the fresh memory each result takes costs more
(the system's page faults) than its arithmetic. Here the widest layers, conv3 and gdn4, are done a few rows at a
time; a division takes one matrix product and one pass; batches go image by image. Everything falls back to the plain
layers where gradients are on, on other devices, in half precision, and under PyTorch's compilers.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from perceptmetric.normalization import BETA_MIN, DivisiveNormalization

PLACES = 1024
"""Places of 128 channels done at a time, for each thread: half a MiB, which stays in a core's own cache."""


def available(x: Tensor) -> bool:
    """Whether results may be computed here: gradients are off, and `suits(x)`.

    Grad mode decides, not what requires a gradient: two images, of which one does, take one path, or the distance of
    an image from itself would be the paths' difference in rounding.

    Example:
        >>> available(torch.zeros(1))
        False
        >>> with torch.no_grad():
        ...     available(torch.zeros(1))
        True
    """
    return not torch.is_grad_enabled() and suits(x)


def suits(x: Tensor) -> bool:
    """Whether a tensor is of the kind meant here: float32 or float64 on CPU, and not followed by a compiler.

    Example:
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

    Example:
        >>> from perceptmetric.perceptnet import PerceptNet
        >>> layers, images = PerceptNet(), torch.rand(2, 3, 32, 32)
        >>> with torch.no_grad():
        ...     torch.allclose(run(layers, images), layers(images), atol=1e-5)
        True
    """
    if not available(x) or not len(layers):
        y: Tensor = layers(x)
        return y
    *front, last = layers
    if type(last) is DivisiveNormalization and front and isinstance(front[-1], nn.Conv2d):
        # The result of the whole batch is written but once, where it stays.
        return _convolved_and_divided(_image_by_image(front[:-1], x), front[-1], *_constants(last))
    return _image_by_image([*front, last], x)


def without_local_mean(x: Tensor, scale: Tensor | float) -> Tensor:
    """Responses (N, C, H, W) less the mean of the 3x3 places around each, times a number; `x` may be overwritten.

    Example:
        >>> without_local_mean(torch.ones(1, 2, 4, 4), 2.0).abs().max().item()
        0.0
    """
    if not available(x):
        return (x - local_mean(x)) * scale
    for image in x.split(1):
        means = _local_means(image)
        rows, mean = next(means)
        for following in means:
            # The rows beside a strip are needed as they were: each waits for the next one's mean.
            image[:, :, rows].sub_(mean).mul_(scale)
            rows, mean = following
        image[:, :, rows].sub_(mean).mul_(scale)
    return x


def local_mean(x: Tensor) -> Tensor:
    """The mean of the 3x3 places around each, of those that exist."""
    mean: Tensor = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)
    return mean


def mean_square(x: Tensor) -> Tensor:
    """The mean over channels of the squares, (N, 1, H, W).

    Example:
        >>> mean_square(torch.full((1, 4, 1, 1), 2.0)).item()
        4.0
    """
    if available(x):
        norms: Tensor = torch.linalg.vector_norm(x, dim=1, keepdim=True)
        return norms.square_().div_(x.shape[1])
    return x.square().mean(1, keepdim=True)


def _local_means(x: Tensor) -> Iterator[tuple[slice, Tensor]]:
    for rows in _strips(*x.shape[-2:]):
        above = max(rows.start - 1, 0)
        yield rows, local_mean(x[:, :, above : rows.stop + 1])[:, :, rows.start - above : rows.stop - above]


def _image_by_image(layers: list[nn.Module], x: Tensor) -> Tensor:
    images = [_run(layers, image) for image in x.split(1)]
    return images[0] if len(images) == 1 else torch.cat(images)


def _run(layers: list[nn.Module], x: Tensor) -> Tensor:
    x = x.contiguous()  # planes suit the first layers' three channels better
    while layers:
        layer, *layers = layers
        if isinstance(layer, nn.MaxPool2d):
            x = _pooled(x)
        elif type(layer) is DivisiveNormalization:
            x = _divided(x, *_constants(layer))
        elif isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.bias is not None:
            x = _mixed(x, layer.weight.flatten(1), layer.bias)
        elif isinstance(layer, nn.Conv2d) and layers and type(layers[0]) is DivisiveNormalization:
            x = _convolved_and_divided(x, layer, *_constants(layers[0]))
            layers = layers[1:]
        else:
            x = layer(x)
    return x


def _constants(layer: DivisiveNormalization) -> tuple[Tensor, Tensor]:
    return layer.beta.clamp(min=BETA_MIN), layer.gamma.clamp(min=0)


def _pooled(x: Tensor) -> Tensor:
    """A max-pool of 2: several times as fast as PyTorch's where channels are few."""
    height, width = x.shape[-2:]
    if height % 2 or width % 2:
        x = F.pad(x, (0, width % 2, 0, height % 2), mode="replicate")
    rows = torch.maximum(x[:, :, 0::2], x[:, :, 1::2])
    return torch.maximum(rows[..., 0::2], rows[..., 1::2])


def _divided(x: Tensor, beta: Tensor, gamma: Tensor) -> Tensor:
    if gamma.ndim == 1:
        energy = x.square().mul_(gamma.view(-1, 1, 1)).add_(beta.view(-1, 1, 1))
    else:
        energy = _mixed(x.square(), gamma, beta)
    return energy.rsqrt_().mul_(x)


def _mixed(x: Tensor, matrix: Tensor, bias: Tensor) -> Tensor:
    """The matrix times the channels of each place, plus a bias; in the layout x has."""
    if x.is_contiguous():
        return torch.baddbmm(bias[:, None], matrix.expand(len(x), -1, -1), x.flatten(2)).view(x.shape)
    places = x.permute(0, 2, 3, 1)
    return torch.addmm(bias, places.flatten(0, 2), matrix.T).view(places.shape).permute(0, 3, 1, 2)


def _convolved_and_divided(x: Tensor, conv: nn.Conv2d, beta: Tensor, gamma: Tensor) -> Tensor:
    """A convolution and the division of what it gives."""
    height, width = x.shape[-2:]
    down, across = (side // 2 for side in conv.kernel_size)
    padded = F.pad(x, (across, across, down, down)).contiguous(memory_format=torch.channels_last)
    result = x.new_empty(len(x), height, width, conv.out_channels)
    for image, out in zip(padded.split(1), result, strict=True):
        for rows in _strips(height, width):
            responses = F.conv2d(image[:, :, rows.start : rows.stop + 2 * down], conv.weight, conv.bias)
            places = responses.permute(0, 2, 3, 1).flatten(0, 2)
            energy = out[rows].flatten(0, 1)
            torch.addmm(beta, places.square(), gamma.T, out=energy)
            energy.rsqrt_().mul_(places)
    return result.permute(0, 3, 1, 2)


def _strips(height: int, width: int) -> list[slice]:
    rows = max(1, PLACES * torch.get_num_threads() // width)
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]
