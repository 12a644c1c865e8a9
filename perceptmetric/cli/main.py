"""The command `perceptmetric`: the distances of image files, of two folders, or of a list of pairs."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from perceptmetric import __version__, command, files, streams
from perceptmetric.cli import pairs, printing
from perceptmetric.cli.pairs import Pair
from perceptmetric.cli.result import Result
from perceptmetric.cli.resumable import ResumableTable, is_measured
from perceptmetric.cli.shards import known_rows, merge_shards, shard_path
from perceptmetric.cli.verdict import Verdict
from perceptmetric.command import BAD_INPUT
from perceptmetric.names import DEFAULT

if TYPE_CHECKING:  # --help need not wait for torch
    from perceptmetric.metric import PerceptualDistance

AHEAD = 8
"""How many further pairs are read while one is measured."""

DESCRIPTION = """Measures how different images look from a reference. For each distorted image it prints a line: the
distance (one for each checkpoint), a tab, the path."""

FORMS = """
forms:
  perceptmetric REFERENCE DISTORTED...   one reference and any number of images; DISTORTED may be a quoted pattern
  perceptmetric FOLDER FOLDER            images with the same path within both folders; extensions may differ
  perceptmetric -                        pairs from standard input; each line is REFERENCE, a tab, DISTORTED

what is left out, and what is named:
  Of folders, hidden files and folders (.name) and files that are no pictures by their extension are left out.
  An image without a counterpart, or with two, is named on standard error and left out.
  A pair that cannot be measured is named on standard error; in CSV its distances are empty, in JSON null.
  Empty lines of standard input are left out. A line of another form ends the run.

exit code:
  0    all pairs were measured
  1    a distance is above that of --fail-above
  2    bad usage, or something was named that could not be used; all other pairs were measured
"""

Write = Callable[[Iterable[Result], Sequence[str]], None]


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
    form.add_argument(
        "--json", dest="write", action="store_const", const=printing.write_json, help="a JSON object on each line"
    )
    form.add_argument(
        "--out",
        metavar="FILE.csv",
        type=Path,
        help="append CSV to this file; run again to continue; processes of torchrun share the pairs",
    )
    form.add_argument("--csv", dest="write", action="store_const", const=printing.write_csv, help="CSV with a header")
    parser.add_argument("--fail-above", metavar="T", type=_limit, help="exit code 1 if a distance is above T")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    options = parser.parse_args(arguments)
    if options.images != ["-"] and len(options.images) < 2:
        parser.error("found one image, expected REFERENCE DISTORTED..., two folders, or - for standard input")
    checkpoints = options.checkpoint or [DEFAULT]
    if options.map and (len(options.images) != 2 or len(checkpoints) > 1 or options.out):
        parser.error("--map takes REFERENCE DISTORTED and one checkpoint")
    for name in ("sort", "fail_above"):
        if options.out and getattr(options, name) not in (None, False):
            parser.error(f"--{name.replace('_', '-')} goes with what is printed, not with --out")
    verdict = Verdict(parser.prog, checkpoints, options.fail_above)
    if options.map:
        reference, distorted = options.images
        work = partial(draw_map, reference, distorted, checkpoints[0], options.map, verdict)
    elif options.out:
        work = partial(fill_table, options.images, checkpoints, options.out, verdict)
    else:
        write = options.write or printing.write_text
        work = partial(print_distances, options.images, checkpoints, write, verdict, sort=options.sort)
    return command.run(parser.prog, work)


def draw_map(reference: str, distorted: str, checkpoint: str, path: str, verdict: Verdict) -> int:
    """Draws the map of a pair over its distorted image, and prints the distance, which is the map's mean.

    Args:
        reference: path of an image.
        distorted: path of an image of the same size.
        checkpoint: name, folder or Hub repository.
        path: of the picture to write.
        verdict: on the distance.

    Returns:
        The exit code.

    Raises:
        FileNotFoundError: an image does not exist.
        InputError: an image, the checkpoint or the picture's path cannot be used.
    """
    from perceptmetric.cli import overlay
    from perceptmetric.metric import PerceptualDistance

    overlay.picture_format(path, inputs=(reference, distorted))
    distance_map = PerceptualDistance.from_pretrained(checkpoint).map(reference, distorted)
    overlay.save(distorted, distance_map, path)
    result = Result(reference, distorted, (distance_map.mean().item(),))
    printing.write_text(verdict.watch([result]), [checkpoint])
    return verdict.exit_code


def print_distances(
    images: list[str], checkpoints: list[str], write: Write, verdict: Verdict, *, sort: bool = False
) -> int:
    """Measures pairs and prints each distance at once, or all of them in the end if they are to be sorted.

    Args:
        images: the command's arguments: files, two folders, or `-`.
        checkpoints: names, folders or Hub repositories.
        write: `write_text`, `write_csv` or `write_json` of `perceptmetric.cli.printing`.
        verdict: on the distances.
        sort: whether to sort by the first checkpoint's distance, smallest first; pairs without distances come last.

    Returns:
        The exit code.

    Raises:
        InputError: no pair can be found, a checkpoint cannot be used, or the output cannot be written.
    """
    from perceptmetric.cli.measurement import measure

    streams.check_output()
    metrics = _metrics(checkpoints)
    # A program that writes pairs to our input may wait for each distance before it writes the next pair.
    ahead = 0 if images == ["-"] else AHEAD
    todo: Iterable[Pair] = _with_progress(_pairs(images, verdict.problem), sort=sort)
    if write is printing.write_text:
        todo = pairs.on_one_line(todo, verdict.problem)
    results: Iterable[Result] = verdict.watch(measure(todo, metrics, ahead=ahead))
    if sort:
        results = sorted(results, key=lambda result: result.distances or (math.inf,))
    write(results, checkpoints)
    return verdict.exit_code


def fill_table(images: list[str], checkpoints: list[str], path: Path, verdict: Verdict) -> int:
    """Measures the pairs that a table does not contain yet, and appends each as soon as it is measured.

    Under torchrun each of the WORLD_SIZE processes measures every WORLD_SIZE-th pair and writes to a file of its own
    beside `path`. The process that ends last merges these files into `path`.

    Args:
        images: the command's arguments: files, two folders, or `-`.
        checkpoints: names, folders or Hub repositories.
        path: of the table.
        verdict: on the pairs.

    Returns:
        The exit code.

    Raises:
        InputError: no pair can be found, or a checkpoint or the table cannot be used.
        OSError: the table cannot be written.
    """
    rank, ranks = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    files.check_writable(path)
    problem = partial(verdict.problem, silent=rank > 0)
    todo = pairs.on_one_line(_pairs(images, problem), problem)
    if ranks > 1:
        return _fill_shard(list(todo), checkpoints, path, verdict, rank, ranks)
    with ResumableTable(path, checkpoints) as table:
        _append(table, (pair for pair in todo if not table.take(pair)), verdict)
        if table.others:
            streams.say(verdict.program, f"{path}: keeps lines of pairs that were not asked for ({table.others})")
    return verdict.exit_code


def _fill_shard(todo: list[Pair], checkpoints: list[str], path: Path, verdict: Verdict, rank: int, ranks: int) -> int:
    with ResumableTable(shard_path(path, rank, ranks), checkpoints) as table:
        known = known_rows(path, ranks, checkpoints)
        mine = dict.fromkeys(todo[rank::ranks])
        _append(table, (pair for pair in mine if pair not in known or not is_measured(known[pair])), verdict)
    merged = merge_shards(path, ranks, todo, checkpoints)
    if merged.missing:
        # torchrun stops the other processes when one ends with another code than 0. The last one gives the code.
        streams.say(verdict.program, f"{path}: {merged.missing} of {len(todo)} pairs are to come from other processes")
        return 0
    if merged.left_out:
        streams.say(verdict.program, f"{path}: leaves out lines of pairs that were not asked for ({merged.left_out})")
    return BAD_INPUT if merged.unmeasured else verdict.exit_code


def _append(table: ResumableTable, todo: Iterable[Pair], verdict: Verdict) -> None:
    from perceptmetric.cli.measurement import measure

    metrics = _metrics(table.checkpoints)
    for result in verdict.watch(measure(_with_progress(todo, sort=True), metrics, ahead=AHEAD)):
        table.append(result)


def _limit(text: str) -> float:
    """The argument of --fail-above."""
    limit = float(text)
    if not 0 <= limit < math.inf:
        raise argparse.ArgumentTypeError(f"found {text}, expected a number of at least 0")
    return limit


def _metrics(checkpoints: Sequence[str]) -> list[PerceptualDistance]:
    """The metric of each checkpoint; one that is named twice is loaded once."""
    from perceptmetric.metric import PerceptualDistance

    loaded = {checkpoint: PerceptualDistance.from_pretrained(checkpoint) for checkpoint in dict.fromkeys(checkpoints)}
    return [loaded[checkpoint] for checkpoint in checkpoints]


def _pairs(images: list[str], say: Callable[[str], None]) -> Iterable[Pair]:
    if images == ["-"]:
        return pairs.from_lines(streams.input_lines(sys.stdin))
    if len(images) == 2 and all(Path(path).is_dir() for path in images):
        return pairs.from_folders(Path(images[0]), Path(images[1]), say)
    return pairs.from_files(images[0], images[1:])


def _with_progress(todo: Iterable[Pair], *, sort: bool) -> Iterator[Pair]:
    # No bar where there is no terminal for it, or where distances appear on the terminal one by one.
    if not sys.stderr.isatty() or (sys.stdout is not None and sys.stdout.isatty() and not sort):
        yield from todo
        return
    from huggingface_hub.utils import tqdm

    yield from tqdm(todo, unit="pair")
