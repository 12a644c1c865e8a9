"""Photographs on disk, as batches to train on and central squares to validate on.

A photograph that cannot be used is skipped and named, with the reason, in what each function returns.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice, repeat
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from perceptmetric.errors import InputError
from perceptmetric.images import open_image

SUFFIXES = {".jpg", ".jpeg", ".png"}
CACHE_BYTES = 2**30
CACHED_ORDERS = 3
VALIDATION_SIDE = 256
RESAMPLING = Image.Resampling.BICUBIC
SUBSTITUTES = 1000
THREADS = min(8, os.cpu_count() or 1)
AHEAD = 2 * THREADS


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


class Batch(NamedTuple):
    """What the network sees in one step.

    Args:
        images: (n, 3, side, side) uint8, channels last in memory.
        paths: (n,) the photographs they show.
        skipped: photographs that others stand in for, and why each cannot be used.
    """

    images: Tensor
    paths: list[Path]
    skipped: dict[str, str]


class Batches:
    """Random square crops, half of them mirrored, or whole squares; a function of the seed and the step alone.

    Each epoch visits every photograph once, in a new order; at random others stand in for those that
    cannot be used. Because a batch is a function of (seed, step), a resumed run needs no saved random
    state to see what an uninterrupted one sees, threads may decode ahead in any order, and several
    processes may each make their share of one batch.
    Decoded photographs stay in memory up to `CACHE_BYTES`; beyond that they are decoded again each time.

    Args:
        paths: image files.
        side: side of a crop in pixels.
        batch: crops in a batch, over all processes.
        seed: of order, places and mirroring.
        resize: in place of crops, central squares resized to `side`, not mirrored.
        share: (rank, processes): this process makes the rank-th part of each batch.
    """

    def __init__(
        self,
        paths: list[Path],
        *,
        side: int,
        batch: int,
        seed: int,
        resize: bool = False,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.paths = paths
        self.side = side
        self.batch = batch
        self.seed = seed
        self.resize = resize
        rank, processes = share
        self.slots = range(rank * batch // processes, (rank + 1) * batch // processes)
        self._lock = Lock()
        self._cache: dict[int, np.ndarray] = {}
        self._cached_bytes = 0
        self._unusable: dict[int, str] = {}
        self._orders: dict[int, np.ndarray] = {}

    def __call__(self, step: int) -> Batch:
        """The batch of `step` (0 is the first).

        Raises:
            InputError: no usable photograph among `SUBSTITUTES` taken at random.
        """
        skipped: dict[str, str] = {}
        images, paths = [], []
        for slot in self.slots:
            random = np.random.default_rng([self.seed, 1, step, slot])
            index, pixels = self._usable(step * self.batch + slot, random, skipped)
            images.append(pixels if self.resize else self._crop(pixels, random))
            paths.append(self.paths[index])
        return Batch(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2), paths, skipped)

    def ahead(self, first: int, last: int) -> Generator[Batch]:
        """The batches of steps `first` to `last` - 1 in order, made by other threads before they are asked for."""
        pending: deque[Future[Batch]] = deque()
        steps = iter(range(first, last))
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="photographs")
        try:
            while True:
                pending.extend(pool.submit(self, step) for step in islice(steps, AHEAD - len(pending)))
                if not pending:
                    return
                yield pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _usable(self, position: int, random: np.random.Generator, skipped: dict[str, str]) -> tuple[int, np.ndarray]:
        epoch, place = divmod(position, len(self.paths))
        index = int(self._order(epoch)[place])
        for _ in range(SUBSTITUTES):
            pixels = self._pixels(index)
            if pixels is not None:
                return index, pixels
            skipped[str(self.paths[index])] = self._unusable[index]
            index = int(random.integers(len(self.paths)))
        raise InputError(f"{self._unusable[index]}; found no photograph to use in its place, in {SUBSTITUTES} trials")

    def _order(self, epoch: int) -> np.ndarray:
        with self._lock:
            if epoch not in self._orders:
                while len(self._orders) >= CACHED_ORDERS:
                    del self._orders[next(iter(self._orders))]
                self._orders[epoch] = np.random.default_rng([self.seed, 0, epoch]).permutation(len(self.paths))
            return self._orders[epoch]

    def _crop(self, pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
        height, width, _ = pixels.shape
        top = random.integers(height - self.side + 1)
        left = random.integers(width - self.side + 1)
        crop = pixels[top : top + self.side, left : left + self.side]
        return crop[:, ::-1] if random.random() < 0.5 else crop

    def _pixels(self, index: int) -> np.ndarray | None:
        """The decoded photograph, or None for one that cannot be used (the reason is then in `_unusable`)."""
        if index in self._unusable:
            return None
        if index in self._cache:
            return self._cache[index]
        try:
            pixels = self._decode(self.paths[index])
        except (InputError, OSError) as error:
            self._unusable[index] = str(error)
            return None
        with self._lock:
            if index not in self._cache and self._cached_bytes + pixels.nbytes <= CACHE_BYTES:
                self._cache[index] = pixels
                self._cached_bytes += pixels.nbytes
        return pixels

    def _decode(self, path: Path) -> np.ndarray:
        image = open_image(path)
        if self.resize:
            return _central_square(image, self.side, RESAMPLING)
        if min(image.size) < self.side:
            raise InputError(
                f"{path}: found {image.width}x{image.height} pixels, expected at least {self.side} a side to crop"
            )
        return np.asarray(image)


def central_squares(paths: list[Path], resampling: Image.Resampling = RESAMPLING) -> Batch:
    """The central square of each photograph that can be used, resized to 256x256.

    Raises:
        InputError: none can be used.
    """
    squares, used, skipped = [], [], {}
    with ThreadPoolExecutor(THREADS) as pool:
        for path, square in zip(paths, pool.map(_central_square_or_reason, paths, repeat(resampling)), strict=True):
            if isinstance(square, str):
                skipped[str(path)] = square
            else:
                squares.append(square)
                used.append(path)
    if not squares:
        raise InputError(f"{skipped[str(paths[0])]}; found no photograph among {len(paths)} to validate on")
    return Batch(torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2), used, skipped)


def _central_square_or_reason(path: Path, resampling: Image.Resampling) -> np.ndarray | str:
    try:
        return _central_square(open_image(path), VALIDATION_SIDE, resampling)
    except (InputError, OSError) as error:
        return str(error)


def _central_square(image: Image.Image, side: int, resampling: Image.Resampling) -> np.ndarray:
    width = min(image.size)
    left, top = (image.width - width) // 2, (image.height - width) // 2
    box = (left, top, left + width, top + width)
    return np.asarray(image.resize((side, side), resampling, box=box))
