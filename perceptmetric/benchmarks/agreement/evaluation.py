"""Scores one database with our metric and any others: from files to a report."""

from __future__ import annotations

from collections.abc import Sequence

from perceptmetric.benchmarks.agreement.report import Report, Row, row
from perceptmetric.benchmarks.agreement.scoring import Interrupted, score
from perceptmetric.benchmarks.datasets import Dataset
from perceptmetric.benchmarks.metrics.metric import Metric, MetricError
from perceptmetric.benchmarks.metrics.peers import peers


def evaluate(dataset: Dataset, metric: Metric, compare: Sequence[str] = ()) -> Report:
    """Scores a database with our metric, and with others on the same pairs.

    Args:
        dataset: what to score.
        metric: ours, from `perceptmetric.benchmarks.metrics.ours.from_checkpoint`. Of several stages, the differences
            are taken to `gdn4`, or to the last one if `gdn4` is not among them.
        compare: other metrics, as for `perceptmetric.benchmarks.metrics.peers.peer`.

    Raises:
        FileNotFoundError, InputError: an image cannot be used, or there is no metric of one of the names.
        Interrupted: Ctrl-C; the table of what was finished has been printed.

    Examples:
        >>> from pathlib import Path
        >>> from perceptmetric.benchmarks.datasets import tid2013
        >>> from perceptmetric.benchmarks.metrics import ours
        >>> evaluate(tid2013(Path("TID2013")), ours.from_checkpoint("denoise"), ["psnr"])  # doctest: +SKIP
        Report(dataset='TID2013', opinion='MOS', pairs=3000, ...)
    """
    others, not_run = peers(compare)
    rows: list[Row] = []
    report = Report(dataset.name, dataset.opinion, len(dataset.pairs), metric.origin, rows, not_run)
    try:
        distances = dict(zip(metric.stages, score(dataset, metric), strict=True))
        main_stage = "gdn4" if "gdn4" in distances else list(distances)[-1]
        main = row(dataset, metric.name, main_stage, distances[main_stage])
        for stage, values in distances.items():
            rows.append(main if stage == main_stage else row(dataset, metric.name, stage, values, main))
        for other in others:
            try:
                rows.append(row(dataset, other.name, "", score(dataset, other)[0], main))
            except MetricError as error:
                not_run[other.name] = str(error)
    except KeyboardInterrupt as error:
        if rows:
            print(report.table())
        where = str(error) if isinstance(error, Interrupted) else "between two metrics"
        finished = ", ".join(row.label for row in rows) or "none"
        raise Interrupted(f"{where}; finished: {finished}; no file was written") from error
    return report
