"""Files that are written completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Gives a temporary path to write to, which replaces `path` when the block ends without an exception.

    So another process sees either the old file or the new one, never half of one, even if this process is killed.

    Args:
        path: the file to write; its folder must exist.

    Yields:
        A path in the same folder. If the block raises, the file there is removed and `path` stays as it was.

    Raises:
        OSError: the file cannot be replaced.

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
    """Writes a text file, completely or not at all, in UTF-8.

    Args:
        path: the file; its folder must exist.
        text: what it is to contain.

    Raises:
        OSError: it cannot be written.

    Examples:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "note.txt"
        >>> write(target, "whole")
        >>> target.read_text()
        'whole'
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
