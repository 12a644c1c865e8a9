"""Measures speed and memory on this machine's CPU and writes every figure of `docs/explanation/performance.md`.

    python benchmarks/speed.py

Writes `benchmarks/results/speed.json`, `benchmarks/results/speed.md` and what stands between the marks in the page. Run
it while nothing else runs: it takes about ten minutes.
"""

from __future__ import annotations

import argparse
import json
import platform
from datetime import date
from pathlib import Path
from typing import Any

from perceptmetric.benchmarks.speed import costs
from perceptmetric.benchmarks.speed.costs import LARGE_PAIR, LOSS, PRODUCT, VGG_LOSS, Cost
from perceptmetric.benchmarks.speed.speed_report import SIDES, benchmark
from perceptmetric.checkpoints import DEFAULT
from perceptmetric.command import keep_freed_memory
from perceptmetric.files import write
from perceptmetric.tables import filled, markdown

METRICS = ("ssim", "ms-ssim", "mdsi", "haarpsi", "gmsd", "vsi", "fsimc")
RESULTS = Path(__file__).with_name("results")
PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "performance.md"
OURS, ONEDNN = "perceptmetric", "matrix product, oneDNN's"


def main() -> None:
    """Measures, and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    keep_freed_memory()
    report = benchmark(METRICS, DEFAULT, "cpu", SIDES)
    print(report.table())
    content = {"date": date.today().isoformat(), "processor": processor(), **json.loads(report.json())}
    write(RESULTS / "speed.json", json.dumps(content, indent=2) + "\n")
    write_tables(content)


def write_tables(content: dict[str, Any]) -> None:
    """Writes `speed.md` and fills the page from what `speed.json` holds."""
    detail = [Cost(**row) for row in content["costs"]]
    write(
        RESULTS / "speed.md",
        f"# Speed\n\nWritten by `benchmarks/speed.py`. {conditions(content)}\n\n"
        "The first table is wall-clock time, of processes that ran one after the other; the second is processor time,\n"
        f"taken in turn.\n\n{throughput_table(content)}\n{cost_table(detail)}",
    )
    page = PAGE.read_text(encoding="utf-8")
    text = f"{conditions(content)}\n\n{cost_table(detail)}\nWhat follows from it:\n\n{conclusions(detail)}"
    write(PAGE, filled(page, {"speed": text}))


def processor() -> str:
    """The processor's name, as Linux or Python knows it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def conditions(content: dict[str, Any]) -> str:
    """When, where and with what the figures were measured."""
    packages = ", ".join(f"{name} {number}" for name, number in content["versions"].items())
    return (
        f"Measured on {content['date']} on {content['processor']} with {content['threads']} threads, checkpoint "
        f"`{content['checkpoint']}`, float32\n({packages})."
    )


def throughput_table(content: dict[str, Any]) -> str:
    """Pairs a second of each metric at each size."""
    own_rates = {row["side"]: row["pairs_per_second"] for row in content["results"] if row["metric"] == OURS}
    rows = [
        [
            row["metric"],
            str(row["side"]),
            f"{row['pairs_per_second'] / own_rates[row['side']]:.2f}",
            f"{row['matrix_share']:.1%}",
            f"{row['pairs_per_second']:.2f}",
            mebibytes(row["peak_bytes"]),
        ]
        for row in content["results"]
    ]
    return markdown(["metric", "side", "speed to ours", "matrix share", "pairs/s", "peak MiB"], rows)


def cost_table(detail: list[Cost]) -> str:
    """The cost of each piece of work."""
    rows = [
        [
            row.name,
            "" if row.pairs is None else f"{row.pairs:.2f}",
            "" if row.matrix_share is None else f"{row.matrix_share:.1%}",
            mebibytes(row.peak_bytes),
        ]
        for row in detail
    ]
    title = f"{costs.WIDTH}x{costs.HEIGHT}, batch 1 unless named"
    return markdown([title, "encoder pairs", "matrix share", "peak MiB"], rows)


def mebibytes(number: int | None) -> str:
    """A table's cell, empty for what was not measured."""
    return "" if number is None else f"{number / 2**20:.0f}"


def conclusions(detail: list[Cost]) -> str:
    """What the costs mean for a user, as a list in Markdown."""
    pairs = {row.name: row.pairs or 0.0 for row in detail}
    encoders = {f"encoder, batch {number}" for number in costs.BATCHES}
    shares = [row.matrix_share or 0.0 for row in detail if row.name in encoders]
    peaks = {row.name: row.peak_bytes or 0 for row in detail}
    sizes = ", ".join(map(str, costs.BATCHES))
    once = pairs["default readout, reference encoded once"]
    lines = [
        f"- The encoder goes at {min(shares):.2f} to {max(shares):.2f} of the matrix product's rate for batches of",
        f"  {sizes} (aim: 0.80). A share can pass 1 because oneDNN, which does our products, multiplies the same",
        f"  matrices {pairs[PRODUCT] / pairs[ONEDNN]:.2f} times as fast as PyTorch's own library for matrices.",
        f"- A pair by the default readout costs {pairs['default readout, batch 1']:.1f} encoder pairs (aim: at most",
        f"  2), and {once:.1f} if its reference is encoded once for many pairs.",
        f"- A pair of uint8 images of {costs.LARGE}x{costs.LARGE} takes {mebibytes(peaks[LARGE_PAIR])} MiB, the images",
        "  included (aim: 2048).",
        f"- As a loss, forward and backward, a pair is {pairs[VGG_LOSS] / pairs[LOSS]:.1f} times as cheap as a loss of",
        f"  a VGG16 trunk, and takes {share(peaks[LOSS], peaks[VGG_LOSS])} of its memory (aims: 30 times, a tenth),",
        "  both after a first call on a small image.",
    ]
    return "\n".join(lines) + "\n"


def share(part: int, whole: int) -> str:
    """A ratio to three digits, a dash where memory was not measured."""
    return f"{part / whole:.3f}" if whole else "-"


if __name__ == "__main__":
    main()
