"""A table of distances that outlives its process: a run that is killed and started again goes on where it was."""

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


class Table:
    """A CSV file to which each pair is appended, in one write, as soon as it is measured.

    A last line without its end (the process died in the middle of it) is dropped, and its pair measured again.

    Args:
        path: the file; its folder must exist. One process at a time may write to it.
        checkpoints: the columns after `reference` and `distorted`.

    Raises:
        InputError: the file holds something else.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "distances.csv"
        >>> with Table(path, ["reconstruct"]) as table:
        ...     table.append(Result("a.png", "b.png", (0.5,)))
        >>> with Table(path, ["reconstruct"]) as table:
        ...     table.done
        {('a.png', 'b.png')}
    """

    def __init__(self, path: Path, checkpoints: Sequence[str]) -> None:
        header = ["reference", "distorted", *checkpoints]
        self.done: set[Pair] = set()
        """The pairs the file holds."""
        whole = _end_of_last_line(path) if path.exists() else 0
        if whole == 0 and path.exists() and not _line(header).startswith(path.read_bytes()[:4096]):
            raise InputError(f"{path}: found something else than a table of distances")
        for number, row in enumerate(read(path) if whole else (), 1):
            if number == 1 and row != header:
                raise InputError(f"{path}: found the columns {','.join(row)}, expected {','.join(header)}")
            if len(row) != len(header):
                raise InputError(f"{path}: line {number}: found {len(row)} columns, expected {len(header)}")
            if number > 1:
                self.done.add((row[0], row[1]))
        self._file = path.open("ab", buffering=0)
        self._file.truncate(whole)
        if whole == 0:
            self._file.write(_line(header))

    def append(self, result: Result) -> None:
        """Adds a pair; once this returns, the death of the process does not lose it.

        Raises:
            InputError: a path holds a line break.
        """
        for path in (result.reference, result.distorted):
            if "\n" in path or "\r" in path:
                raise InputError(f"{path!r}: found a line break in a path, expected none")
        self._file.write(_line([result.reference, result.distorted, *result.distances]))

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def shard(path: Path, rank: int, ranks: int) -> Path:
    """The file of one of several processes.

    Examples:
        >>> shard(Path("out/distances.csv"), 0, 4).name
        'distances.0-of-4.csv'
    """
    return path if ranks == 1 else path.with_name(f"{path.stem}.{rank}-of-{ranks}{path.suffix}")


def merge(path: Path, ranks: int, pairs: int) -> bool:
    """Writes the one table of all shards, in the order of the pairs, if all of them are complete.

    Args:
        path: the table; its shards lie beside it.
        ranks: number of shards.
        pairs: how many there are in all.

    Returns:
        Whether all were.
    """
    paths = [shard(path, rank, ranks) for rank in range(ranks)]
    for rank, part in enumerate(paths):
        lines = 1 + len(range(rank, pairs, ranks))
        if not part.exists() or _end_of_last_line(part) != part.stat().st_size or sum(1 for _ in read(part)) != lines:
            return False
    tables = [read(part) for part in paths]
    header, *_ = [next(rows) for rows in tables]
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(_line(header))
        file.writelines(_line(row) for rows in zip_longest(*tables) for row in rows if row is not None)
    return True


def read(path: Path) -> Iterator[list[str]]:
    """The whole lines of a table, the header first."""
    with path.open("rb") as file:
        whole = (line.decode("utf-8", errors="surrogateescape") for line in file if line.endswith(b"\n"))
        yield from csv.reader(whole)


def _line(cells: Iterable[str | float]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", errors="surrogateescape")


def _end_of_last_line(path: Path) -> int:
    """How many bytes of a file are whole lines."""
    with path.open("rb") as file:
        end = file.seek(0, io.SEEK_END)
        while end > 0:
            start = max(end - 4096, 0)
            file.seek(start)
            if (found := file.read(end - start).rfind(b"\n")) >= 0:
                return start + found + 1
            end = start
    return 0
