"""Trains small networks with the distance and with other losses, and lets metrics judge that nobody optimised.

python benchmarks/loss.py --photographs FOLDER --networks FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

from restoration.comparison import Comparison
from restoration.losses import losses
from restoration.photographs import read
from restoration.tasks import TASKS

RESULTS = Path(__file__).with_name("results") / "loss"

ORDER = (
    ("MSE", "L1", "SSIM", "L1 + w MS-SSIM", "L1 + w ours"),
    ("MSE + w ours", "L1 + w ours, balanced"),
    ("ours",),
    ("L1 + w frequencies",),
)
"""What is trained first, with every seed, so that a run that is stopped has something to compare."""


def main() -> None:
    """Trains what is not yet trained, seed by seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, required=True, help="a folder of JPEG and PNG files")
    parser.add_argument("--networks", type=Path, required=True, help="a folder for trained networks, to go on from")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    for folder in (RESULTS, arguments.networks):
        folder.mkdir(parents=True, exist_ok=True)
    runs = Comparison(RESULTS, arguments.networks, read(arguments.photographs), losses())
    weights = {loss.name: runs.choose(TASKS[0], loss) for loss in runs.losses}
    for task in TASKS:
        runs.judge_start(task)
    for names in ORDER:
        for seed in range(arguments.seeds):
            for task in TASKS:
                for loss in runs.losses:
                    if loss.name in names:
                        runs.run(task, loss, weights[loss.name], seed)


if __name__ == "__main__":
    main()
