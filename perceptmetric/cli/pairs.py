"""Which images to compare, and the stream of their distances."""

from __future__ import annotations

import glob
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from perceptmetric.errors import InputError
from perceptmetric.images import as_pixels
from perceptmetric.metric import PerceptualDistance

Pair = tuple[str, str]
"""The paths of a reference and of a distorted image."""

DECODERS = 4
"""Threads that decode images; decoding an image takes about as long as encoding it."""


@dataclass(frozen=True)
class Result:
    """What was measured of one pair.

    Args:
        reference: path of the reference.
        distorted: path of the distorted image.
        distances: one for each metric, in the order of the metrics.
    """

    reference: str
    distorted: str
    distances: tuple[float, ...]


@torch.inference_mode()
def measure(pairs: Iterable[Pair], metrics: Sequence[PerceptualDistance], *, ahead: int = 0) -> Iterator[Result]:
    """The distances of each pair, one at a time, as they are asked for.

    A reference that stands in several pairs in a row is read once, and encoded no more than twice.

    Args:
        pairs: any iterable, also one without end.
        metrics: at least one.
        ahead: so many pairs are asked for, and decoded in threads, before the distances of the first are there; with
            0 no pair is asked for before the one before it is done.

    Raises:
        FileNotFoundError, InputError: an image cannot be used, or the sizes of a pair differ.
    """
    previous, encoded = None, None
    for (reference, distorted), first, second in _decoded(pairs, ahead):
        if first.shape != second.shape:
            (height, width), (expected_height, expected_width) = second.shape[1:], first.shape[1:]
            raise InputError(
                f"{distorted}: found {width}x{height} pixels, expected {expected_width}x{expected_height} "
                f"as {reference} has"
            )
        if reference != previous:
            previous, encoded = reference, None
            # Tile by tile, if large: no activations of a whole image are kept unless there is a second use for them.
            distances = [metric(first, second) for metric in metrics]
        else:
            encoded = encoded or [metric.encode(first) for metric in metrics]
            distances = [
                metric.compare(one, metric.encode(second)) for metric, one in zip(metrics, encoded, strict=True)
            ]
        yield Result(reference, distorted, tuple(distance.item() for distance in distances))


def from_files(reference: str, distorted: Sequence[str]) -> list[Pair]:
    """One reference with each of many images; a name that is no file but a pattern (`*`, `?`, `[`) is expanded.

    Args:
        reference: path of an image.
        distorted: paths or patterns; `**` stands for any folders.

    Raises:
        InputError: no file has a pattern's form.

    Examples:
        >>> from_files("a.png", ["b.png", "c.png"])
        [('a.png', 'b.png'), ('a.png', 'c.png')]
    """
    return [(reference, path) for name in distorted for path in _expanded(name)]


def from_folders(references: Path, distorted: Path) -> list[Pair]:
    """Two folder trees, matched by path within the folder whatever the extension, in the paths' order.

    Args:
        references: folder of the references; every file counts whose extension Pillow knows.
        distorted: folder with the same names.

    Raises:
        InputError: an image of either folder has no counterpart, or two, or there is none at all.
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
    r"""A pair from each line, as it comes: the reference's path, a tab, the distorted image's path.

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


def _decoded(pairs: Iterable[Pair], ahead: int) -> Iterator[tuple[Pair, np.ndarray, np.ndarray]]:
    """Each pair with its pixels, uint8 (3, H, W), decoded in threads while others are measured."""
    waiting: deque[tuple[Pair, Future[np.ndarray], Future[np.ndarray]]] = deque()
    previous: tuple[str, Future[np.ndarray]] | None = None
    failure: Exception | None = None
    with ThreadPoolExecutor(DECODERS) as pool:
        try:
            todo = iter(pairs)
            while True:
                while failure is None and len(waiting) <= ahead:
                    try:
                        reference, distorted = next(todo)
                    except StopIteration:
                        break
                    except InputError as error:  # those before it come first
                        failure = error
                        break
                    if previous is None or previous[0] != reference:
                        previous = reference, pool.submit(_pixels, reference)
                    waiting.append(((reference, distorted), previous[1], pool.submit(_pixels, distorted)))
                if not waiting:
                    break
                pair, first, second = waiting.popleft()
                yield pair, first.result(), second.result()
        finally:
            pool.shutdown(cancel_futures=True)
    if failure is not None:
        raise failure


def _pixels(path: str) -> np.ndarray:
    pixels: np.ndarray = as_pixels(path)[0].numpy()
    return pixels


def _expanded(name: str) -> list[str]:
    if not glob.has_magic(name) or Path(name).exists():
        return [name]
    if paths := sorted(glob.glob(name, recursive=True)):  # noqa: PTH207  # Path.glob takes no absolute pattern
        return paths
    raise InputError(f"{name}: no file has this form")


def _images(folder: Path) -> dict[Path, str]:
    """The images of a folder tree by their path within it, without extension."""
    extensions = Image.registered_extensions()
    images: dict[Path, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in extensions and path.is_file()):
        name = path.relative_to(folder).with_suffix("")
        if name in images:
            raise InputError(f"{path}: found {images[name]} too, expected one image of a name")
        images[name] = str(path)
    return images
