"""The command `perceptmetric`: the distances of image files, of two folders, or of a list of pairs."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from perceptmetric import __version__, command
from perceptmetric.checkpoints import DEFAULT
from perceptmetric.cli import overlay, pairs
from perceptmetric.cli.pairs import Pair, Result
from perceptmetric.cli.resumable import ResumableTable, merge_shards, shard_path
from perceptmetric.metric import PerceptualDistance

AHEAD = 8
"""How many further pairs are read while one is measured."""

DESCRIPTION = """Measures how different images look from a reference. For each distorted image it prints a line: the
distance (one for each checkpoint), a tab, the path. Exit code: 0, or 2 if the command or an image cannot be used."""

FORMS = """
forms:
  perceptmetric REFERENCE DISTORTED...   one reference and any number of images; DISTORTED may be a quoted pattern
  perceptmetric FOLDER FOLDER            images with the same path within both folders; extensions may differ
  perceptmetric -                        pairs from standard input; each line is REFERENCE, a tab, DISTORTED
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs the command.

    Args:
        arguments: of the command line; those of the process where None.

    Returns:
        The exit code, as `command.run` gives it.
    """
    parser = argparse.ArgumentParser(
        prog="perceptmetric",
        description=DESCRIPTION,
        epilog=FORMS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("images", metavar="REFERENCE DISTORTED", nargs="+", help="image files, two folders, or -")
    parser.add_argument(
        "--checkpoint",
        metavar="NAME",
        action="append",
        help=f"bundled name, folder or Hub repository (default: {DEFAULT}); may be given several times",
    )
    parser.add_argument("--map", metavar="FILE", help="write a picture of where the two images differ")
    parser.add_argument("--sort", action="store_true", help="smallest distance first, by the first checkpoint")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="write", action="store_const", const=write_json, help="a JSON object on each line")
    form.add_argument(
        "--out",
        metavar="FILE.csv",
        type=Path,
        help="append CSV to this file; run again to continue; processes of torchrun share the pairs",
    )
    form.add_argument("--csv", dest="write", action="store_const", const=write_csv, help="CSV with a header")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    options = parser.parse_args(arguments)
    if options.images != ["-"] and len(options.images) < 2:
        parser.error("found one image, expected REFERENCE DISTORTED..., two folders, or - for standard input")
    checkpoints = options.checkpoint or [DEFAULT]
    if options.map and (len(options.images) != 2 or len(checkpoints) > 1 or options.out):
        parser.error("--map takes REFERENCE DISTORTED and one checkpoint")
    if options.map:
        reference, distorted = options.images
        return command.run(parser.prog, lambda: draw_map(reference, distorted, checkpoints[0], options.map))
    if options.out:
        if options.sort:
            parser.error("--sort goes with what is printed, not with --out")
        return command.run(parser.prog, lambda: fill_table(options.images, checkpoints, options.out))
    return command.run(
        parser.prog,
        lambda: print_distances(options.images, checkpoints, options.write or write_text, sort=options.sort),
    )


def draw_map(reference: str, distorted: str, checkpoint: str, path: str) -> None:
    """Draws the map of a pair over its distorted image, and prints the distance, which is the map's mean.

    Args:
        reference: path of an image.
        distorted: path of an image of the same size.
        checkpoint: name, folder or Hub repository.
        path: of the picture to write.

    Raises:
        FileNotFoundError: an image does not exist.
        InputError: an image, the checkpoint or the picture's path cannot be used.
    """
    distance_map = PerceptualDistance.from_pretrained(checkpoint).map(reference, distorted)
    overlay.save(distorted, distance_map, path)
    print(f"{distance_map.mean().item():.6f}", distorted, sep="\t")


def print_distances(
    images: list[str],
    checkpoints: list[str],
    write: Callable[[Iterable[Result], Sequence[str]], None],
    *,
    sort: bool = False,
) -> None:
    """Measures pairs and prints each distance at once, or all of them in the end if they are to be sorted.

    Args:
        images: the command's arguments: files, two folders, or `-`.
        checkpoints: names, folders or Hub repositories.
        write: `write_text`, `write_csv` or `write_json`.
        sort: whether to sort by the first checkpoint's distance, smallest first.

    Raises:
        FileNotFoundError: an image does not exist.
        InputError: an image or a checkpoint cannot be used.
    """
    metrics = _metrics(checkpoints)
    # A program that writes pairs to our input may wait for each distance before it writes the next pair.
    ahead = 0 if images == ["-"] else AHEAD
    results: Iterable[Result] = pairs.measure(_with_progress(_pairs(images), sort=sort), metrics, ahead=ahead)
    if sort:
        results = sorted(results, key=lambda result: result.distances[0])
    write(results, checkpoints)


def fill_table(images: list[str], checkpoints: list[str], path: Path) -> None:
    """Measures the pairs that a table does not contain yet, and appends each as soon as it is measured.

    Under torchrun each of the WORLD_SIZE processes measures every WORLD_SIZE-th pair and writes to a file of its own
    beside `path`. The process that ends last merges these files into `path`.

    Args:
        images: the command's arguments: files, two folders, or `-`.
        checkpoints: names, folders or Hub repositories.
        path: of the table.

    Raises:
        FileNotFoundError: an image does not exist.
        InputError: an image, a checkpoint or the table cannot be used.
    """
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    todo = list(_pairs(images)) if ranks > 1 else _pairs(images)
    metrics = _metrics(checkpoints)
    with ResumableTable(shard_path(path, rank, ranks), checkpoints) as own:
        mine = (pair for pair in islice(todo, rank, None, ranks) if pair not in own.done)
        for result in pairs.measure(_with_progress(mine, sort=True), metrics, ahead=AHEAD):
            own.append(result)
    if isinstance(todo, list) and ranks > 1:
        merge_shards(path, ranks, len(todo))


def write_text(results: Iterable[Result], checkpoints: Sequence[str]) -> None:
    """Prints a line for each result: its distances and the distorted image's path, separated by tabs.

    With several checkpoints a header comes first.
    """
    if len(checkpoints) > 1:
        print(*checkpoints, "distorted", sep="\t")
    for result in results:
        print(*(f"{distance:.6f}" for distance in result.distances), result.distorted, sep="\t", flush=True)


def write_csv(results: Iterable[Result], checkpoints: Sequence[str]) -> None:
    """Prints CSV with the columns `reference`, `distorted` and one for each checkpoint, named after it."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["reference", "distorted", *checkpoints])
    for result in results:
        writer.writerow([result.reference, result.distorted, *result.distances])
        sys.stdout.flush()


def write_json(results: Iterable[Result], checkpoints: Sequence[str]) -> None:
    """Prints a JSON object on each line: `reference`, `distorted`, and `distances` with a number by checkpoint."""
    for result in results:
        distances = dict(zip(checkpoints, result.distances, strict=True))
        row = {"reference": result.reference, "distorted": result.distorted, "distances": distances}
        print(json.dumps(row, ensure_ascii=False), flush=True)


def _metrics(checkpoints: Sequence[str]) -> list[PerceptualDistance]:
    """The metric of each checkpoint; one that is named twice is loaded once."""
    loaded = {checkpoint: PerceptualDistance.from_pretrained(checkpoint) for checkpoint in dict.fromkeys(checkpoints)}
    return [loaded[checkpoint] for checkpoint in checkpoints]


def _pairs(images: list[str]) -> Iterable[Pair]:
    if images == ["-"]:
        return pairs.from_lines(sys.stdin)
    if len(images) == 2 and all(Path(path).is_dir() for path in images):
        return pairs.from_folders(Path(images[0]), Path(images[1]))
    return pairs.from_files(images[0], images[1:])


def _with_progress(todo: Iterable[Pair], *, sort: bool) -> Iterator[Pair]:
    # No bar where there is no terminal for it, or where distances appear on the terminal one by one.
    if not sys.stderr.isatty() or (sys.stdout.isatty() and not sort):
        yield from todo
        return
    from huggingface_hub.utils import tqdm

    yield from tqdm(todo, unit="pair")
