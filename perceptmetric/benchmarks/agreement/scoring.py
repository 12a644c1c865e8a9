"""From a database and a metric to a distance for each pair."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from huggingface_hub.utils import tqdm
from torch import Tensor

from perceptmetric.benchmarks.agreement.statistics import Floats
from perceptmetric.benchmarks.datasets import Dataset
from perceptmetric.benchmarks.metrics.metric import Metric, MetricError
from perceptmetric.errors import InputError
from perceptmetric.images import as_batch

DECODERS = 2
AHEAD = 8


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with the words that say how far the work was."""


@torch.inference_mode()
def score(dataset: Dataset, metric: Metric) -> Floats:
    """The distance of every pair, with a progress bar.

    Each reference is prepared once; images are decoded in other threads while the metric runs. A metric
    meets one image at a time, which keeps what it computes in the processor's cache.

    Args:
        dataset: its pairs grouped by reference.
        metric: what to score it with.

    Returns:
        Distances (stages, pairs), in the order of `metric.stages` and `dataset.pairs`, larger is worse.

    Raises:
        FileNotFoundError, InputError: an image cannot be used.
        MetricError: the metric fails on a pair or gives something else than finite distances.
        Interrupted: Ctrl-C.
    """
    distances = np.empty((len(metric.stages), len(dataset.pairs)))
    reference = compare = None
    images = _decoded(_files(dataset))
    done = 0
    try:
        for done, pair in enumerate(tqdm(dataset.pairs, desc=metric.name, unit="pair")):
            try:
                if compare is None or pair.reference != reference:
                    reference, compare = pair.reference, metric.against(next(images))
                distorted = next(images)
                distances[:, done] = compare(distorted)
            except InputError:
                raise
            except Exception as error:
                reason = f"{type(error).__name__}: {error}".splitlines()[0]
                raise MetricError(f"{pair.distorted}: {metric.name} failed ({reason})") from error
            if not np.isfinite(distances[:, done]).all():
                stage = metric.stages[int(np.argmin(np.isfinite(distances[:, done])))]
                at = f" at {stage}" if stage else ""
                raise MetricError(f"{pair.distorted}: {metric.name} gave a distance{at} that is not finite")
    except KeyboardInterrupt as error:
        raise Interrupted(f"{metric.name}: {done} of {len(dataset.pairs)} pairs were scored") from error
    finally:
        images.close()
    return distances


def _files(dataset: Dataset) -> Iterator[Path]:
    """The files in the order they are needed: each reference before its distorted images."""
    reference = None
    for pair in dataset.pairs:
        if pair.reference != reference:
            reference = pair.reference
            yield reference
        yield pair.distorted


def _decoded(paths: Iterable[Path]) -> Generator[Tensor, None, None]:
    """Images in order, read by other threads a few ahead of their use."""
    pending: deque[Future[Tensor]] = deque()
    paths = iter(paths)
    pool = ThreadPoolExecutor(DECODERS)
    try:
        while True:
            pending.extend(pool.submit(as_batch, path) for path in islice(paths, AHEAD - len(pending)))
            if not pending:
                return
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
