"""Which images to compare, and the stream of their distances."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from perceptmetric.ahead import read_ahead
from perceptmetric.errors import InputError
from perceptmetric.images import as_pixels
from perceptmetric.metric import PerceptualDistance

Pair = tuple[str, str]
"""The paths of a reference and of a distorted image."""

DECODERS = 4
"""Threads that decode images; decoding an image can take as long as encoding it."""


@dataclass(frozen=True)
class Result:
    """The distances of one pair.

    Args:
        reference: path of the reference.
        distorted: path of the distorted image.
        distances: one number for each metric, in the order of the metrics.

    Examples:
        >>> Result("cat.png", "cat.jpg", (0.5,)).distances
        (0.5,)
    """

    reference: str
    distorted: str
    distances: tuple[float, ...]


@torch.inference_mode()
def measure(pairs: Iterable[Pair], metrics: Sequence[PerceptualDistance], *, ahead: int = 0) -> Iterator[Result]:
    """Measures pairs one after another, each when its result is asked for.

    A reference that several consecutive pairs share is read once and encoded at most twice.

    Args:
        pairs: any iterable, also an endless one.
        metrics: at least one.
        ahead: how many further pairs are read while one is measured. With 0, a pair is only taken from `pairs` once
            the pair before it is done.

    Yields:
        The result of each pair, in order.

    Raises:
        FileNotFoundError: an image does not exist.
        InputError: an image cannot be used, or the images of a pair differ in size.

    Examples:
        >>> import tempfile
        >>> grey = str(Path(tempfile.mkdtemp()) / "grey.png")
        >>> Image.new("RGB", (8, 8), "grey").save(grey)
        >>> [result.distances for result in measure([(grey, grey)], [PerceptualDistance()])]
        [(0.0,)]
    """
    with closing(read_ahead(_decode, _to_read(pairs), threads=DECODERS, limit=ahead + 1)) as decoded:
        for pair, new_reference, distorted in decoded:
            if new_reference is not None:
                reference, encoded = new_reference, None
            _check_sizes(pair, reference, distorted)
            if new_reference is not None:
                # A metric measures a large pair tile by tile. Encoding the reference keeps the activations of the
                # whole image, which only pays when a second pair needs them.
                distances = [metric(reference, distorted) for metric in metrics]
            else:
                encoded = encoded or [metric.encode(reference) for metric in metrics]
                distances = [
                    metric.compare(one, metric.encode(distorted)) for metric, one in zip(metrics, encoded, strict=True)
                ]
            yield Result(*pair, tuple(distance.item() for distance in distances))


class _ToRead(NamedTuple):
    pair: Pair
    same_reference: bool
    """Whether the pair before this one has the same reference, so that it need not be read again."""


class _Decoded(NamedTuple):
    pair: Pair
    reference: np.ndarray | None
    """uint8 (3, H, W), or None where the reference is that of the pair before."""
    distorted: np.ndarray
    """uint8 (3, H, W)."""


def _to_read(pairs: Iterable[Pair]) -> Iterator[_ToRead]:
    previous = None
    for pair in pairs:
        yield _ToRead(pair, same_reference=pair[0] == previous)
        previous = pair[0]


def _decode(item: _ToRead) -> _Decoded:
    reference, distorted = item.pair
    return _Decoded(item.pair, None if item.same_reference else _pixels(reference), _pixels(distorted))


def _pixels(path: str) -> np.ndarray:
    pixels: np.ndarray = as_pixels(path)[0].numpy()
    return pixels


def _check_sizes(pair: Pair, reference: np.ndarray, distorted: np.ndarray) -> None:
    if reference.shape != distorted.shape:
        (height, width), (expected_height, expected_width) = distorted.shape[1:], reference.shape[1:]
        raise InputError(
            f"{pair[1]}: found {width}x{height} pixels, expected {expected_width}x{expected_height} as {pair[0]} has"
        )


def from_files(reference: str, distorted: Sequence[str]) -> list[Pair]:
    """Pairs one reference with each of many images.

    Args:
        reference: path of an image.
        distorted: paths or patterns. A name with `*`, `?` or `[` that is not itself a file is a pattern and stands for
            all files that match it; `**` matches any folders.

    Raises:
        InputError: no file matches a pattern.

    Examples:
        >>> from_files("a.png", ["b.png", "c.png"])
        [('a.png', 'b.png'), ('a.png', 'c.png')]
    """
    return [(reference, path) for name in distorted for path in _expanded(name)]


def from_folders(references: Path, distorted: Path) -> list[Pair]:
    """Pairs the images of two folder trees that have the same path within their folder, apart from the extension.

    Args:
        references: folder of the references; files with an extension that Pillow knows are images.
        distorted: folder of the distorted images.

    Returns:
        The pairs, sorted by the path within the folder.

    Raises:
        InputError: an image has no counterpart or more than one, or a folder holds no image.

    Examples:
        >>> import tempfile
        >>> root = Path(tempfile.mkdtemp())
        >>> for path in (root / "sharp" / "cat.png", root / "blurred" / "cat.jpg"):
        ...     path.parent.mkdir()
        ...     path.touch()
        >>> [(reference, distorted)] = from_folders(root / "sharp", root / "blurred")
        >>> Path(reference).name, Path(distorted).name
        ('cat.png', 'cat.jpg')
    """
    first, second = _images(references), _images(distorted)
    for here, names, there in ((second, first, distorted), (first, second, references)):
        if missing := sorted(names.keys() - here.keys()):
            others = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
            raise InputError(f"{there}: no counterpart of {names[missing[0]]}{others}")
    if not first:
        raise InputError(f"{references}: found no image")
    return [(first[name], second[name]) for name in sorted(first)]


def from_lines(lines: Iterable[str]) -> Iterator[Pair]:
    r"""Reads a pair from each line: the reference's path, a tab, the distorted image's path.

    Args:
        lines: such as an open file; a line is only read when its pair is asked for.

    Yields:
        A pair for each line.

    Raises:
        InputError: a line is not of this form; the message gives its number.

    Examples:
        >>> list(from_lines(["a.png\tb.png\n"]))
        [('a.png', 'b.png')]
    """
    for number, line in enumerate(lines, 1):
        fields = line.rstrip("\r\n").split("\t")
        if len(fields) != 2 or not all(fields):
            raise InputError(f"line {number}: found {line.rstrip()!r}, expected REFERENCE, a tab, DISTORTED")
        yield fields[0], fields[1]


def _expanded(name: str) -> list[str]:
    if not glob.has_magic(name) or Path(name).exists():
        return [name]
    if paths := sorted(glob.glob(name, recursive=True)):  # noqa: PTH207  # Path.glob takes no absolute pattern
        return paths
    raise InputError(f"{name}: no file matches this pattern")


def _images(folder: Path) -> dict[Path, str]:
    """The images of a folder tree, by their path within the folder without the extension."""
    extensions = Image.registered_extensions()
    images: dict[Path, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in extensions and path.is_file()):
        name = path.relative_to(folder).with_suffix("")
        if name in images:
            raise InputError(f"{path}: found {images[name]} too, expected one image of a name")
        images[name] = str(path)
    return images
