"""Trained checkpoints -> repositories of the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from perceptmetric.errors import InputError
from perceptmetric.metric import PerceptualDistance


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
