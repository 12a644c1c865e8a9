"""Trained checkpoints -> repositories of the Hugging Face Hub."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from perceptmetric import command
from perceptmetric.errors import InputError
from perceptmetric.metric import PerceptualDistance


def main(arguments: list[str] | None = None) -> int:
    """`perceptmetric-train publish FOLDERS... --owner OWNER`; the exit code is that of `command.run`."""
    parser = argparse.ArgumentParser(
        prog="perceptmetric-train publish", description="Push checkpoints to OWNER/perceptmetric-NAME on the Hub."
    )
    parser.add_argument("folders", metavar="FOLDER", nargs="+", type=Path, help="what perceptmetric-train wrote")
    parser.add_argument("--owner", required=True, help="a user or an organisation of the Hub")
    parser.add_argument("--private", action="store_const", const=True, help="make new repositories private")
    options = parser.parse_args(arguments)

    def work() -> None:
        for address in publish(options.folders, options.owner, private=options.private):
            print(address)

    return command.run(parser.prog, work)


def publish(folders: Sequence[Path], owner: str, *, private: bool | None = None) -> Iterator[str]:
    """Pushes each checkpoint with its model card to `owner/perceptmetric-NAME`, NAME being the folder's.

    All of the folders are read before the first is pushed, so that a broken one stops them all.

    Args:
        folders: what `perceptmetric-train` wrote; only `model.safetensors` and `config.json` are pushed.
        owner: a user or an organisation of the Hub.
        private: whether new repositories are private; the owner's default where None.

    Yields:
        The address of each commit, once it is made.

    Raises:
        InputError: a folder holds no checkpoint, two have one name, or the Hub does not take it.
    """
    metrics = {}
    for folder in folders:
        name = folder.resolve().name
        if name in metrics:
            raise InputError(f"{folder}: a second folder named {name}, expected a name for each repository")
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder")
        metrics[name] = PerceptualDistance.from_pretrained(folder)
    for name, metric in metrics.items():
        yield metric.push_to_hub(f"{owner}/perceptmetric-{name}", private=private)
