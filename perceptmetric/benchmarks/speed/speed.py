"""How fast a metric is and how much memory it takes, against what the machine can do at all.

Times of one machine say little on another. Ratios say more: the pairs a second against our metric's, and
the share of the rate at which the same machine multiplies matrices.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace

import torch
from huggingface_hub.utils import tqdm

from perceptmetric.benchmarks.agreement.report import versions
from perceptmetric.benchmarks.metrics.metric import Metric, MetricError, ours
from perceptmetric.benchmarks.metrics.peers import peer, peers
from perceptmetric.benchmarks.speed import memory
from perceptmetric.benchmarks.speed.costs import Cost, costs, operations
from perceptmetric.benchmarks.speed.costs import table as cost_table
from perceptmetric.checkpoints import load
from perceptmetric.command import INTERRUPTED
from perceptmetric.errors import InputError

SIDES = (256, 512, 1024)
SECONDS = 1.0
"""How long a metric is run for at each size; at least 3 pairs."""

MATRIX = 2048
OURS = "perceptmetric"


@dataclass(frozen=True)
class Speed:
    """One metric at one size of image.

    Args:
        metric: its name.
        side: of the square images in pixels.
        pairs_per_second: of the median pair, reference and distorted image both new, one pair at a time.
        peak_bytes: how much more memory the process held at its peak than before its first pair, the two images
            included (CPU), or what torch had allocated on the device at the peak (CUDA). None where the system
            does not tell.
        matrix_share: convolutions and matrix products done a second (as torch counts them), as a share of those
            a product of two 2048x2048 matrices does a second. What a metric does beside them is not counted.
    """

    metric: str
    side: int
    pairs_per_second: float
    peak_bytes: int | None
    matrix_share: float


def speed(names: Sequence[str], checkpoint: str, device: str, sides: Sequence[int] = SIDES) -> SpeedReport:
    """Runs every metric in a process of its own, so that none sees another's memory.

    Args:
        names: of metrics, as for `perceptmetric.benchmarks.metrics.peers.peer`; ours comes first in any case.
        checkpoint: of our metric.
        device: `cpu` or `cuda`.
        sides: of the images, ascending.

    Raises:
        InputError: the device is not there, or our own metric fails.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device: found no CUDA device")
    load(checkpoint)
    others, not_run = peers(names)
    rows: list[Speed] = []
    for name in tqdm([OURS, *(metric.name for metric in others)], desc=device, unit="metric"):
        command = [sys.executable, "-m", __name__, name, checkpoint, device, *map(str, sides)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
        if done.returncode == 0:
            rows += [Speed(**found) for found in json.loads(done.stdout.splitlines()[-1])]
        elif name == OURS:
            raise InputError(f"{name}: {done.stdout.strip()}")
        else:
            not_run[name] = done.stdout.strip() or f"its process ended with code {done.returncode}"
    machine = torch.cuda.get_device_name() if device == "cuda" else f"{platform.machine()} CPU"
    found = costs(names, checkpoint) if device == "cpu" else []
    return SpeedReport(device, machine, torch.get_num_threads(), checkpoint, rows, not_run, found)


@dataclass(frozen=True)
class SpeedReport:
    """What `speed` found.

    Args:
        device: `cpu` or `cuda`.
        machine: what it is.
        threads: torch's threads.
        checkpoint: of our metric.
        rows: the results.
        not_run: the metrics that could not be run, and why.
        costs: of one size in detail, on CPU.
    """

    device: str
    machine: str
    threads: int
    checkpoint: str
    rows: list[Speed]
    not_run: dict[str, str]
    costs: list[Cost] = field(default_factory=list)

    def table(self) -> str:
        """Lines for a terminal, ratios first."""
        width = max(len(row.metric) for row in self.rows)
        ours = {row.side: row.pairs_per_second for row in self.rows if row.metric == OURS}
        lines = [
            f"{self.machine}, {self.threads} threads, checkpoint {self.checkpoint}, float32, one pair at a time",
            ", ".join(f"{name} {number}" for name, number in versions().items()),
            f"{'metric':<{width}}{'side':>6}{'speed to ours':>15}{'matrix share':>14}{'pairs/s':>10}{'peak MiB':>10}",
        ]
        for row in self.rows:
            peak = "-" if row.peak_bytes is None else f"{row.peak_bytes / 2**20:.0f}"
            lines.append(
                f"{row.metric:<{width}}{row.side:>6}{row.pairs_per_second / ours[row.side]:>15.2f}"
                f"{row.matrix_share:>14.1%}{row.pairs_per_second:>10.2f}{peak:>10}"
            )
        lines += [f"{name}: not run: {reason}" for name, reason in self.not_run.items()]
        return "\n".join([*lines, "", cost_table(self.costs)] if self.costs else lines)

    def json(self) -> str:
        """Everything measured, with the versions it was measured with."""
        content = {
            "device": self.device,
            "machine": self.machine,
            "threads": self.threads,
            "checkpoint": self.checkpoint,
            "versions": versions(),
            "results": [asdict(row) for row in self.rows],
            "costs": [asdict(row) for row in self.costs],
            "not_run": [{"metric": name, "reason": reason} for name, reason in self.not_run.items()],
        }
        return json.dumps(content, indent=2) + "\n"


@torch.inference_mode()
def measure(metric: Metric, device: str, sides: Sequence[int]) -> list[Speed]:
    """One metric at each size, in this process. The sizes must ascend: a peak is that of the largest size so far."""
    rows = []
    before = _start_of_peak(device)
    for side in sides:
        torch.manual_seed(0)
        reference = (torch.rand(1, 3, side, side, device=device) * 255).round() / 255
        distorted = (reference + 0.1 * torch.randn_like(reference)).clamp(0, 1).mul(255).round() / 255

        def pair(reference: torch.Tensor = reference, distorted: torch.Tensor = distorted) -> None:
            metric.against(reference)(distorted)

        pair()
        peak = _peak(device)
        count = operations(pair)
        times = _times(pair, device)
        rate = 1 / sorted(times)[len(times) // 2]
        held = None if peak is None or before is None else peak - before
        rows.append(Speed(metric.name, side, rate, held, count * rate))
    matrix_rate = _matrix_rate(device)
    return [replace(row, matrix_share=row.matrix_share / matrix_rate) for row in rows]


def _times(work: Callable[[], object], device: str) -> list[float]:
    times: list[float] = []
    while len(times) < 3 or sum(times) < SECONDS:
        _finish(device)
        start = time.perf_counter()
        work()
        _finish(device)
        times.append(time.perf_counter() - start)
    return times


def _matrix_rate(device: str) -> float:
    """Operations a second of the fastest of a few products of two float32 matrices."""
    a, b = torch.rand(2, MATRIX, MATRIX, device=device)
    torch.mm(a, b)
    return 2 * MATRIX**3 / min(_times(lambda: torch.mm(a, b), device))


def _finish(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _start_of_peak(device: str) -> int | None:
    """What is held now; from here on the peak counts."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return 0
    return memory.start_of_peak()


def _peak(device: str) -> int | None:
    return torch.cuda.max_memory_allocated() if device == "cuda" else memory.status("VmHWM")


def main(arguments: list[str] | None = None) -> int:
    """The process of one metric: prints the rows as one line of JSON, or why there are none."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("checkpoint")
    parser.add_argument("device")
    parser.add_argument("sides", type=int, nargs="+")
    options = parser.parse_args(arguments)
    try:
        metric = ours(options.checkpoint, device=options.device) if options.name == OURS else peer(options.name)
        rows = measure(metric, options.device, options.sides)
    except MetricError as error:
        print(error)
        return 1
    except Exception as error:
        print(f"{type(error).__name__}: {error}".splitlines()[0])
        return 1
    except KeyboardInterrupt:  # the parent's to tell
        return INTERRUPTED
    print(json.dumps([asdict(row) for row in rows]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
