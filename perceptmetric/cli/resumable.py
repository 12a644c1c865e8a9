"""A table of distances that survives its process: a killed run that is started again continues where it was."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from types import TracebackType

from perceptmetric.cli.pairs import Pair, Result
from perceptmetric.errors import InputError
from perceptmetric.files import replacing


class ResumableTable:
    """A CSV file to which each result is appended, in one write, as soon as its pair is measured.

    An incomplete last line, which a process leaves that dies while writing it, is dropped; that pair is measured again.

    Args:
        path: the file; its folder must exist. Only one process at a time may write to it.
        checkpoints: the columns after `reference` and `distorted`.

    Raises:
        InputError: the file is not a table of distances by these checkpoints.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "distances.csv"
        >>> with ResumableTable(path, ["reconstruct"]) as table:
        ...     table.append(Result("a.png", "b.png", (0.5,)))
        >>> with ResumableTable(path, ["reconstruct"]) as table:
        ...     table.done
        {('a.png', 'b.png')}
    """

    def __init__(self, path: Path, checkpoints: Sequence[str]) -> None:
        header = ["reference", "distorted", *checkpoints]
        self.done: set[Pair] = set()
        """The pairs that are in the file."""
        complete = _end_of_last_line(path) if path.exists() else 0
        if complete == 0 and path.exists() and not _line(header).startswith(path.read_bytes()[:4096]):
            raise InputError(f"{path}: found something else, expected a table of distances")
        for number, row in enumerate(read_lines(path) if complete else (), 1):
            if number == 1 and row != header:
                raise InputError(f"{path}: found the columns {','.join(row)}, expected {','.join(header)}")
            if len(row) != len(header):
                raise InputError(f"{path}: line {number}: found {len(row)} columns, expected {len(header)}")
            if number > 1:
                self.done.add((row[0], row[1]))
        self._file = path.open("ab", buffering=0)
        self._file.truncate(complete)
        if complete == 0:
            self._file.write(_line(header))

    def append(self, result: Result) -> None:
        """Adds a result. Once this returns, the result is kept even if the process dies.

        Raises:
            InputError: a path contains a line break.
        """
        for path in (result.reference, result.distorted):
            if "\n" in path or "\r" in path:
                raise InputError(f"{path!r}: found a line break in a path, expected none")
        self._file.write(_line([result.reference, result.distorted, *result.distances]))

    def __enter__(self) -> ResumableTable:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


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


def merge_shards(path: Path, ranks: int, pairs: int) -> bool:
    """Writes the whole table from its shards, in the order of the pairs, if every shard is complete.

    Args:
        path: the whole table; its shards lie beside it.
        ranks: how many shards there are.
        pairs: how many pairs there are in all shards together.

    Returns:
        Whether the table was written.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "distances.csv"
        >>> for rank in range(2):
        ...     with ResumableTable(shard_path(path, rank, 2), ["denoise"]) as table:
        ...         table.append(Result("a.png", f"{rank}.png", (0.5,)))
        >>> merge_shards(path, ranks=2, pairs=2)
        True
        >>> [row[1] for row in read_lines(path)]
        ['distorted', '0.png', '1.png']
    """
    paths = [shard_path(path, rank, ranks) for rank in range(ranks)]
    if not all(_is_complete(shard, len(range(rank, pairs, ranks))) for rank, shard in enumerate(paths)):
        return False
    tables = [read_lines(shard) for shard in paths]
    header, *_ = [next(rows) for rows in tables]
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(_line(header))
        file.writelines(_line(row) for rows in zip_longest(*tables) for row in rows if row is not None)
    return True


def _is_complete(shard: Path, pairs: int) -> bool:
    if not shard.exists() or _end_of_last_line(shard) != shard.stat().st_size:
        return False
    return sum(1 for _ in read_lines(shard)) == 1 + pairs


def read_lines(path: Path) -> Iterator[list[str]]:
    """Reads the complete lines of a table, the header first.

    Args:
        path: the table; an incomplete last line is left out.

    Yields:
        The cells of each line.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        complete = (line.decode("utf-8", errors="surrogateescape") for line in file if line.endswith(b"\n"))
        yield from csv.reader(complete)


def _line(cells: Iterable[str | float]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", errors="surrogateescape")


def _end_of_last_line(path: Path) -> int:
    """How many bytes of a file its complete lines take."""
    with path.open("rb") as file:
        end = file.seek(0, io.SEEK_END)
        while end > 0:
            start = max(end - 4096, 0)
            file.seek(start)
            if (line_break := file.read(end - start).rfind(b"\n")) >= 0:
                return start + line_break + 1
            end = start
    return 0
