"""A benchmark's results: a table for people, JSON and CSV for programs, Markdown for pages."""

from __future__ import annotations

import csv
import io
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from perceptmetric.benchmarks.agreement.statistics import Agreement, Difference, Floats, agreement, difference
from perceptmetric.benchmarks.datasets import Dataset

PACKAGES = ("perceptmetric", "torch", "numpy", "scipy", "pillow", "piq")


@dataclass(frozen=True)
class Row:
    """One metric's agreement with a database.

    Args:
        metric: the metric's name.
        stage: the stage of the network it compares; empty for a metric without stages.
        distances: (pairs,) what it gave, larger is worse.
        agreement: its statistics.
        difference: of this row's SROCC to that of the report's main row; None for the main row itself.
    """

    metric: str
    stage: str
    distances: Floats = field(repr=False, compare=False)
    agreement: Agreement
    difference: Difference | None = None

    @property
    def label(self) -> str:
        """Metric and stage in words."""
        return f"{self.metric} {self.stage}".rstrip()


def row(dataset: Dataset, metric: str, stage: str, distances: Floats, main: Row | None = None) -> Row:
    """The statistics of one metric's distances.

    Args:
        dataset: what was scored.
        metric: the metric's name.
        stage: its stage, or empty.
        distances: (pairs,) larger is worse.
        main: the row to take the difference to.
    """
    found = Row(metric, stage, distances, agreement(distances, dataset.quality, dataset.references, dataset.kinds))
    if main is None:
        return found
    paired = difference(distances, main.distances, dataset.quality, dataset.references)
    return replace(found, difference=paired)


@dataclass(frozen=True)
class Report:
    """What was measured, on what, and what came out.

    Args:
        dataset: the database's name.
        opinion: `MOS` or `DMOS`; the figures are the same way up for both.
        pairs: how many pairs of it were scored.
        checkpoint: its name or folder; None where only other metrics were scored.
        sha256: of the checkpoint's weights.
        readout: how activations became a distance.
        rows: the results.
        not_run: the metrics that could not be run, and why.
    """

    dataset: str
    opinion: str
    pairs: int
    checkpoint: str | None
    sha256: str | None
    readout: str | None
    rows: Sequence[Row]
    not_run: dict[str, str] = field(default_factory=dict)

    @property
    def main(self) -> Row | None:
        """The row the others' differences are taken to: the one that has none."""
        return next((row for row in self.rows if row.difference is None), None)

    def provenance(self) -> list[str]:
        """Two lines that say what was measured with what."""
        ours = f", checkpoint {self.checkpoint} (SHA-256 {str(self.sha256)[:12]}), readout {self.readout}"
        return [
            f"{self.dataset}, {self.pairs} pairs, opinions {self.opinion}{ours if self.checkpoint else ''}",
            ", ".join(f"{name} {number}" for name, number in versions().items()),
        ]

    def table(self) -> str:
        """Lines for a terminal."""
        width = max([6, *(len(row.label) for row in self.rows)])
        columns = (
            f"{'metric':<{width}}{'SROCC':>9}  {'95% interval':<17}{'KROCC':>8}{'PLCC':>9}{'fitted':>8}{'RMSE':>8}"
        )
        lines = [*self.provenance(), f"{columns}  {self._to()}".rstrip()]
        for row in self.rows:
            a = row.agreement
            lines.append(
                f"{row.label:<{width}}{a.srocc:>9.4f}  {interval(a):<17}{a.krocc:>8.4f}{a.plcc:>9.4f}"
                f"{_figure(a.plcc_logistic):>8}{_figure(a.rmse):>8}  {against(row)}".rstrip()
            )
        lines += [f"{row.label}: the logistic fit did not converge" for row in self._not_converged()]
        return "\n".join(lines + [f"{name}: not run: {reason}" for name, reason in self.not_run.items()])

    def markdown(self) -> str:
        """A section of a Markdown page."""
        first, second = self.provenance()
        lines = [
            f"{first}.",
            "",
            f"{second}.",
            "",
            f"| metric | stage | SROCC | 95% interval | KROCC | PLCC | PLCC fitted | RMSE | {self._to()} |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for row in self.rows:
            a = row.agreement
            cells = [
                *(row.metric, row.stage, f"{a.srocc:.4f}", interval(a)),
                *(f"{a.krocc:.4f}", f"{a.plcc:.4f}", _figure(a.plcc_logistic), _figure(a.rmse)),
                against(row),
            ]
            lines.append(f"| {' | '.join(cells)} |")
        lines += ["", *(f"{row.label}: the logistic fit did not converge." for row in self._not_converged())]
        return (
            "\n".join(lines + [f"{name}: not run: {reason}" for name, reason in self.not_run.items()]).rstrip() + "\n"
        )

    def json(self) -> str:
        """Everything measured, with the versions it was measured with."""
        main = self.main
        results = [
            {
                "metric": row.metric,
                "stage": row.stage or None,
                **asdict(row.agreement),
                "difference": row.difference and main and {"to": main.label, **asdict(row.difference)},
            }
            for row in self.rows
        ]
        content = {
            **self._head(),
            "versions": versions(),
            "results": results,
            "not_run": [{"metric": name, "reason": reason} for name, reason in self.not_run.items()],
        }
        return json.dumps(content, indent=2) + "\n"

    def csv(self) -> str:
        """One line for each row and for each metric that was not run."""
        head = {**self._head(), "versions": "; ".join(f"{name} {number}" for name, number in versions().items())}
        columns = [*head, *("metric", "stage", "srocc", "ci95_low", "ci95_high", "krocc", "plcc", "plcc_logistic")]
        columns += ["rmse", "difference", "difference_low", "difference_high", "p", "not_run"]
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        for row in self.rows:
            a, d = row.agreement, row.difference
            low, high = a.ci95 or (None, None)
            figures = {"srocc": a.srocc, "ci95_low": low, "ci95_high": high, "krocc": a.krocc, "plcc": a.plcc}
            figures |= {"plcc_logistic": a.plcc_logistic, "rmse": a.rmse}
            if d:
                low, high = d.ci95 or (None, None)
                figures |= {"difference": d.difference, "difference_low": low, "difference_high": high, "p": d.p}
            writer.writerow({**head, "metric": row.metric, "stage": row.stage, **figures})
        for name, reason in self.not_run.items():
            writer.writerow({**head, "metric": name, "not_run": reason})
        return text.getvalue()

    def _head(self) -> dict[str, Any]:
        return {
            "dataset": self.dataset,
            "opinion": self.opinion,
            "pairs": self.pairs,
            "checkpoint": self.checkpoint,
            "checkpoint_sha256": self.sha256,
            "readout": self.readout,
        }

    def _not_converged(self) -> list[Row]:
        return [row for row in self.rows if row.agreement.plcc_logistic is None]

    def _to(self) -> str:
        return f"SROCC against {self.main.label}" if self.main and len(self.rows) > 1 else ""


def versions() -> dict[str, str]:
    """Python and the packages the figures depend on; those that are not installed are left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def interval(found: Agreement) -> str:
    """The 95% interval in words, a dash where there is none."""
    return f"{found.ci95[0]:.4f} to {found.ci95[1]:.4f}" if found.ci95 else "-"


def against(row: Row) -> str:
    """The difference to the main row in words, empty for that row itself."""
    d = row.difference
    if d is None:
        return ""
    return f"{d.difference:+.3f}" + (f" ({d.ci95[0]:+.3f} to {d.ci95[1]:+.3f}), p = {d.p:.3f}" if d.ci95 else "")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
