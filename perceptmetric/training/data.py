"""Photographs on disk, as random crops to train on and whole squares to validate on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from perceptmetric.errors import InputError
from perceptmetric.images import open_image

SUFFIXES = {".jpg", ".jpeg", ".png"}
CACHE_BYTES = 4 * 2**30
VALIDATION_SIDE = 256


def find_photographs(root: Path) -> list[Path]:
    """Every JPEG and PNG file below `root`, sorted by path.

    Raises:
        InputError: `root` is no folder or holds no such file.
    """
    if not root.is_dir():
        raise InputError(f"{root}: no such folder")
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise InputError(f"{root}: found no file named {', '.join(sorted(SUFFIXES))} in it or below")
    return paths


class RandomCrops:
    """Batches of random square crops, half of them mirrored, that depend on the seed and the step alone.

    Each epoch visits every photograph once, in a new order. Because a batch is a function of
    (seed, step), a resumed run needs no saved random state to see what an uninterrupted one sees.
    Decoded photographs stay in memory up to `CACHE_BYTES`; beyond that they are decoded again each time.

    Args:
        paths: image files.
        side: side of a crop in pixels.
        batch: crops in a batch.
        seed: of order, places and mirroring.

    Raises:
        InputError: a file cannot be read or is smaller than a crop; the message names it.
    """

    def __init__(self, paths: list[Path], *, side: int, batch: int, seed: int) -> None:
        self.paths = paths
        self.side = side
        self.batch = batch
        self.seed = seed
        self._cache: dict[int, np.ndarray] = {}
        self._cached_bytes = 0

    def __call__(self, step: int) -> Tensor:
        """The batch of `step` (0 is the first): (batch, 3, side, side) floats in [0, 1], channels last."""
        places = np.random.default_rng([self.seed, 1, step])
        crops = [self._crop(index, places) for index in self._indices(step)]
        return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2) / 255

    def _indices(self, step: int) -> list[int]:
        first = step * self.batch
        positions = range(first, first + self.batch)
        orders = {
            epoch: np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.paths))
            for epoch in {position // len(self.paths) for position in positions}
        }
        return [int(orders[position // len(self.paths)][position % len(self.paths)]) for position in positions]

    def _crop(self, index: int, places: np.random.Generator) -> np.ndarray:
        pixels = self._pixels(index)
        height, width, _ = pixels.shape
        if min(height, width) < self.side:
            path = self.paths[index]
            raise InputError(f"{path}: found {width}x{height} pixels, expected at least {self.side} a side to crop")
        top = places.integers(height - self.side + 1)
        left = places.integers(width - self.side + 1)
        crop = pixels[top : top + self.side, left : left + self.side]
        return crop[:, ::-1] if places.random() < 0.5 else crop

    def _pixels(self, index: int) -> np.ndarray:
        if index in self._cache:
            return self._cache[index]
        pixels = np.asarray(open_image(self.paths[index]))
        if self._cached_bytes + pixels.nbytes <= CACHE_BYTES:
            self._cache[index] = pixels
            self._cached_bytes += pixels.nbytes
        return pixels


def central_squares(paths: list[Path]) -> Tensor:
    """The central square of each photograph, resized to 256x256 (bicubic).

    Returns:
        (N, 3, 256, 256) floats in [0, 1].
    """
    squares = []
    for path in paths:
        image = open_image(path)
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        box = (left, top, left + side, top + side)
        squares.append(np.asarray(image.resize((VALIDATION_SIDE,) * 2, Image.Resampling.BICUBIC, box=box)))
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2) / 255
