"""Image-quality databases in their published layouts, checked whole before anything is scored."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

from perceptmetric.errors import InputError
from perceptmetric.images import open_image

TID2013_SOURCE = "https://www.ponomarenko.info/tid2013.htm"
TID2013_REFERENCES, TID2013_TYPES, TID2013_LEVELS = 25, 24, 5

# Pixels of I02 in the stand-in this project develops with: its figures must never pass for TID2013's.
TID2013_REPLICA_I02 = "cc4699ac795f9163e5bfd4c9e9aa8ecf95b83802dd8cbf2c53ef3ed2ae1ff883"


@dataclass(frozen=True)
class Pair:
    """A distorted image beside its reference, and what people said of it.

    Args:
        reference: image file.
        distorted: image file of the same size.
        mos: mean opinion score; higher is better.
    """

    reference: Path
    distorted: Path
    mos: float


@dataclass(frozen=True)
class Dataset:
    """A database as a benchmark needs it.

    Args:
        name: what every figure measured on it is called.
        pairs: grouped by reference.
    """

    name: str
    pairs: tuple[Pair, ...]


def tid2013(root: Path) -> Dataset:
    """TID2013: 25 references, 24 types of distortion at 5 levels, 3000 mean opinion scores from 0 to 9.

    Ponomarenko et al., "Image database TID2013: Peculiarities, results and perspectives", Signal
    Processing: Image Communication 30, 2015.

    Args:
        root: folder with `reference_images/`, `distorted_images/` and `mos_with_names.txt`. Upper and
            lower case in file names are the same, since the published set mixes them.

    Raises:
        InputError: a piece is missing or wrong; the message names it.
    """
    scores = _tid2013_scores(root / "mos_with_names.txt")
    references = _files(root / "reference_images")
    distorted = _files(root / "distorted_images")
    pairs = []
    for name in _tid2013_names():
        if name not in scores:
            raise InputError(f"{root / 'mos_with_names.txt'}: found no score of {name}, expected one")
        reference = _file(references, root / "reference_images", f"{name[:3]}.bmp")
        pairs.append(Pair(reference, _file(distorted, root / "distorted_images", name), scores[name]))
    if unknown := sorted(set(scores) - set(_tid2013_names())):
        raise InputError(f"{root / 'mos_with_names.txt'}: found a score of {unknown[0]}, expected i01_01_1 to i25_24_5")
    return Dataset(_tid2013_or_replica(references["i02.bmp"]), tuple(pairs))


def _tid2013_names() -> list[str]:
    return [
        f"i{reference:02d}_{kind:02d}_{level}.bmp"
        for reference in range(1, TID2013_REFERENCES + 1)
        for kind in range(1, TID2013_TYPES + 1)
        for level in range(1, TID2013_LEVELS + 1)
    ]


def _tid2013_scores(path: Path) -> dict[str, float]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; TID2013 can be had at {TID2013_SOURCE}")
    scores: dict[str, float] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            score, name = line.split()
            mos = float(score)
        except ValueError:
            mos = math.nan
        if not math.isfinite(mos):
            raise InputError(f"{path}: line {number}: found {line!r}, expected a score and a file name")
        if name.lower() in scores:
            raise InputError(f"{path}: line {number}: found {name} a second time, expected each image once")
        scores[name.lower()] = mos
    return scores


def _files(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; TID2013 can be had at {TID2013_SOURCE}")
    return {path.name.lower(): path for path in folder.iterdir()}


def _file(files: dict[str, Path], folder: Path, name: str) -> Path:
    if name not in files:
        raise InputError(f"{folder / name}: no such file in upper or lower case; the set is at {TID2013_SOURCE}")
    return files[name]


def _tid2013_or_replica(i02: Path) -> str:
    digest = hashlib.sha256(open_image(i02).tobytes()).hexdigest()
    return "TID2013 replica" if digest == TID2013_REPLICA_I02 else "TID2013"
