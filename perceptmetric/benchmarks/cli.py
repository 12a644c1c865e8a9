"""`perceptmetric-bench tid2013 --root DIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from perceptmetric import commands
from perceptmetric.benchmarks.datasets import tid2013
from perceptmetric.benchmarks.report import Report, Row
from perceptmetric.benchmarks.scoring import score
from perceptmetric.benchmarks.statistics import agreement
from perceptmetric.checkpoints import DEFAULT, load
from perceptmetric.errors import InputError
from perceptmetric.perceptnet import STAGES


def main(arguments: list[str] | None = None) -> int:
    """Scores a checkpoint against a database; the exit code is that of `commands.run`."""
    parser = argparse.ArgumentParser(prog="perceptmetric-bench", description="How well a metric agrees with people.")
    parser.add_argument("dataset", choices=["tid2013"])
    parser.add_argument("--root", metavar="DIR", type=Path, required=True, help="the database as published")
    parser.add_argument(
        "--checkpoint", default=DEFAULT, help="bundled name, folder, or untrained (default: %(default)s)"
    )
    parser.add_argument("--layers", action="store_true", help="all 19 stages, not the encoder's output alone")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the results to this file as well")
    options = parser.parse_args(arguments)
    return commands.run(
        parser.prog,
        lambda: benchmark(options.root, options.checkpoint, STAGES if options.layers else ("gdn4",), options.json),
    )


def benchmark(root: Path, checkpoint: str, stages: tuple[str, ...], json: Path | None) -> None:
    """Scores TID2013, prints the table and writes the JSON.

    Raises:
        FileNotFoundError, InputError: the database, the checkpoint or the output cannot be used.
    """
    if json and not json.resolve().parent.is_dir():
        raise InputError(f"{json}: no such folder to write to")
    network, _ = load(checkpoint)
    dataset = tid2013(root)
    distances = score(dataset, network, stages)
    mos = np.array([pair.mos for pair in dataset.pairs])
    references = [pair.reference for pair in dataset.pairs]
    rows = [Row("perceptmetric", stage, agreement(distances[stage], mos, references)) for stage in stages]
    report = Report(dataset.name, len(dataset.pairs), checkpoint, "paper", rows)
    print(report.table())
    if json:
        report.write_json(json)
