"""Asks what a score owes to the finest detail of the images: scores networks on blurred ones.

    python training/study/blurred.py --root DIR

Both images of every pair of TID2013 or its replica pass a Gaussian before the network sees them, by the readout
`paper`: for every run of `deblur` kept in `training/study/checkpoints/` that of its own objective, for every run of `sparse`
at 0.001 one of half a pixel; `reconstruct` with the same seed sees the same. Writes `training/study/results/blurred.csv`
after each run, and does not score again what it holds of the same weights; the scores without blur are in `study.csv`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from perceptmetric.benchmarks.agreement.scoring import score
from perceptmetric.benchmarks.agreement.statistics import srocc
from perceptmetric.benchmarks.datasets import Dataset, tid2013
from perceptmetric.benchmarks.metrics.metric import Compare, Metric, staged
from perceptmetric.checkpoints import fingerprint, load
from perceptmetric.perceptnet import Autoencoder
from perceptmetric.tables import read_rows, write_rows
from perceptmetric.training.objectives import Deblur

CHECKPOINTS = Path(__file__).with_name("checkpoints")
TABLE = Path(__file__).with_name("results") / "blurred.csv"
FINEST = 0.5


def main() -> None:
    """Scores the runs that are not in the table and writes it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", metavar="DIR", type=Path, required=True, help="TID2013 as published")
    dataset = tid2013(parser.parse_args().root)
    earlier = {row["run"]: row for row in read_table()}
    rows: list[dict[str, Any]] = []
    for folder in sorted([*CHECKPOINTS.glob("*deblur-*-seed*"), *CHECKPOINTS.glob("*sparse-0.001-seed*")]):
        rows.append(row(dataset, folder, earlier.pop(folder.name, {})))
        table = sorted([*rows, *earlier.values()], key=lambda row: (float(row["sigma"]), row["run"]))
        write_rows(TABLE, table, list(rows[0]))


def read_table() -> list[dict[str, Any]]:
    """The rows so far, as text; none if there is no table."""
    return read_rows(TABLE) if TABLE.is_file() else []


def row(dataset: Dataset, folder: Path, earlier: dict[str, Any]) -> dict[str, Any]:
    """What a run, and that of `reconstruct` with its seed, score on blurred images.

    Args:
        dataset: the images and their scores.
        folder: the run's.
        earlier: the row it has; returned if it is of the same weights and data.
    """
    network, config = load(folder)
    sigma = config["objective"].get("sigma", FINEST)
    reconstruct, _ = load(CHECKPOINTS / f"reconstruct-seed{config['seed']}")
    known = {
        "run": folder.name,
        "sigma": f"{sigma:g}",
        "dataset": dataset.name,
        "pairs": str(len(dataset.pairs)),
        "weights_sha256": fingerprint(network),
        "reconstruct_sha256": fingerprint(reconstruct),
    }
    if earlier.items() >= known.items():
        return earlier
    print(f"{folder.name}:")
    distances = score(dataset, on_blurred((network, reconstruct), sigma))
    scores = [f"{srocc(-values, dataset.quality):.4f}" for values in distances]
    return {**known, "srocc": scores[0], "reconstruct": scores[1]}


def on_blurred(networks: Sequence[Autoencoder], sigma: float) -> Metric:
    """The study's readout at gdn4 of several networks, each as a stage, on images blurred by `Deblur(sigma)`."""
    metrics = [staged(network) for network in networks]

    def blurred(image: Tensor) -> Tensor:
        return Deblur(sigma).degrade(image, torch.Generator())

    def against(reference: Tensor) -> Compare:
        reference = blurred(reference)
        compares = [metric.against(reference) for metric in metrics]

        def compare(distorted: Tensor) -> list[float]:
            distorted = blurred(distorted)
            return [distance for each in compares for distance in each(distorted)]

        return compare

    return Metric(f"blur {sigma:g}", tuple(map(str, range(len(networks)))), against)


if __name__ == "__main__":
    main()
