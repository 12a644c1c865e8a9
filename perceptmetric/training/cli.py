"""`perceptmetric-train RECIPE.toml --data DIR --out DIR`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from perceptmetric import commands
from perceptmetric.training.recipe import read_recipe
from perceptmetric.training.trainer import DivergedError, Trainer


def main(arguments: list[str] | None = None) -> int:
    """Trains one recipe; the exit code is that of `commands.run`, or 1 for a run that diverged."""
    parser = argparse.ArgumentParser(
        prog="perceptmetric-train", description="Train a PerceptNet autoencoder, on CUDA if there is one."
    )
    parser.add_argument("recipe", metavar="RECIPE.toml", type=Path, help="such as training/recipes/reconstruct.toml")
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="folder tree of JPEG, PNG photographs")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="checkpoint; an unfinished run resumes")
    options = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return commands.run(
            parser.prog, lambda: Trainer(read_recipe(options.recipe), options.data, options.out, device).run()
        )
    except DivergedError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
