"""The command `perceptmetric-train RECIPE.toml --data DIR --out DIR`, and its subcommands `sweep` and `publish`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from perceptmetric import command
from perceptmetric.training import publish, sweep
from perceptmetric.training.processes import joined
from perceptmetric.training.recipe import read_recipe
from perceptmetric.training.trainer import DivergedError, Trainer

SUBCOMMANDS = {"sweep": sweep.main, "publish": publish.main}


def main(arguments: list[str] | None = None) -> int:
    """Trains one recipe, or runs a subcommand.

    Args:
        arguments: of the command line; those of the process where None.

    Returns:
        The exit code: 1 if a run failed, else as `command.run` gives it.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in SUBCOMMANDS:
        return SUBCOMMANDS[arguments[0]](arguments[1:])
    parser = argparse.ArgumentParser(
        prog="perceptmetric-train",
        description="Train a PerceptNet autoencoder, on a GPU if there is one.",
        epilog=f"Subcommands: {', '.join(SUBCOMMANDS)}; see perceptmetric-train SUBCOMMAND --help.",
    )
    parser.add_argument("recipe", metavar="RECIPE.toml", type=Path, help="such as training/recipes/reconstruct.toml")
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="folder tree of JPEG, PNG photographs")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        required=True,
        help="the checkpoint; an unfinished run continues",
    )
    parser.add_argument("--seed", metavar="N", type=int, help="instead of the recipe's seed")
    options = parser.parse_args(arguments)
    try:
        return command.run(parser.prog, lambda: train(options.recipe, options.data, options.out, options.seed))
    except DivergedError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1


def train(recipe: Path, data: Path, out: Path, seed: int | None) -> None:
    """Trains one recipe, together with the other processes if `torchrun` started several.

    Args:
        recipe: path of the recipe; its name without the suffix goes into the checkpoint's config.
        data: folder tree of JPEG or PNG photographs.
        out: folder of the checkpoint.
        seed: replaces the recipe's, unless None.

    Raises:
        FileNotFoundError: there is no such recipe.
        InputError: the recipe, the photographs or `out` cannot be used.
        DivergedError: a loss is not finite.
    """
    with joined() as (processes, device):
        Trainer(read_recipe(recipe, seed), data, out, device, processes, recipe_name=recipe.stem).run()
