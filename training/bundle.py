"""Makes finished runs the checkpoints that come with the package, in half precision: 146 KB each.

    python training/bundle.py NAME=RUN...

NAME is what the checkpoint is to be called, RUN a folder that `perceptmetric-train` left. Writes
`perceptmetric/weights/NAME/` and the run's curve as `training/results/NAME.csv`.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch

from perceptmetric import checkpoints
from perceptmetric.training.trainer import CURVE_FILE

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Writes the checkpoints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", metavar="NAME=RUN", nargs="+")
    for run in parser.parse_args().runs:
        name, _, folder = run.partition("=")
        bundle(name, Path(folder), ROOT)


def bundle(name: str, run: Path, root: Path) -> None:
    """Copies one run into the package below `root`."""
    network, config = checkpoints.load(run)
    config["run"] = run.resolve().name
    checkpoints.save(network, config, root / "perceptmetric" / "weights" / name, dtype=torch.float16)
    shutil.copyfile(run / CURVE_FILE, root / "training" / "results" / f"{name}.csv")


if __name__ == "__main__":
    main()
