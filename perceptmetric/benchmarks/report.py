"""A benchmark's results as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from perceptmetric.benchmarks.statistics import Agreement
from perceptmetric.files import replacing


@dataclass(frozen=True)
class Row:
    """One metric's agreement with a database.

    Args:
        metric: the metric's name.
        stage: the stage of the network it compares.
        agreement: its statistics.
    """

    metric: str
    stage: str
    agreement: Agreement


@dataclass(frozen=True)
class Report:
    """What was measured, on what, and what came out.

    Args:
        dataset: the database's name.
        pairs: how many pairs of it were scored.
        checkpoint: bundled name or folder.
        readout: how activations became a distance.
        rows: the results.
    """

    dataset: str
    pairs: int
    checkpoint: str
    readout: str
    rows: list[Row]

    def table(self) -> str:
        """Lines for a terminal."""
        lines = [
            f"{self.dataset}, {self.pairs} pairs, checkpoint {self.checkpoint}, readout {self.readout}",
            f"{'stage':<8}{'SROCC':>8}{'KROCC':>8}{'PLCC':>8}",
        ]
        for row in self.rows:
            a = row.agreement
            lines.append(f"{row.stage:<8}{a.srocc:>8.4f}{a.krocc:>8.4f}{a.plcc:>8.4f}")
        return "\n".join(lines)

    def write_json(self, path: Path) -> None:
        """Writes everything measured, with the versions it was measured with.

        Raises:
            OSError: the file cannot be written.
        """
        packages = ("perceptmetric", "torch", "numpy", "scipy", "pillow")
        content = {
            "dataset": self.dataset,
            "pairs": self.pairs,
            "checkpoint": self.checkpoint,
            "readout": self.readout,
            "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
            "results": [{"metric": row.metric, "stage": row.stage, **asdict(row.agreement)} for row in self.rows],
        }
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
