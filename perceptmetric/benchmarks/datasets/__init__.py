"""Image-quality databases in their published layouts, checked whole before anything is scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from perceptmetric.benchmarks.datasets import csiq, kadid10k, live, pipal
from perceptmetric.benchmarks.datasets.dataset import Dataset, Opinion, Pair
from perceptmetric.benchmarks.datasets.spreadsheet import own
from perceptmetric.benchmarks.datasets.tid import tid2008, tid2013

PUBLISHED: dict[str, Callable[[Path], Dataset]] = {
    "tid2013": tid2013,
    "tid2008": tid2008,
    "kadid10k": kadid10k.read,
    "csiq": csiq.read,
    "live": live.read,
    "pipal": pipal.read,
}
"""A reader for each published database: from its folder to its pairs."""

__all__ = ["PUBLISHED", "Dataset", "Opinion", "Pair", "own", "tid2008", "tid2013"]
