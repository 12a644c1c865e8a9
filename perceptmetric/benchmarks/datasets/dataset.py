"""What every database comes down to: pairs of images and what people said of them, checked before any use."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from perceptmetric.errors import InputError
from perceptmetric.images import MAX_PIXELS

Opinion = Literal["MOS", "DMOS"]


@dataclass(frozen=True)
class Pair:
    """A distorted image beside its reference, and what people said of it.

    Args:
        reference: image file.
        distorted: image file of the same size.
        score: the opinion score as published; whether larger is better is the database's to say.
        kind: the type of distortion.
    """

    reference: Path
    distorted: Path
    score: float
    kind: str


@dataclass(frozen=True)
class Dataset:
    """A database as a benchmark needs it.

    Args:
        name: what every figure measured on it is called.
        opinion: `MOS` where a larger score is better, `DMOS` where it is worse.
        pairs: grouped by reference.
    """

    name: str
    opinion: Opinion
    pairs: tuple[Pair, ...]

    @property
    def quality(self) -> NDArray[np.float64]:
        """What people said, (pairs,), larger is better: the scores, or for DMOS the negative scores."""
        scores = np.array([pair.score for pair in self.pairs])
        return scores if self.opinion == "MOS" else -scores

    @property
    def references(self) -> list[str]:
        """The name of each pair's reference: its file's, without folder and suffix where that tells them apart."""
        paths = [pair.reference for pair in self.pairs]
        stems = [path.stem for path in paths]
        return stems if len(set(stems)) == len(set(paths)) else [str(path) for path in paths]

    @property
    def kinds(self) -> list[str]:
        """Each pair's type of distortion."""
        return [pair.kind for pair in self.pairs]


def checked(name: str, opinion: Opinion, pairs: Iterable[Pair], source: str) -> Dataset:
    """A database whose every image is there, can be opened, and is of its reference's size.

    Only the images' headers are read. The pairs are put in order of their references.

    Args:
        name: as for `Dataset`.
        opinion: as for `Dataset`.
        pairs: in any order.
        source: where the database can be had, for the error.

    Raises:
        InputError: an image is missing, is no image, has another size than its reference, or is
            scored twice; or there is no pair at all.
    """
    pairs = tuple(sorted(pairs, key=lambda pair: pair.reference))
    if not pairs:
        raise InputError(f"{name}: found no pair of images; the set can be had at {source}")
    sizes: dict[Path, tuple[int, int]] = {}
    scored: set[Path] = set()
    for pair in pairs:
        if pair.distorted in scored:
            raise InputError(f"{pair.distorted}: found two scores, expected one for each image")
        scored.add(pair.distorted)
        for path in (pair.reference, pair.distorted):
            if path not in sizes:
                sizes[path] = _size(path, source)
        if sizes[pair.distorted] != sizes[pair.reference]:
            found, expected = ("x".join(map(str, sizes[path])) for path in (pair.distorted, pair.reference))
            raise InputError(f"{pair.distorted}: found {found} pixels, expected {expected} as {pair.reference} has")
    return Dataset(name, opinion, pairs)


def files(folder: Path, source: str) -> dict[str, Path]:
    """The files of a folder by their names in lower case, since published sets mix the cases.

    Raises:
        InputError: no such folder, or two names that differ by case alone.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; the set can be had at {source}")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.lower() in found:
            raise InputError(f"{path}: found {found[path.name.lower()].name} as well, expected one of the two")
        found[path.name.lower()] = path
    return found


def file(listed: dict[str, Path], folder: Path, name: str, source: str) -> Path:
    """The file of that name among `files(folder)`, whatever its case.

    Raises:
        InputError: it is not there.
    """
    if name.lower() not in listed:
        raise InputError(f"{folder / name}: no such file in upper or lower case; the set can be had at {source}")
    return listed[name.lower()]


def present(path: Path, source: str) -> Path:
    """The path, if it is a file.

    Raises:
        InputError: it is not.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; the set can be had at {source}")
    return path


def number(text: object, where: str) -> float:
    """A finite number.

    Raises:
        InputError: it is not one; `where` says where it was found.
    """
    try:
        value = float(str(text))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: found {text!r}, expected a number")
    return value


def _size(path: Path, source: str) -> tuple[int, int]:
    present(path, source)
    try:
        with Image.open(path) as image:
            width, height = image.size
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{path}: found too many pixels, expected at most {MAX_PIXELS}") from error
    except (OSError, SyntaxError) as error:
        raise InputError(f"{path}: not an image that Pillow can read") from error
    return width, height
