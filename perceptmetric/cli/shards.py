"""One table written by several processes: each has a part of its own, a shard, and the last one merges them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from perceptmetric import files
from perceptmetric.cli.pairs import Pair
from perceptmetric.cli.resumable import is_measured, read_table, write_table


class Merged(NamedTuple):
    """What came of merging shards."""

    missing: int
    """How many pairs have no line in any file yet. If there are any, the table was not written."""
    unmeasured: int = 0
    """How many pairs could not be measured; their lines have no distances."""
    left_out: int = 0
    """How many lines of the table before were of pairs that were not asked for, and are no longer there."""


def shard_path(path: Path, rank: int, ranks: int) -> Path:
    """The file into which one of several processes writes its part of a table: its shard.

    Args:
        path: the whole table; a single process writes to it directly.
        rank: number of the process, from 0.
        ranks: how many processes there are.

    Examples:
        >>> shard_path(Path("out/distances.csv"), 0, 4).name
        'distances.0-of-4.csv'
    """
    return path if ranks == 1 else path.with_name(f"{path.stem}.{rank}-of-{ranks}{path.suffix}")


def known_rows(path: Path, ranks: int, checkpoints: Sequence[str]) -> dict[Pair, list[str]]:
    """What has been written of a table so far, by any of its processes now or in an earlier run.

    Args:
        path: the whole table, which need not exist; its shards lie beside it.
        ranks: how many shards there are.
        checkpoints: the columns after `reference` and `distorted`.

    Returns:
        The line of each pair. A pair that could not be measured has a line only if a shard says so, and none of the
        files has its distances.

    Raises:
        InputError: one of the files is not a table of distances by these checkpoints.

    Examples:
        >>> known_rows(Path("nowhere.csv"), 2, ["denoise"])
        {}
    """
    known = {(row[0], row[1]): row for row in read_table(path, checkpoints) if is_measured(row)}
    for rank in range(ranks):
        for row in read_table(shard_path(path, rank, ranks), checkpoints):
            pair = row[0], row[1]
            if is_measured(row) or pair not in known:
                known[pair] = row
    return known


def merge_shards(path: Path, ranks: int, pairs: Sequence[Pair], checkpoints: Sequence[str]) -> Merged:
    """Writes the whole table, with exactly these pairs in their order, if its files have a line for each of them.

    Lines of other pairs, which a run with another list has left, do not get into the table.

    Args:
        path: the whole table; its shards lie beside it.
        ranks: how many shards there are.
        pairs: all pairs that were asked for; one that is named twice gets two lines.
        checkpoints: the columns after `reference` and `distorted`.

    Returns:
        What came of it. The table is only written if no pair is missing.

    Raises:
        InputError: one of the files is not a table of distances by these checkpoints, or another process is writing
            to `path`.
        OSError: the table cannot be written.

    Examples:
        >>> import tempfile
        >>> from perceptmetric.cli.result import Result
        >>> from perceptmetric.cli.resumable import ResumableTable
        >>> path = Path(tempfile.mkdtemp()) / "distances.csv"
        >>> pairs = [("a.png", "0.png"), ("a.png", "1.png")]
        >>> for rank, pair in enumerate(pairs):
        ...     with ResumableTable(shard_path(path, rank, 2), ["denoise"]) as table:
        ...         table.append(Result(*pair, (0.5,)))
        >>> merge_shards(path, 2, pairs, ["denoise"])
        Merged(missing=0, unmeasured=0, left_out=0)
        >>> [row[1] for row in read_table(path, ["denoise"])]
        ['0.png', '1.png']
    """
    known = known_rows(path, ranks, checkpoints)
    asked_for = set(pairs)
    missing = len(asked_for - known.keys())
    if missing:
        return Merged(missing)
    unmeasured = sum(not is_measured(known[pair]) for pair in asked_for)
    left_out = sum((row[0], row[1]) not in asked_for for row in read_table(path, checkpoints))
    rows = [known[pair] for pair in pairs]
    if path.exists():
        with path.open("ab") as file:
            files.lock(file, path, patience=10)
            write_table(path, checkpoints, rows)
    else:
        write_table(path, checkpoints, rows)
    return Merged(missing, unmeasured, left_out)
