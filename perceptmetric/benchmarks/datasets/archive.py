"""Unpacks archives that may be damaged or hostile: nothing is written outside the folder or beyond the disk."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from huggingface_hub.utils import tqdm

from perceptmetric.benchmarks.datasets.disk import refused
from perceptmetric.errors import InputError

MAX_FILES = 10**6
"""An archive with more files than this is refused."""

MAX_DEPTH = 32
"""A file in more folders than this, one in the other, is refused."""

MAX_BYTES = 2**40
"""An archive that unpacks to more than this is refused, however large the disk is."""


class ArchiveError(InputError):
    """The archive itself is damaged or hostile, so that another attempt to unpack it cannot help.

    Examples:
        >>> isinstance(ArchiveError("set.zip: cannot be unpacked"), InputError)
        True
    """


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks a ZIP or TAR archive, without the one outer folder that some archives have.

    Only plain files are written, and only below `folder`. The folder `__MACOSX`, which macOS adds to archives,
    is skipped.

    Args:
        archive: the file.
        folder: an existing folder.

    Raises:
        ArchiveError: the archive is damaged, or holds a link, a device, one path twice, a path that leads out of the
            folder or is deeper than `MAX_DEPTH`, or more than `MAX_FILES` files or `MAX_BYTES` bytes.
        InputError: the archive is larger than the free space on the disk, or the disk cannot be written to.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with zipfile.ZipFile(folder / "set.zip", "w") as archive:
        ...     archive.writestr("set/scores.csv", "image,score")
        >>> unpack(folder / "set.zip", folder)
        >>> (folder / "scores.csv").read_text()
        'image,score'
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                _write(archive, folder, _zip_members(archive, opened))
        else:
            with tarfile.open(archive) as tar:
                _write(archive, folder, _tar_members(archive, tar))
    except InputError:
        raise
    except OSError as error:
        if refused(error):
            raise InputError(f"{folder}: cannot be written ({error.strerror})") from error
        raise _damaged(archive, error) from error
    except Exception as error:  # each decompressor has exceptions of its own, and headers may hold anything
        raise _damaged(archive, error) from error


def check_zip(path: Path) -> None:
    """Reads through a file that is a ZIP archive inside, such as a spreadsheet, and writes nothing.

    Args:
        path: the file.

    Raises:
        ArchiveError: it is damaged.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "scores.xlsx"
        >>> _ = path.write_text("<html>")
        >>> check_zip(path)
        Traceback (most recent call last):
        ...
        perceptmetric.benchmarks.datasets.archive.ArchiveError: ...scores.xlsx: cannot be unpacked ...
    """
    try:
        with zipfile.ZipFile(path) as opened:
            broken = opened.testzip()
    except Exception as error:  # as above
        raise _damaged(path, error) from error
    if broken is not None:
        raise ArchiveError(f"{path}: cannot be unpacked ({broken!r} is damaged)")


def _damaged(archive: Path, error: Exception) -> ArchiveError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ArchiveError(f"{archive}: cannot be unpacked ({reason})")


@dataclass(frozen=True)
class _Member:
    path: PurePosixPath
    size: int
    opened: zipfile.ZipFile | tarfile.TarFile
    entry: zipfile.ZipInfo | tarfile.TarInfo

    def open(self) -> IO[bytes]:
        if isinstance(self.opened, zipfile.ZipFile):
            assert isinstance(self.entry, zipfile.ZipInfo)  # noqa: S101
            return self.opened.open(self.entry)
        assert isinstance(self.entry, tarfile.TarInfo)  # noqa: S101
        content = self.opened.extractfile(self.entry)
        assert content is not None  # noqa: S101
        return content


def _zip_members(archive: Path, opened: zipfile.ZipFile) -> Iterator[_Member]:
    for entry in opened.infolist():
        mode = entry.external_attr >> 16
        if entry.is_dir():
            continue
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise ArchiveError(f"{archive}: found {entry.filename!r}, which is no plain file")
        yield _Member(_safe(archive, entry.filename), entry.file_size, opened, entry)


def _tar_members(archive: Path, opened: tarfile.TarFile) -> Iterator[_Member]:
    for entry in opened:
        if entry.isdir():
            continue
        if not entry.isreg() or entry.issparse():
            raise ArchiveError(f"{archive}: found {entry.name!r}, which is no plain file")
        yield _Member(_safe(archive, entry.name), entry.size, opened, entry)


def _safe(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or any(char in name for char in "\\:\0") or not path.parts:
        raise ArchiveError(f"{archive}: found {name!r}, which would be written outside the folder")
    if len(path.parts) > MAX_DEPTH:
        raise ArchiveError(f"{archive}: found a file in {len(path.parts) - 1} folders, expected fewer than {MAX_DEPTH}")
    return path


def _write(archive: Path, folder: Path, listed: Iterator[_Member]) -> None:
    members = _checked(archive, folder, listed)
    tops = {member.path.parts[0] for member in members}
    below = 1 if len(tops) == 1 and all(len(member.path.parts) > 1 for member in members) else 0
    for member in tqdm(members, desc=f"unpacking {archive.name}", unit="file"):
        target = folder.joinpath(*member.path.parts[below:])
        target.parent.mkdir(parents=True, exist_ok=True)
        with member.open() as content, target.open("xb") as file:
            shutil.copyfileobj(content, file)
        if (size := target.stat().st_size) != member.size:
            raise ArchiveError(f"{archive}: found {size} bytes in {str(member.path)!r}, expected {member.size}")


def _checked(archive: Path, folder: Path, listed: Iterator[_Member]) -> list[_Member]:
    """The files to write, after checking that they are not too many and fit on the disk."""
    members: list[_Member] = []
    needed = 0
    free = shutil.disk_usage(folder).free
    for member in listed:
        if member.path.parts[0] == "__MACOSX":
            continue
        members.append(member)
        needed += member.size
        if len(members) > MAX_FILES:
            raise ArchiveError(f"{archive}: found more than {MAX_FILES} files")
        if member.size < 0 or needed > MAX_BYTES:
            raise ArchiveError(
                f"{archive}: found {member.size} bytes in {str(member.path)!r}, expected 0 to {MAX_BYTES}"
            )
        if needed > free:
            raise InputError(f"{archive}: unpacks to {needed} bytes, and the disk has {free} left")
    return members
