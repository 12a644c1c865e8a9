"""`perceptmetric-train RECIPE.toml --data DIR --out DIR`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from perceptmetric.errors import InputError
from perceptmetric.training.recipe import read_recipe
from perceptmetric.training.trainer import DivergedError, Trainer


def main(arguments: list[str] | None = None) -> int:
    """Trains one recipe; the exit code is 0, or 2 for input that cannot be used, 1 for a run that diverged."""
    parser = argparse.ArgumentParser(prog="perceptmetric-train", description="Train a PerceptNet autoencoder.")
    parser.add_argument("recipe", type=Path, help="TOML recipe, such as training/recipes/reconstruct.toml")
    parser.add_argument("--data", type=Path, required=True, help="folder tree of JPEG and PNG photographs")
    parser.add_argument("--out", type=Path, required=True, help="folder of the checkpoint; an unfinished run resumes")
    parser.add_argument("--device", help="cpu, cuda, ... (default: cuda where there is one)")
    options = parser.parse_args(arguments)
    device = torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    try:
        Trainer(read_recipe(options.recipe), options.data, options.out, device).run()
    except (InputError, OSError) as error:
        print(f"perceptmetric-train: {error}", file=sys.stderr)
        return 2
    except DivergedError as error:
        print(f"perceptmetric-train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"perceptmetric-train: stopped; run it again to resume in {options.out}", file=sys.stderr)
        return 130
    return 0
