"""Scores every bundled checkpoint, and the untrained network, at all 19 stages of TID2013 or its replica.

    python benchmarks/tid2013.py --root DIR

Writes `benchmarks/results/<database>/<checkpoint>.json` and the table of them all, `README.md` beside them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from perceptmetric.benchmarks.cli import benchmark
from perceptmetric.benchmarks.datasets import tid2013
from perceptmetric.checkpoints import UNTRAINED, bundled_names
from perceptmetric.perceptnet import STAGES

RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Runs the benchmark once for each checkpoint and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="the database as published")
    root = parser.parse_args().root
    folder = RESULTS / tid2013(root).name.lower().replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    checkpoints = [UNTRAINED, *bundled_names()]
    for checkpoint in checkpoints:
        benchmark(root, checkpoint, STAGES, folder / f"{checkpoint}.json")
    reports = {name: json.loads((folder / f"{name}.json").read_text()) for name in checkpoints}
    (folder / "README.md").write_text(table(reports))


def table(reports: dict[str, dict[str, Any]]) -> str:
    """The SROCC of every checkpoint at every stage, as Markdown."""
    any_report = next(iter(reports.values()))
    versions = ", ".join(f"{name} {number}" for name, number in any_report["versions"].items())
    lines = [
        f"# {any_report['dataset']}: SROCC stage by stage",
        "",
        f"{any_report['pairs']} pairs, readout `{any_report['readout']}`. Written by `benchmarks/tid2013.py`",
        f"({versions}).",
        "Beside each table entry the JSON holds KROCC, PLCC, PLCC and RMSE after the logistic fit, and a 95% interval.",
        "",
        "| stage | " + " | ".join(f"`{name}`" for name in reports) + " |",
        "|---|" + "---|" * len(reports),
    ]
    for index, stage in enumerate(STAGES):
        values = [f"{report['results'][index]['srocc']:.4f}" for report in reports.values()]
        lines.append(f"| {stage} | " + " | ".join(values) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
