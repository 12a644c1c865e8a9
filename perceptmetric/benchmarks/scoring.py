"""From a database and a network to a distance for each pair, at one stage or at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from huggingface_hub.utils import tqdm
from torch import Tensor

from perceptmetric import readout
from perceptmetric.benchmarks.datasets import Dataset
from perceptmetric.benchmarks.statistics import Floats
from perceptmetric.errors import InputError
from perceptmetric.images import as_batch
from perceptmetric.perceptnet import STAGES, Autoencoder

DECODERS = 2
AHEAD = 8


@torch.inference_mode()
def score(dataset: Dataset, network: Autoencoder, stages: Sequence[str]) -> dict[str, Floats]:
    """The study's distance of every pair, at each of some stages, with a progress bar.

    Each reference is encoded once; images are decoded in other threads while the network runs. The
    network meets one image at a time, which keeps its activations in the processor's cache.

    Args:
        dataset: its pairs grouped by reference.
        network: in evaluation mode.
        stages: names from `perceptmetric.perceptnet.STAGES`.

    Returns:
        For each stage the distances (pairs,), in the order of `dataset.pairs`.

    Raises:
        FileNotFoundError, InputError: an image cannot be used, sizes differ, or a distance is not finite.
    """
    last = max(stages, key=STAGES.index)
    distances: dict[str, list[float]] = {stage: [] for stage in stages}
    reference_path, reference = None, {}
    images = _decoded(_files(dataset))
    for pair in tqdm(dataset.pairs, desc=dataset.name, unit="pair"):
        if pair.reference != reference_path:
            reference_path, reference = pair.reference, dict(_activations(network, next(images), last))
        image = next(images)
        if image.shape != reference["input"].shape:
            sizes = [f"{batch.shape[-1]}x{batch.shape[-2]}" for batch in (image, reference["input"])]
            raise InputError(f"{pair.distorted}: found {sizes[0]} pixels, expected {sizes[1]} as {pair.reference} has")
        for stage, activations in _activations(network, image, last):
            if stage in distances:
                distances[stage].append(readout.paper(reference[stage], activations).item())
    table = {stage: np.array(values) for stage, values in distances.items()}
    for stage, values in table.items():
        if not np.isfinite(values).all():
            pair = dataset.pairs[int(np.argmin(np.isfinite(values)))]
            raise InputError(f"{pair.distorted}: found a distance at {stage} that is not finite; check the checkpoint")
    return table


def _activations(network: Autoencoder, image: Tensor, last: str) -> Iterator[tuple[str, Tensor]]:
    return islice(network.stages(image), STAGES.index(last) + 1)


def _files(dataset: Dataset) -> Iterator[Path]:
    """The files in the order they are needed: each reference before its distorted images."""
    reference = None
    for pair in dataset.pairs:
        if pair.reference != reference:
            reference = pair.reference
            yield reference
        yield pair.distorted


def _decoded(paths: Iterable[Path]) -> Iterator[Tensor]:
    """Images in order, read by other threads a few ahead of their use."""
    pending: deque[Future[Tensor]] = deque()
    paths = iter(paths)
    with ThreadPoolExecutor(DECODERS) as pool:
        while True:
            pending.extend(pool.submit(as_batch, path) for path in islice(paths, AHEAD - len(pending)))
            if not pending:
                return
            yield pending.popleft().result()
