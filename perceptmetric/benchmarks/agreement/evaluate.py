"""One database, one checkpoint, any other metrics: from files to a report."""

from __future__ import annotations

from collections.abc import Sequence

from perceptmetric.benchmarks.agreement.report import Report, Row, row
from perceptmetric.benchmarks.agreement.scoring import Interrupted, score
from perceptmetric.benchmarks.datasets import Dataset
from perceptmetric.benchmarks.metrics.metric import OURS, MetricError, ours
from perceptmetric.benchmarks.metrics.peers import peers
from perceptmetric.checkpoints import fingerprint, load


def evaluate(
    dataset: Dataset,
    checkpoint: str,
    stages: Sequence[str] = ("gdn4",),
    readout: str = "default",
    compare: Sequence[str] = (),
) -> Report:
    """Scores a database with a checkpoint, and with other metrics on the same pairs.

    Args:
        dataset: what to score.
        checkpoint: as for `perceptmetric.checkpoints.load`.
        stages: for the readout `paper`, names from `perceptmetric.perceptnet.STAGES`. Differences are taken to
            `gdn4`, or to the last.
        readout: `default` or `paper`.
        compare: other metrics, as for `perceptmetric.benchmarks.metrics.peers.peer`.

    Raises:
        FileNotFoundError, InputError: the checkpoint or an image cannot be used.
        Interrupted: Ctrl-C; the table of what was finished has been printed.
    """
    network, _ = load(checkpoint)
    metric_of_ours = ours(checkpoint, readout, stages)
    others, not_run = peers(compare)
    rows: list[Row] = []
    head = (dataset.name, dataset.opinion, len(dataset.pairs), checkpoint, fingerprint(network), readout)
    try:
        distances = dict(zip(metric_of_ours.stages, score(dataset, metric_of_ours), strict=True))
        main_stage = "gdn4" if "gdn4" in distances else list(distances)[-1]
        main = row(dataset, OURS, main_stage, distances[main_stage])
        for stage, values in distances.items():
            rows.append(main if stage == main_stage else row(dataset, OURS, stage, values, main))
        for metric in others:
            try:
                rows.append(row(dataset, metric.name, "", score(dataset, metric)[0], main))
            except MetricError as error:
                not_run[metric.name] = str(error)
    except KeyboardInterrupt as error:
        if rows:
            print(Report(*head, rows, not_run).table())
        where = str(error) if isinstance(error, Interrupted) else "between two metrics"
        finished = ", ".join(found.label for found in rows) or "none"
        raise Interrupted(f"{where}; finished: {finished}; no file was written") from error
    return Report(*head, rows, not_run)
