"""`perceptmetric REFERENCE DISTORTED...`, and the same for folders and lists."""

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
from perceptmetric.cli import overlay, pairs, resumable
from perceptmetric.cli.pairs import Pair, Result
from perceptmetric.cli.resumable import Table
from perceptmetric.metric import PerceptualDistance

AHEAD = 8
"""Pairs whose images are decoded while others are measured."""

DESCRIPTION = """How different images look from a reference. Prints a line for each distorted image: its distance (one
for each checkpoint), a tab, its path. Exit code: 0, or 2 for bad use or an image that cannot be used."""

FORMS = """
forms:
  perceptmetric REFERENCE DISTORTED...   one reference with many files; a quoted pattern is expanded
  perceptmetric FOLDER FOLDER            images of one path within the two, whatever the extension
  perceptmetric -                        pairs from standard input: REFERENCE, a tab, DISTORTED on each line
"""


def main(arguments: list[str] | None = None) -> int:
    """Prints the distance of each pair of images; the exit code is that of `command.run`."""
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
    parser.add_argument("--map", metavar="FILE", help="draw where two images differ into this picture, and write it")
    parser.add_argument("--sort", action="store_true", help="by the first checkpoint's distance, smallest first")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", dest="write", action="store_const", const=write_json, help="a JSON object on each line")
    form.add_argument(
        "--out",
        metavar="FILE.csv",
        type=Path,
        help="CSV into this file, which a run that was stopped goes on with; processes of torchrun share the pairs",
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
    """Draws where two images differ, over the distorted one, and prints the map's mean: the distance.

    Raises:
        FileNotFoundError, InputError: an image, the checkpoint or the picture's path cannot be used.
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
    """Measures and prints, each result as soon as it is there unless they are sorted.

    Args:
        images: the command's arguments: files, two folders, or `-`.
        checkpoints: names, folders or Hub repositories.
        write: `write_text`, `write_csv` or `write_json`.
        sort: by the first checkpoint's distance, smallest first.

    Raises:
        FileNotFoundError, InputError: an image or a checkpoint cannot be used.
    """
    metrics = [PerceptualDistance.from_pretrained(checkpoint) for checkpoint in checkpoints]
    # Who writes pairs to our input may wait for each distance.
    ahead = 0 if images == ["-"] else AHEAD
    results: Iterable[Result] = pairs.measure(_with_progress(_pairs(images), sort=sort), metrics, ahead=ahead)
    if sort:
        results = sorted(results, key=lambda result: result.distances[0])
    write(results, checkpoints)


def fill_table(images: list[str], checkpoints: list[str], path: Path) -> None:
    """Measures what a table does not hold yet, and adds it line by line.

    Under torchrun each process takes every WORLD_SIZE-th pair into a file of its own beside `path`; whichever ends
    last merges them into `path`.

    Args:
        images: the command's arguments: files, two folders, or `-`.
        checkpoints: names, folders or Hub repositories.
        path: of the table.

    Raises:
        FileNotFoundError, InputError: an image, a checkpoint or the table cannot be used.
    """
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    todo = list(_pairs(images)) if ranks > 1 else _pairs(images)
    metrics = [PerceptualDistance.from_pretrained(checkpoint) for checkpoint in checkpoints]
    with Table(resumable.shard(path, rank, ranks), checkpoints) as own:
        mine = (pair for pair in islice(todo, rank, None, ranks) if pair not in own.done)
        for result in pairs.measure(_with_progress(mine, sort=True), metrics, ahead=AHEAD):
            own.append(result)
    if isinstance(todo, list) and ranks > 1:
        resumable.merge(path, ranks, len(todo))


def write_text(results: Iterable[Result], checkpoints: Sequence[str]) -> None:
    """Tab-separated: the distances, then the distorted image's path; a header where there are several checkpoints."""
    if len(checkpoints) > 1:
        print(*checkpoints, "distorted", sep="\t")
    for result in results:
        print(*(f"{distance:.6f}" for distance in result.distances), result.distorted, sep="\t", flush=True)


def write_csv(results: Iterable[Result], checkpoints: Sequence[str]) -> None:
    """Columns `reference`, `distorted`, and the distance by each checkpoint under its name."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["reference", "distorted", *checkpoints])
    for result in results:
        writer.writerow([result.reference, result.distorted, *result.distances])
        sys.stdout.flush()


def write_json(results: Iterable[Result], checkpoints: Sequence[str]) -> None:
    """One object on each line: `reference`, `distorted`, and `distances` by checkpoint."""
    for result in results:
        distances = dict(zip(checkpoints, result.distances, strict=True))
        row = {"reference": result.reference, "distorted": result.distorted, "distances": distances}
        print(json.dumps(row, ensure_ascii=False), flush=True)


def _pairs(images: list[str]) -> Iterable[Pair]:
    if images == ["-"]:
        return pairs.from_lines(sys.stdin)
    if len(images) == 2 and all(Path(path).is_dir() for path in images):
        return pairs.from_folders(Path(images[0]), Path(images[1]))
    return pairs.from_files(images[0], images[1:])


def _with_progress(todo: Iterable[Pair], *, sort: bool) -> Iterator[Pair]:
    # Lines that appear one by one on a terminal show the progress themselves.
    if not sys.stderr.isatty() or (sys.stdout.isatty() and not sort):
        yield from todo
        return
    from huggingface_hub.utils import tqdm

    yield from tqdm(todo, unit="pair")
