"""Files that are either whole or not there."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place if the block ends well, and is removed if not.

    A reader (or a run that is killed) meets the old file or the new one, never half of it.

    Args:
        path: the file to write; its folder must exist.

    Examples:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "result.txt"
        >>> with replacing(target) as temporary:
        ...     _ = temporary.write_text("whole")
        >>> target.read_text()
        'whole'
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write(path: str | os.PathLike[str], text: str) -> None:
    """Writes a file whole or not at all, as UTF-8.

    Raises:
        OSError: it cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_rows(path: str | os.PathLike[str], rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Writes a CSV file whole or not at all.

    Args:
        path: the file; its folder must exist.
        rows: a line for each; what a row lacks stays empty.
        columns: the header.

    Raises:
        ValueError: a row has a key that is no column.
        OSError: the file cannot be written.

    Examples:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "scores.csv"
        >>> write_rows(target, [{"stage": "gdn4", "srocc": 0.75}, {"stage": "conv4"}], ["stage", "srocc"])
        >>> print(target.read_text(), end="")
        stage,srocc
        gdn4,0.75
        conv4,
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write(path, text.getvalue())


def read_rows(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """The lines of a CSV file below its header, as text by column.

    Raises:
        OSError: the file cannot be read.

    Examples:
        >>> import tempfile
        >>> source = Path(tempfile.mkdtemp()) / "scores.csv"
        >>> write_rows(source, [{"stage": "gdn4", "srocc": 0.75}], ["stage", "srocc"])
        >>> read_rows(source)
        [{'stage': 'gdn4', 'srocc': '0.75'}]
    """
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
