"""From two sets of activations to a distance, and to a map of where it comes from.

The study's own readout, called `paper`: the root of the sum of squared differences, over all channels
and places of one stage (Hernández-Cámara et al., CCN 2025, arXiv 2508.10450).
"""

from __future__ import annotations

import torch
from torch import Tensor


def paper(a: Tensor, b: Tensor) -> Tensor:
    """The Euclidean distance of two sets of activations, for each image of the batch.

    `sqrt(sum_chw (a - b)^2)`; exactly 0, with gradient 0, where the two are equal.

    Args:
        a: floats (N, C, H, W), or (1, C, H, W) to compare one with all of `b`.
        b: likewise.

    Returns:
        Floats (N,).

    Example:
        >>> paper(torch.zeros(2, 1, 2, 2), torch.ones(1, 1, 2, 2))
        tensor([2., 2.])
    """
    # The norm's own gradient is defined at 0; that of a written-out root is not.
    distances: Tensor = torch.linalg.vector_norm(a - b, dim=(1, 2, 3))
    return distances


def paper_map(a: Tensor, b: Tensor, *, size: tuple[int, int], stride: int) -> Tensor:
    """The squared distance of two sets of activations, pixel by pixel: the map sums to `paper(a, b) ** 2`.

    The squared difference of each place, summed over channels, is spread evenly over the pixels the
    place stands for.

    Args:
        a: floats (N, C, h, w), or (1, C, h, w) to compare one with all of `b`.
        b: likewise.
        size: (H, W) of the images in pixels.
        stride: pixels from one place to the next.

    Returns:
        Floats (N, 1, H, W).

    Example:
        >>> paper_map(torch.zeros(1, 1, 1, 1), torch.ones(1, 1, 1, 1), size=(2, 2), stride=2).tolist()
        [[[[0.25, 0.25], [0.25, 0.25]]]]
    """
    energy = (a - b).square().sum(1, keepdim=True)
    rows, columns = (
        _shares(places, pixels, stride).to(energy) for places, pixels in zip(energy.shape[-2:], size, strict=True)
    )
    return rows @ energy @ columns.mT


def _shares(places: int, pixels: int, stride: int) -> Tensor:
    """(pixels, places): which share of a place each pixel of a line holds; every column sums to 1."""
    owners = torch.arange(pixels) // stride
    held = torch.zeros(pixels, places)
    held[torch.arange(pixels), owners] = 1
    # A decoder's output may reach past the image: the last pixel holds what lies there.
    held[-1, int(owners[-1]) + 1 :] = 1
    return held / held.sum(0)
