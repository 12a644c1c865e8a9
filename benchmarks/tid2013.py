"""Scores every bundled checkpoint, the untrained network and every other metric that runs on TID2013 or its replica.

    python benchmarks/tid2013.py --root DIR

Writes into `benchmarks/results/<database>/`: `<checkpoint>.json` with all 19 stages by the readout `paper`,
`<checkpoint>-default.json` with the default readout, `peers/<metric>.json`, `distances.csv` with a row for each pair
and a column for each metric (by the readout `paper` at the encoder's output), the pictures in
`benchmarks/figures/<database>/`, and `README.md` with the tables.

A result that is there is not scored again, so that the script continues where it was stopped. A result counts as there
if it comes from the same weights and the metric still gives the distances of three small pairs that are stored with it
(so a changed readout is noticed), or, for another metric, if the version of PIQ is the same.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from distances import columns, read_column, write_column

from perceptmetric.benchmarks.agreement import plot
from perceptmetric.benchmarks.agreement.evaluation import evaluate
from perceptmetric.benchmarks.agreement.report import Report, Row, against, interval, row, versions
from perceptmetric.benchmarks.agreement.scoring import score
from perceptmetric.benchmarks.agreement.statistics import Floats
from perceptmetric.benchmarks.datasets import Dataset, tid2013
from perceptmetric.benchmarks.metrics import ours
from perceptmetric.benchmarks.metrics.metric import Metric, MetricError, Origin
from perceptmetric.benchmarks.metrics.peers import NAMES, peer
from perceptmetric.checkpoints import DEFAULT, UNTRAINED, bundled_names
from perceptmetric.files import write
from perceptmetric.images import as_batch
from perceptmetric.perceptnet import STAGES
from perceptmetric.tables import markdown

READOUTS = ("default", "paper")
PROBE_TOLERANCE = 1e-4  # of two machines; a changed readout differs by more
RESULTS = Path(__file__).with_name("results")
FIGURES = Path(__file__).with_name("figures")


def main() -> None:
    """Scores what is not yet scored and writes the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="the database as published")
    dataset = tid2013(parser.parse_args().root)
    name = dataset.name.lower().replace(" ", "-")
    folder = RESULTS / name
    (folder / "peers").mkdir(parents=True, exist_ok=True)
    for checkpoint in (UNTRAINED, *bundled_names()):
        for readout in READOUTS:
            score_checkpoint(dataset, checkpoint, readout, folder)
        summarise(dataset, folder)
    for metric in NAMES:
        score_peer(dataset, metric, folder)
        summarise(dataset, folder)
    draw(dataset, folder, FIGURES / name)


def score_checkpoint(dataset: Dataset, checkpoint: str, readout: str, folder: Path) -> None:
    """Scores a checkpoint by one readout, unless it was scored with the same weights and readout."""
    name = result_name(checkpoint, readout)
    path = folder / f"{name}.json"
    metric = ours.from_checkpoint(checkpoint, readout, STAGES)
    if name in columns(folder) and is_of(metric, read(path)):
        return
    report = evaluate(dataset, metric)
    print(report.table())
    if report.main:
        write_column(dataset, folder, name, report.main.distances)
    write(path, json.dumps({**json.loads(report.json()), "probe": probe(metric)}, indent=2) + "\n")


def is_of(metric: Metric, result: dict[str, Any]) -> bool:
    """Whether a stored result comes from the weights and the readout of this metric."""
    if metric.origin is None or result.get("checkpoint_sha256") != metric.origin.sha256 or "probe" not in result:
        return False
    return bool(np.allclose(result["probe"], probe(metric), rtol=PROBE_TOLERANCE, atol=0))


@torch.inference_mode()
def probe(metric: Metric) -> list[list[float]]:
    """The distances of three small pairs at every stage; they change when the weights or the readout do.

    Returns:
        A list for each pair: noisy, blurred and darker 64x64 images.
    """
    random = np.random.default_rng(0)
    smooth = np.cumsum(np.cumsum(random.normal(size=(3, 64, 64)), axis=1), axis=2)
    low, high = smooth.min(), smooth.max()
    image = (smooth - low) / (high - low)
    noisy = image + 0.1 * random.normal(size=image.shape)
    blurred = (image + np.roll(image, 1, axis=2) + np.roll(image, 2, axis=2)) / 3
    reference, *distorted = (as_eight_bits(values) for values in (image, noisy, blurred, 0.7 * image))
    compare = metric.against(reference)
    return [list(compare(values)) for values in distorted]


def as_eight_bits(image: Floats) -> torch.Tensor:
    """From (3, H, W) floats to (1, 3, H, W) floats in [0, 1] with values of 8 bits."""
    return as_batch(np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8))


def result_name(checkpoint: str, readout: str) -> str:
    """What the files of a checkpoint's result are called."""
    return checkpoint if readout == "paper" else f"{checkpoint}-{readout}"


def score_peer(dataset: Dataset, name: str, folder: Path) -> None:
    """Scores one of the other metrics, unless it was scored with the same version of PIQ."""
    path = folder / "peers" / f"{name}.json"
    if read(path).get("results") and read(path)["versions"].get("piq") == versions().get("piq"):
        return
    rows, not_run = [], {}
    try:
        distances = score(dataset, peer(name))[0]
        write_column(dataset, folder, name, distances)
        rows = [row(dataset, name, "", distances)]
    except MetricError as error:
        not_run = {name: str(error)}
    report = Report(dataset.name, dataset.opinion, len(dataset.pairs), None, rows, not_run)
    print(report.table())
    write(path, report.json())


def read(path: Path) -> dict[str, Any]:
    """A result, empty if there is none yet."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}


def draw(dataset: Dataset, folder: Path, figures: Path) -> None:
    """Draws the default checkpoint among the other metrics."""
    default = result_name(DEFAULT, "default")
    report = read(folder / f"{default}.json")
    metrics = [name for name in NAMES if read(folder / "peers" / f"{name}.json").get("results")]
    main = row(dataset, DEFAULT, "", read_column(dataset, folder, default))
    others = [row(dataset, name, "", read_column(dataset, folder, name), main) for name in metrics]
    head = (
        dataset.name,
        dataset.opinion,
        len(dataset.pairs),
        Origin(DEFAULT, report["checkpoint_sha256"], report["readout"]),
    )
    plot.draw(Report(*head, [main, *others]), dataset, figures)


def summarise(dataset: Dataset, folder: Path) -> None:
    """Writes `README.md` from the results that are there."""
    names = [name for name in (UNTRAINED, *bundled_names()) if name in columns(folder)]
    checkpoints = {name: read(folder / f"{name}.json") for name in names}
    metrics = {name: read(folder / "peers" / f"{name}.json") for name in NAMES}
    metrics = {name: content for name, content in metrics.items() if content}
    used = {**next(iter([*metrics.values(), *checkpoints.values()]))["versions"]}
    weights = [(f"`{name}`", f"`{content['checkpoint_sha256']}`") for name, content in checkpoints.items()]
    lines = [
        f"# {dataset.name}",
        "",
        f"{len(dataset.pairs)} pairs, opinions {dataset.opinion}. Written by `benchmarks/tid2013.py`",
        f"({', '.join(f'{name} {number}' for name, number in used.items())}).",
        "",
        *compared(dataset, folder, list(checkpoints), [name for name in metrics if metrics[name]["results"]]),
        *(f"\n{name}: not run: {c['not_run'][0]['reason']}" for name, c in metrics.items() if c["not_run"]),
        "",
        "## Stage by stage",
        "",
        "SROCC at each of the 19 stages by the readout `paper`; the JSON beside holds KROCC, PLCC, RMSE, intervals and",
        "results by type too.",
        "",
        *stage_by_stage(checkpoints),
        "",
        "## Pictures",
        "",
        f"![Opinion against distance for every metric](../../figures/{folder.name}/scatter.png)",
        "",
        f"![SROCC within each type of distortion](../../figures/{folder.name}/types.png)",
        "",
        "## The weights",
        "",
        *markdown(["checkpoint", "SHA-256 of its weights"], weights).splitlines(),
    ]
    write(folder / "README.md", "\n".join(lines) + "\n")


def compared(dataset: Dataset, folder: Path, checkpoints: Sequence[str], metrics: Sequence[str]) -> list[str]:
    """All metrics in one table, the best first, each with its difference to the default checkpoint."""
    results = {
        f"`{checkpoint}`, {readout}": result_name(checkpoint, readout)
        for checkpoint in checkpoints
        for readout in READOUTS
        if result_name(checkpoint, readout) in columns(folder)
    } | {name: name for name in metrics}
    default = f"`{DEFAULT}`, default"
    main = row(dataset, default, "", read_column(dataset, folder, results[default])) if default in results else None
    others = [label for label in results if main is None or label != default]
    rows = [row(dataset, label, "", read_column(dataset, folder, results[label]), main) for label in others]
    rows += [main] if main else []
    lines = [
        "## All metrics",
        "",
        "Checkpoints (in `code`) by the default readout, and by `paper` at the encoder's output, `gdn4`; the others",
        "from PIQ at its own settings, pair by pair. Intervals are bootstrapped over references; the last column is a",
        "paired bootstrap of the difference in SROCC to the default checkpoint and readout. `fitted` and RMSE are PLCC",
        "and RMSE after the 4-parameter logistic fit.",
        "",
    ]
    header = ["metric", "SROCC", "95% interval", "KROCC", "PLCC", "fitted", "RMSE", f"SROCC against {default}"]
    best_first = sorted(rows, key=lambda result: -result.agreement.srocc)
    return lines + markdown(header, map(cells, best_first)).splitlines()


def cells(result: Row) -> list[str]:
    """The cells of a row of the table."""
    a = result.agreement
    fitted = ("-", "-") if a.plcc_logistic is None or a.rmse is None else (f"{a.plcc_logistic:.4f}", f"{a.rmse:.4f}")
    return [
        *(result.metric, f"{a.srocc:.4f}", interval(a), f"{a.krocc:.4f}", f"{a.plcc:.4f}", *fitted),
        against(result),
    ]


def stage_by_stage(checkpoints: dict[str, dict[str, Any]]) -> list[str]:
    """The SROCC of every checkpoint at every stage."""
    rows = [
        [stage, *(f"{content['results'][index]['srocc']:.4f}" for content in checkpoints.values())]
        for index, stage in enumerate(STAGES)
    ]
    return markdown(["stage", *(f"`{name}`" for name in checkpoints)], rows).splitlines()


if __name__ == "__main__":
    main()
