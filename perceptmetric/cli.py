"""`perceptmetric REFERENCE DISTORTED...`."""

from __future__ import annotations

import argparse

import torch

from perceptmetric import __version__, commands
from perceptmetric.checkpoints import DEFAULT
from perceptmetric.metric import PerceptualDistance


def main(arguments: list[str] | None = None) -> int:
    """Prints the distance of each distorted image to the reference; the exit code is that of `commands.run`."""
    parser = argparse.ArgumentParser(prog="perceptmetric", description="How different images look from a reference.")
    parser.add_argument("reference", metavar="REFERENCE", help="image file")
    parser.add_argument("distorted", metavar="DISTORTED", nargs="+", help="image file of the reference's size")
    parser.add_argument("--checkpoint", default=DEFAULT, help="bundled name or folder (default: %(default)s)")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    options = parser.parse_args(arguments)
    return commands.run(parser.prog, lambda: print_distances(options.checkpoint, options.reference, options.distorted))


@torch.inference_mode()
def print_distances(checkpoint: str, reference: str, distorted: list[str]) -> None:
    """Prints a line for each distorted image: its distance, a tab, its path.

    Raises:
        FileNotFoundError, InputError: a file cannot be used.
    """
    metric = PerceptualDistance.from_pretrained(checkpoint)
    encoded = metric.encode(reference)
    for path in distorted:
        print(f"{metric.compare(encoded, metric.encode(path)).item():.6f}\t{path}", flush=True)
