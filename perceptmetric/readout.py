"""From two images, as the network sees them, to a distance and to a map of where it comes from.

Two readouts: `paper`, exactly the study's, and `default`, which agrees better with people (docs/explanation/metric.md).
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

Encoded = tuple[Tensor, ...]

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in luma (ITU-R BT.601)."""

BLOCK = 8
"""Side in pixels of the blocks whose mean colour the default readout compares."""

FORM_STRIDE = stride("gdn4")
COLOUR_STRIDE = BLOCK * stride("gdn2")

STATISTICS = ("form", "luma", "chroma")
"""What the default readout needs to know of a network: see `natural_statistics`."""


class Readout(nn.Module):
    """What a metric keeps of an image, and how it compares two of them.

    The distance is `pool(*terms)`: what each place says, then one number. Terms depend on their surroundings alone, so
    that a large image may be done tile by tile (`perceptmetric.tiles`).
    """

    strides: tuple[int, ...]
    """Pixels from one place to the next, of each of the terms."""

    def encode(self, images: Tensor) -> Encoded:
        """What `compare` and `map` need of a batch (N, 3, H, W): tensors whose first dimension is N."""
        raise NotImplementedError

    def compare(self, a: Encoded, b: Encoded) -> Tensor:
        """The distances (N,); either side may hold one image, which is compared with all of the other side."""
        raise NotImplementedError

    def terms(self, a: Encoded, b: Encoded) -> tuple[Tensor, ...]:
        """What decides the distance, place by place: maps (N, C, h, w)."""
        raise NotImplementedError

    def pool(self, *terms: Tensor) -> Tensor:
        """The distances (N,) from the terms."""
        raise NotImplementedError

    def map(self, a: Encoded, b: Encoded, size: tuple[int, int], pixel: tuple[float, float] = (1, 1)) -> Tensor:
        """The distance pixel by pixel, (N, 1, H, W).

        Args:
            a: what `encode` gave.
            b: likewise.
            size: (H, W) of the map.
            pixel: height and width, in pixels of the map, of one pixel of the images that were encoded.
        """
        raise NotImplementedError


class Paper(Readout):
    """The study's readout: the root of the sum of squared differences over all channels and places of one stage.

    Hernández-Cámara et al., CCN 2025, arXiv 2508.10450. It adds up over the image: images twice as large in area are
    about sqrt(2) times as far apart. The map sums to the distance squared.

    Args:
        network: a trained autoencoder, of which the layers up to `stage` are copied.
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

    def compare(self, a: Encoded, b: Encoded) -> Tensor:
        """`sqrt(sum_chw (a - b)^2)`; exactly 0, with gradient 0, where the two are equal."""
        return euclidean(a[0], b[0])

    def terms(self, a: Encoded, b: Encoded) -> tuple[Tensor]:
        """`sqrt(sum_c (a - b)^2)`."""
        return (torch.linalg.vector_norm(a[0] - b[0], dim=1, keepdim=True),)

    def pool(self, *terms: Tensor) -> Tensor:
        """The norm of the places' norms."""
        norms: Tensor = torch.linalg.vector_norm(terms[0], dim=(1, 2, 3))
        return norms

    def map(self, a: Encoded, b: Encoded, size: tuple[int, int], pixel: tuple[float, float] = (1, 1)) -> Tensor:
        """The squared difference of each place, spread evenly over the pixels it stands for."""
        return spread((a[0] - b[0]).square().sum(1, keepdim=True), size, _times(self.strides[0], pixel))


class Default(Readout):
    """How visible the error is in V1, beside the masking by the image itself, plus the difference in mean colour.

    Three ingredients, of which docs/explanation/metric.md measures each:

    - **Form.** The encoder sees the luma of the image. Its output loses its local mean (3x3 places), so that what is
      left is structure: responses z, in units of their root mean square over natural images. With the mean over
      channels and 3x3 places written < >, the local energy of an image is v = <z^2>, the local error between two
      images e = <(z_a - z_b)^2>, and the error is visible as far as it stands out of what both images show there:
      `log(1 + e / (m + C))`, m = min(v_a, v_b).
    - **Colour.** The image averaged over 8x8 pixels passes the network up to `gdn2` (Von Kries adaptation), in
      colour and as luma. Luma's response (times LIGHT), and what colour adds to it, in units of
      their standard deviation over natural images, differ by a root mean square of k.
    - **Content.** Their sum is divided by how visible a strong error R would be in the same place of these images,
      `log(1 + R / (m + C))`. So 1 is about the distance of unrelated images, whatever the image's size.

    `distance = mean(log(1 + e / (m + C)) + W k) / mean(log(1 + R / (m + C)))`, means over places. The map's mean is
    the distance.

    Args:
        network: a trained autoencoder, whose encoder is copied.
        statistics: what `natural_statistics` measured of it.

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
        self.encoder = copy.deepcopy(network.encoder)
        self.adaptation = copy.deepcopy(network.until("gdn2"))
        for name in STATISTICS:
            self.register_buffer(name, torch.tensor(float(statistics[name])).rsqrt())

    def encode(self, images: Tensor) -> Encoded:
        """Form (N, 128, h, w), its local energy (N, 1, h, w), and mean colour (N, 6, H / 16, W / 16)."""
        form, luma, chroma = _pathways(self.encoder, self.adaptation, images, self.form)
        colour = torch.cat([self.LIGHT * luma * self.luma, chroma * self.chroma], 1)
        return form, local_mean(mean_square(form)), colour

    def compare(self, a: Encoded, b: Encoded) -> Tensor:
        """`(mean(visible) + W k) / mean(strong)`."""
        return self.pool(*self.terms(a, b))

    def terms(self, a: Encoded, b: Encoded) -> tuple[Tensor, Tensor, Tensor]:
        """Visible and strong errors of form (N, 1, h, w), and the difference in colour (N, 6, H / 16, W / 16)."""
        masking = torch.minimum(a[1], b[1]) + self.C
        error = local_mean(mean_square(a[0], b[0]))
        return torch.log1p(error / masking), torch.log1p(self.R / masking), a[2] - b[2]

    def pool(self, *terms: Tensor) -> Tensor:
        """`(mean(visible) + W k) / mean(strong)`."""
        visible, strong, colour = terms
        return (visible.mean((1, 2, 3)) + self.W * _rms(colour)) / strong.mean((1, 2, 3))

    def map(self, a: Encoded, b: Encoded, size: tuple[int, int], pixel: tuple[float, float] = (1, 1)) -> Tensor:
        """Visible errors of form where they are, those of colour by their square; the mean is the distance."""
        visible, strong, colour = self.terms(a, b)
        energy = colour.square().mean(1, keepdim=True)
        rms = _rms(colour)[:, None, None, None]
        form_map = _level(visible, size, _times(FORM_STRIDE, pixel))
        colour_map = _level(energy, size, _times(COLOUR_STRIDE, pixel)) / torch.where(rms > 0, rms, 1)
        return (form_map + self.W * colour_map) / strong.mean((1, 2, 3), keepdim=True)


def build(name: str, network: Autoencoder, stage: str | None, statistics: Mapping[str, float] | None) -> Readout:
    """The readout of a name.

    Args:
        name: `default` or `paper`.
        network: a trained autoencoder.
        stage: for `paper`, where None means `gdn4`; the default reads several and takes None.
        statistics: for `default`, from `natural_statistics`.

    Raises:
        ValueError: no such readout or stage.
        InputError: no statistics for the default.

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
    """What the default readout divides by: how strong the network's responses are over natural images.

    Args:
        network: a trained autoencoder.
        photographs: batches (N, 3, H, W) of floats in [0, 1].

    Returns:
        `form`: mean square of the encoder's output to luma without its local mean; `luma` and `chroma`: variance
        (mean of the channels) of gdn2's response to the mean colour, and of what colour adds to it.

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
    """Form without its local mean, scaled, and gdn2's response to the mean colour: that to its luma, and the rest."""
    form = without_local_mean(run(encoder, _grey(images)), scale)
    averaged = F.avg_pool2d(images, BLOCK, ceil_mode=True, count_include_pad=False)
    luma, coloured = (run(adaptation, x) for x in (_grey(averaged), averaged))
    return form, luma, coloured - luma


def _grey(images: Tensor) -> Tensor:
    weights = torch.tensor(LUMA, dtype=images.dtype, device=images.device).view(1, 3, 1, 1)
    return F.conv2d(images, weights).expand_as(images)


def _rms(x: Tensor) -> Tensor:
    """The root mean square of each image's entries, (N,); its gradient is 0 at 0."""
    energy = x.square().mean((1, 2, 3))
    return torch.where(energy > 0, torch.where(energy > 0, energy, 1).sqrt(), 0)


def euclidean(a: Tensor, b: Tensor) -> Tensor:
    """The Euclidean distance of two sets of activations, for each image of the batch.

    `sqrt(sum_chw (a - b)^2)`; exactly 0, with gradient 0, where the two are equal.

    Args:
        a: floats (N, C, H, W), or (1, C, H, W) to compare one with all of `b`.
        b: likewise.

    Returns:
        Floats (N,).

    Examples:
        >>> euclidean(torch.zeros(2, 1, 2, 2), torch.ones(1, 1, 2, 2))
        tensor([2., 2.])
    """
    # The norm's own gradient is defined at 0; that of a written-out root is not.
    distances: Tensor = torch.linalg.vector_norm(a - b, dim=(1, 2, 3))
    return distances


def spread(values: Tensor, size: tuple[int, int], stride: tuple[float, float]) -> Tensor:
    """The value of each place shared out evenly among the pixels it stands for; sums stay what they are.

    Args:
        values: floats (N, 1, h, w).
        size: (H, W) of the image in pixels.
        stride: pixels from one place to the next, down and across.

    Returns:
        Floats (N, 1, H, W).

    Examples:
        >>> spread(torch.ones(1, 1, 1, 1), size=(2, 2), stride=(2, 2)).tolist()
        [[[[0.25, 0.25], [0.25, 0.25]]]]
    """
    rows, columns = (_shares(*line).to(values) for line in zip(values.shape[-2:], size, stride, strict=True))
    return rows @ values @ columns.mT


def _times(places: int, pixel: tuple[float, float]) -> tuple[float, float]:
    return places * pixel[0], places * pixel[1]


def _level(values: Tensor, size: tuple[int, int], stride: tuple[float, float]) -> Tensor:
    """The values spread over pixels so that their mean, not their sum, stays what it is."""
    places = values.shape[-2] * values.shape[-1]
    return spread(values, size, stride) * (size[0] * size[1] / places)


def _shares(places: int, pixels: int, stride: float) -> Tensor:
    """(pixels, places): which share of a place each pixel of a line holds; every column sums to 1."""
    # Places may reach past the image (a decoder's output does): the last pixel holds what lies there.
    starts = (torch.arange(places) * stride).clamp(max=pixels - 1)[None]
    ends = ((torch.arange(places) + 1) * stride).clamp(max=pixels)[None]
    left = torch.arange(pixels)[:, None]
    held = (torch.minimum(ends, left + 1) - torch.maximum(starts, left)).clamp(min=0)
    return held / held.sum(0)
