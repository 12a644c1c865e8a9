"""A pair of images of any size, tile by tile: memory that does not grow with the image.

A tile is encoded with what surrounds it as far as the network sees, so that every place gets the value the whole
image would give it, and at the image's own border the same padding. What is kept of it is a few numbers for 4x4
pixels (`perceptmetric.readout.Readout.terms`), not the activations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice, repeat
from typing import NamedTuple

import torch
from torch import Tensor

from perceptmetric.readout import Encoded, Readout

TILE = 768
"""Side in pixels. An activation of 128 channels then takes 22 MiB, less than glibc gives back to the system."""

SURROUND = 24
"""Pixels around a tile that its values depend on, at most. To the left of a place of the encoder's output it is 12:
conv3 sees 2 places of 4 pixels, conv2 2 of 2; the default readout's two local means see 4 each, the decoder 12."""

ALIGNMENT = 16
"""Every tile starts, also with its surround, at a multiple of all strides: those of the poolings and of the blocks
of 8x8 pixels whose mean colour the default readout takes."""


class Span(NamedTuple):
    """Where a tile lies along one side of the image, in pixels: `start` to `stop`, encoded from `first` to `last`."""

    first: int
    start: int
    stop: int
    last: int
    end: bool

    def places(self, stride: int) -> slice:
        """The tile's own places among those encoded; the last tile has all that follow, past the border too."""
        start = (self.start - self.first) // stride
        return slice(start, None if self.end else start + (self.stop - self.start) // stride)


def terms(readout: Readout, a: Tensor, b: Tensor, prepare: Callable[[Tensor], Tensor]) -> tuple[Tensor, ...]:
    """`readout.terms` of two batches, to within rounding.

    Args:
        readout: any.
        a: pixels (N, 3, H, W), or (1, 3, H, W) to compare one with all of `b`.
        b: likewise.
        prepare: makes of a tile's pixels what the readout encodes.

    Examples:
        >>> from perceptmetric.perceptnet import Autoencoder
        >>> from perceptmetric.readout import Paper
        >>> a, b = torch.rand(2, 1, 3, 800, 20)
        >>> readout = Paper(Autoencoder()).requires_grad_(False)
        >>> with torch.no_grad():
        ...     found, expected = terms(readout, a, b, lambda x: x), readout.terms(readout.encode(a), readout.encode(b))
        >>> torch.allclose(found[0], expected[0], atol=1e-5)
        True
    """
    height, width = a.shape[-2:]
    bands = [
        _joined([_tile(readout, a, b, prepare, rows, columns) for columns in spans(width)], dim=3)
        for rows in spans(height)
    ]
    return _joined(bands, dim=2)


def spans(length: int) -> list[Span]:
    """The tiles along a side.

    Examples:
        >>> [(span.start, span.stop) for span in spans(800)]
        [(0, 768), (768, 800)]
    """
    return [
        Span(
            first=max(start - SURROUND, 0) // ALIGNMENT * ALIGNMENT,
            start=start,
            stop=min(start + TILE, length),
            last=min(start + TILE + SURROUND, length),
            end=start + TILE >= length,
        )
        for start in range(0, length, TILE)
    ]


def _tile(
    readout: Readout, a: Tensor, b: Tensor, prepare: Callable[[Tensor], Tensor], rows: Span, columns: Span
) -> tuple[Tensor, ...]:
    def encoded(images: Tensor) -> Iterator[Encoded]:
        seen = images[:, :, rows.first : rows.last, columns.first : columns.last]
        each = (readout.encode(prepare(image)) for image in seen.split(1))
        return repeat(next(each)) if len(images) == 1 else each

    pairs = islice(zip(encoded(a), encoded(b), strict=False), max(len(a), len(b)))
    own = [(slice(None), slice(None), rows.places(stride), columns.places(stride)) for stride in readout.strides]
    return _joined(
        [tuple(values[place] for values, place in zip(readout.terms(*pair), own, strict=True)) for pair in pairs],
        dim=0,
    )


def _joined(parts: list[tuple[Tensor, ...]], dim: int) -> tuple[Tensor, ...]:
    return parts[0] if len(parts) == 1 else tuple(torch.cat(part, dim) for part in zip(*parts, strict=True))
