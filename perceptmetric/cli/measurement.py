"""The stream of the distances of pairs of image files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from perceptmetric.ahead import read_ahead
from perceptmetric.cli.pairs import Pair
from perceptmetric.cli.result import Result
from perceptmetric.errors import InputError
from perceptmetric.images import as_pixels
from perceptmetric.metric import PerceptualDistance

DECODERS = 4
"""Threads that decode images; decoding an image can take as long as encoding it."""


@torch.inference_mode()
def measure(pairs: Iterable[Pair], metrics: Sequence[PerceptualDistance], *, ahead: int = 0) -> Iterator[Result]:
    """Measures pairs one after another, each when its result is asked for.

    A reference that several consecutive pairs share is read once and encoded at most twice. A pair that cannot be
    measured does not stop the others: its result says why.

    Args:
        pairs: any iterable, also an endless one.
        metrics: at least one.
        ahead: how many further pairs are read while one is measured. With 0, a pair is only taken from `pairs` once
            the pair before it is done.

    Yields:
        The result of each pair, in order.

    Raises:
        InputError: `pairs` raises it.

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> grey = str(Path(tempfile.mkdtemp()) / "grey.png")
        >>> Image.new("RGB", (8, 8), "grey").save(grey)
        >>> [result.distances for result in measure([(grey, grey)], [PerceptualDistance()])]
        [(0.0,)]
    """
    reference: _Decoded = _Unreadable("")
    encoded = None
    with closing(read_ahead(_decode, _to_read(pairs), threads=DECODERS, limit=ahead + 1)) as decoded:
        for pair, new_reference, distorted in decoded:
            if new_reference is not None:
                reference, encoded = new_reference, None
            try:
                one, other = _usable(pair, reference, distorted)
                if new_reference is not None:
                    # A metric measures a large pair tile by tile. Encoding the reference keeps the activations of the
                    # whole image, which only pays when a second pair needs them.
                    distances = [metric(one, other) for metric in metrics]
                else:
                    encoded = encoded or [metric.encode(one) for metric in metrics]
                    distances = [
                        metric.compare(code, metric.encode(other))
                        for metric, code in zip(metrics, encoded, strict=True)
                    ]
            except InputError as error:
                yield Result(*pair, problem=str(error))
                continue
            yield Result(*pair, tuple(distance.item() for distance in distances))


@dataclass(frozen=True)
class _Unreadable:
    problem: str


_Decoded = np.ndarray | _Unreadable
"""Pixels (C, H, W), RGB or RGBA, as `perceptmetric.images.as_pixels` gives them, or why there are none."""


class _ToRead(NamedTuple):
    pair: Pair
    same_reference: bool
    """Whether the pair before this one has the same reference, so that it need not be read again."""


class _DecodedPair(NamedTuple):
    pair: Pair
    reference: _Decoded | None
    """None where the reference is that of the pair before."""
    distorted: _Decoded


def _to_read(pairs: Iterable[Pair]) -> Iterator[_ToRead]:
    previous = None
    for pair in pairs:
        yield _ToRead(pair, same_reference=pair[0] == previous)
        previous = pair[0]


def _decode(item: _ToRead) -> _DecodedPair:
    reference, distorted = item.pair
    return _DecodedPair(item.pair, None if item.same_reference else _pixels(reference), _pixels(distorted))


def _pixels(path: str) -> _Decoded:
    try:
        pixels: np.ndarray = as_pixels(path)[0].numpy()
    except (InputError, OSError) as error:
        return _Unreadable(str(error))
    return pixels


def _usable(pair: Pair, reference: _Decoded, distorted: _Decoded) -> tuple[np.ndarray, np.ndarray]:
    """The two images of a pair, if both could be read and have the same size."""
    if isinstance(reference, _Unreadable):
        raise InputError(reference.problem)
    if isinstance(distorted, _Unreadable):
        raise InputError(distorted.problem)
    if reference.shape[1:] != distorted.shape[1:]:
        (height, width), (expected_height, expected_width) = distorted.shape[1:], reference.shape[1:]
        raise InputError(
            f"{pair[1]}: found {width}x{height} pixels, expected {expected_width}x{expected_height} as {pair[0]} has"
        )
    return reference, distorted
