"""How the network's responses to two images become a distance, and a map of where it comes from.

There are two readouts: `paper` is exactly the study's, and `default` agrees better with people
(docs/explanation/metric.md).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from perceptmetric.errors import InputError
from perceptmetric.fast.layers import run
from perceptmetric.fast.local import local_mean, mean_square, without_local_mean
from perceptmetric.perceptnet import Autoencoder, stride
from perceptmetric.precision import product

Encoded = tuple[Tensor, ...]
"""What a readout keeps of a batch of images: tensors whose first dimension is N."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in luma (ITU-R BT.601)."""

BLOCK = 8
"""The default readout compares the mean colours of blocks of this side in pixels."""

FORM_STRIDE = stride("gdn4")
COLOUR_STRIDE = BLOCK * stride("gdn2")

STATISTICS = ("form", "luma", "chroma")
"""The numbers that the default readout needs of a network; `natural_statistics` measures them."""


class Readout(nn.Module):
    """What a metric keeps of an image, and how it compares two of them.

    Images are compared in three steps: `encode` keeps what matters of each, `terms` compares two of them place by
    place, and `reduce` makes one number of all places. A term depends only on what is near its place, so a large image
    can be compared tile by tile (`perceptmetric.tiles`).
    """

    strides: tuple[int, ...]
    """For each of the terms, how many pixels apart two neighbouring places are."""

    def encode(self, images: Tensor) -> Encoded:
        """What the comparison needs of each image.

        Args:
            images: floats (N, 3, H, W) in [0, 1].

        Returns:
            Tensors whose first dimension is N.
        """
        raise NotImplementedError

    def terms(self, a: Encoded, b: Encoded) -> tuple[Tensor, ...]:
        """How much the images differ at each place.

        Args:
            a: what `encode` returned, of N images or of one that is compared with all of `b`.
            b: likewise.

        Returns:
            Floats (N, C, h, w), one tensor for each of `strides`.
        """
        raise NotImplementedError

    def reduce(self, *terms: Tensor) -> Tensor:
        """The distances (N,), from the terms of all places."""
        raise NotImplementedError

    def compare(self, a: Encoded, b: Encoded) -> Tensor:
        """The distances (N,) of images; `a` and `b` are as for `terms`."""
        return self.reduce(*self.terms(a, b))

    def map(self, a: Encoded, b: Encoded, size: tuple[int, int], pixel: tuple[float, float] = (1, 1)) -> Tensor:
        """How much each pixel contributes to the distance.

        Args:
            a: as for `terms`.
            b: as for `terms`.
            size: (H, W) of the map.
            pixel: height and width of one pixel of the encoded images, in pixels of the map.

        Returns:
            Floats (N, 1, H, W), not negative.
        """
        raise NotImplementedError


class Paper(Readout):
    """The study's readout: the Euclidean distance of the activations of one stage, `sqrt(sum_chw (a - b)^2)`.

    Hernández-Cámara et al., CCN 2025, arXiv 2508.10450. The distance grows with the image: twice the area gives about
    sqrt(2) times the distance. The sum of the map is the distance squared.

    Args:
        network: a trained autoencoder, whose layers up to `stage` are copied.
        stage: one of `perceptmetric.perceptnet.STAGES`.

    Raises:
        ValueError: no such stage.

    Examples:
        >>> readout = Paper(Autoencoder(), "input")
        >>> black, white = readout.encode(torch.zeros(1, 3, 4, 4)), readout.encode(torch.ones(1, 3, 4, 4))
        >>> readout.compare(black, white)  # sqrt(3 * 4 * 4)
        tensor([6.9282])
    """

    def __init__(self, network: Autoencoder, stage: str = "gdn4") -> None:
        super().__init__()
        self.layers = copy.deepcopy(network.until(stage))
        self.strides = (stride(stage),)

    def encode(self, images: Tensor) -> Encoded:
        """The activations of the stage."""
        return (run(self.layers, images),)

    def terms(self, a: Encoded, b: Encoded) -> tuple[Tensor]:
        """The squared difference of each place, `sum_c (a - b)^2`, (N, 1, h, w)."""
        channels = a[0].shape[1]
        return (channels * mean_square(a[0], b[0]),)

    def reduce(self, *terms: Tensor) -> Tensor:
        """The root of the sum over places; where that is exactly 0, so is its gradient."""
        return _root(terms[0].sum((1, 2, 3)))

    def map(self, a: Encoded, b: Encoded, size: tuple[int, int], pixel: tuple[float, float] = (1, 1)) -> Tensor:
        """The squared difference of each place, shared out evenly among the pixels it stands for."""
        return spread(*self.terms(a, b), size, _times(self.strides[0], pixel))


class Default(Readout):
    """How visible the error is in V1, given how far the image masks it, plus the difference in mean colour.

    It has three ingredients; docs/explanation/metric.md says how much each of them matters:

    - **Form.** The encoder sees the luma of the image. The mean over 3x3 places is subtracted from its output, which
      leaves structure: responses z, in units of their root mean square over natural images. Let < > be the mean over
      channels and 3x3 places. Then the local energy of an image is v = <z^2>, and the local error between two images
      is e = <(z_a - z_b)^2>. The error is visible as far as it stands out from what both images show there,
      m = min(v_a, v_b): it counts as `log(1 + e / (m + C))`.
    - **Colour.** The image, averaged over blocks of 8x8 pixels, passes the network up to `gdn2` (Von Kries adaptation),
      once in colour and once as luma. This gives the response to luma (times LIGHT) and what colour adds to it, both
      in units of their standard deviation over natural images. Their root mean square difference is k.
    - **Content.** The sum of both is divided by how visible a strong error R would be at the same places of these
      images, `log(1 + R / (m + C))`. So unrelated images are about 1 apart, whatever their size.

    `distance = mean(log(1 + e / (m + C)) + W k) / mean(log(1 + R / (m + C)))`, with means over places. The mean of the
    map is the distance.

    Args:
        network: a trained autoencoder, whose encoder is copied.
        statistics: what `natural_statistics` measures of the network.

    Examples:
        >>> network = Autoencoder()
        >>> images = torch.rand(4, 3, 32, 32)
        >>> readout = Default(network, natural_statistics(network, images.split(1)))
        >>> encoded = readout.encode(images)
        >>> readout.compare(encoded, encoded).tolist()
        [0.0, 0.0, 0.0, 0.0]
    """

    C = 0.2
    R = 10.0
    W = 0.5
    LIGHT = 0.25

    strides = (FORM_STRIDE, FORM_STRIDE, COLOUR_STRIDE)

    form: Tensor
    luma: Tensor
    chroma: Tensor

    def __init__(self, network: Autoencoder, statistics: Mapping[str, float]) -> None:
        super().__init__()
        copied = copy.deepcopy(network)
        self.encoder = copied.encoder
        self.adaptation = copied.until("gdn2")
        for name in STATISTICS:
            self.register_buffer(name, torch.tensor(float(statistics[name])).rsqrt())

    def encode(self, images: Tensor) -> Encoded:
        """Form (N, 128, h, w), its local energy (N, 1, h, w), and mean colour (N, 6, H / 16, W / 16)."""
        form, luma, chroma = _pathways(self.encoder, self.adaptation, images, self.form)
        colour = torch.cat([self.LIGHT * luma * self.luma, chroma * self.chroma], 1)
        return form, local_mean(mean_square(form)), colour

    def terms(self, a: Encoded, b: Encoded) -> tuple[Tensor, Tensor, Tensor]:
        """How visible the error is and how visible a strong one would be, and the difference in colour.

        Returns:
            Two tensors (N, 1, h, w) and one (N, 6, H / 16, W / 16).
        """
        masking = torch.minimum(a[1], b[1]) + self.C
        error = local_mean(mean_square(a[0], b[0]))
        return torch.log1p(error / masking), torch.log1p(self.R / masking), a[2] - b[2]

    def reduce(self, *terms: Tensor) -> Tensor:
        """`(mean(visible) + W k) / mean(strong)`."""
        visible, strong, colour = terms
        return (visible.mean((1, 2, 3)) + self.W * _rms(colour)) / strong.mean((1, 2, 3))

    def map(self, a: Encoded, b: Encoded, size: tuple[int, int], pixel: tuple[float, float] = (1, 1)) -> Tensor:
        """The share of each pixel: of form as visible as it is there, of colour in proportion to its square."""
        visible, strong, colour = self.terms(a, b)
        energy = colour.square().mean(1, keepdim=True)
        rms = _rms(colour)[:, None, None, None]
        form_map = _level(visible, size, _times(FORM_STRIDE, pixel))
        colour_map = _level(energy, size, _times(COLOUR_STRIDE, pixel)) / torch.where(rms > 0, rms, 1)
        return (form_map + self.W * colour_map) / strong.mean((1, 2, 3), keepdim=True)


def build(name: str, network: Autoencoder, stage: str | None, statistics: Mapping[str, float] | None) -> Readout:
    """Makes a readout by its name.

    Args:
        name: `default` or `paper`.
        network: a trained autoencoder.
        stage: the stage that `paper` compares, `gdn4` where None; `default` compares several and takes no stage.
        statistics: what `natural_statistics` measures of the network; only `default` needs them.

    Raises:
        ValueError: there is no such readout or stage, or `default` was given a stage.
        InputError: `default` was given no statistics.

    Examples:
        >>> build("paper", Autoencoder(), None, None).strides
        (4,)
    """
    if name == "paper":
        return Paper(network, stage or "gdn4")
    if name != "default":
        raise ValueError(f"readout: found {name!r}, expected 'default' or 'paper'")
    if stage is not None:
        raise ValueError(f"stage: found {stage!r}, expected none with the default readout; readout='paper' takes one")
    if statistics is None or not all(0 < statistics.get(key, 0) < math.inf for key in STATISTICS):
        raise InputError(
            f"statistics: found {statistics}, expected the positive {', '.join(STATISTICS)} that natural_statistics "
            "measures of a network; readout='paper' needs none"
        )
    return Default(network, statistics)


@torch.inference_mode()
def natural_statistics(network: Autoencoder, photographs: Iterable[Tensor]) -> dict[str, float]:
    """How strongly the network responds to natural images: the units of the default readout.

    Args:
        network: a trained autoencoder.
        photographs: batches (N, 3, H, W) of floats in [0, 1].

    Returns:
        `form`, the mean square of the encoder's response to luma without its local mean; `luma`, the variance of
        the response of `gdn2` to the luma of the blocks; `chroma`, the variance of what their colour adds to it. Both
        variances are means over channels.

    Examples:
        >>> sorted(natural_statistics(Autoencoder(), [torch.rand(2, 3, 32, 32)]))
        ['chroma', 'form', 'luma']
    """
    squares, lumas, chromas = [], [], []
    for images in photographs:
        form, luma, chroma = _pathways(network.encoder, network.until("gdn2"), images)
        squares.append(form.square().mean((1, 2, 3)))
        lumas.append(luma.transpose(0, 1).flatten(1))
        chromas.append(chroma.transpose(0, 1).flatten(1))
    return {
        "form": torch.cat(squares).mean().item(),
        "luma": torch.cat(lumas, 1).var(1).mean().item(),
        "chroma": torch.cat(chromas, 1).var(1).mean().item(),
    }


def _pathways(
    encoder: nn.Sequential, adaptation: nn.Sequential, images: Tensor, scale: Tensor | float = 1.0
) -> tuple[Tensor, Tensor, Tensor]:
    """Form without its local mean, times `scale`; the response of gdn2 to the blocks' luma; what colour adds to it."""
    form = without_local_mean(run(encoder, _grey(images)), scale)
    averaged = F.avg_pool2d(images, BLOCK, ceil_mode=True, count_include_pad=False)
    luma, coloured = (run(adaptation, x) for x in (_grey(averaged), averaged))
    return form, luma, coloured - luma


def _grey(images: Tensor) -> Tensor:
    weights = torch.tensor(LUMA, dtype=images.dtype, device=images.device).view(1, 3, 1, 1)
    return F.conv2d(images, weights).expand_as(images)


def _rms(x: Tensor) -> Tensor:
    """The root mean square over each image, (N,)."""
    return _root(x.square().mean((1, 2, 3)))


def _root(x: Tensor) -> Tensor:
    """The square root, with gradient 0 at 0, where its own is infinite."""
    return torch.where(x > 0, torch.where(x > 0, x, 1).sqrt(), 0)


def euclidean(a: Tensor, b: Tensor) -> Tensor:
    """The Euclidean distance of the activations of two images, `sqrt(sum_chw (a - b)^2)`, for each pair in a batch.

    Where the activations are equal it is exactly 0, and so is its gradient.

    Args:
        a: floats (N, C, H, W), or (1, C, H, W) to compare one image with all of `b`.
        b: likewise.

    Returns:
        Floats (N,).

    Examples:
        >>> euclidean(torch.zeros(2, 1, 2, 2), torch.ones(1, 1, 2, 2))
        tensor([2., 2.])
    """
    # PyTorch gives this norm the gradient 0 at 0; a written-out root would have none.
    distances: Tensor = torch.linalg.vector_norm(a - b, dim=(1, 2, 3))
    return distances


def spread(values: Tensor, size: tuple[int, int], stride: tuple[float, float]) -> Tensor:
    """Shares out the value of each place evenly among the pixels it stands for, so that the sum does not change.

    Args:
        values: floats (N, 1, h, w).
        size: (H, W) of the image in pixels.
        stride: how many pixels apart neighbouring places are, down and across.

    Returns:
        Floats (N, 1, H, W).

    Examples:
        >>> spread(torch.ones(1, 1, 1, 1), size=(2, 2), stride=(2, 2)).tolist()
        [[[[0.25, 0.25], [0.25, 0.25]]]]
    """
    rows, columns = (_shares(*line).to(values) for line in zip(values.shape[-2:], size, stride, strict=True))
    return product(columns, product(rows, values.squeeze(1)).mT).mT.unsqueeze(1)


def _times(places: int, pixel: tuple[float, float]) -> tuple[float, float]:
    return places * pixel[0], places * pixel[1]


def _level(values: Tensor, size: tuple[int, int], stride: tuple[float, float]) -> Tensor:
    """The values spread over pixels so that the mean does not change."""
    places = values.shape[-2] * values.shape[-1]
    return spread(values, size, stride) * (size[0] * size[1] / places)


def _shares(places: int, pixels: int, stride: float) -> Tensor:
    """(pixels, places): the share of each place that each pixel of a line gets; every column sums to 1."""
    # The decoder's output can be larger than the image: its last pixel gets what lies beyond.
    at, left = (torch.arange(number, dtype=torch.float32, device="cpu") for number in (places, pixels))
    starts = (at * stride).clamp(max=pixels - 1)[None]
    ends = ((at + 1) * stride).clamp(max=pixels)[None]
    left = left[:, None]
    held = (torch.minimum(ends, left + 1) - torch.maximum(starts, left)).clamp(min=0)
    return held / held.sum(0)
