"""Downloads a published database. Its folder appears only when everything in it is complete and checked."""

from __future__ import annotations

import hashlib
import re
import shutil
import stat
import tarfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import requests
from huggingface_hub.utils import tqdm

from perceptmetric.errors import InputError

ATTEMPTS = 5
"""A download is given up after this many attempts in a row that brought nothing new."""

WAIT = 1.0
"""Seconds before the second attempt; the wait doubles with each further one."""

TIMEOUT = 30
CHUNK = 2**16


@dataclass(frozen=True)
class Remote:
    """One published file.

    Args:
        url: its address.
        folder: the folder within the database that it belongs in. An archive is unpacked there, without the one
            outer folder that some archives have.
        size: its size in bytes; None if not known.
        sha256: its SHA-256 in hexadecimal; None if not known.

    Examples:
        >>> Remote("https://example.org/images.zip", "images").name
        'images.zip'
    """

    url: str
    folder: str = "."
    size: int | None = None
    sha256: str | None = None

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[1]


CSIQ = "https://s2.smu.edu/~eclarson/csiq/"

SOURCES: dict[str, tuple[Remote, ...]] = {
    "kadid10k": (
        Remote(
            "https://datasets.vqa.mmsp-kn.de/archives/kadid10k.zip",
            size=3067408471,
            sha256="fe59ace86a2525d5785ff011a2119fa88839e0329f5029f7b23994727efd185c",
        ),
    ),
    "csiq": (
        Remote(f"{CSIQ}src_imgs.zip", "src_imgs"),
        Remote(f"{CSIQ}dst_imgs.zip", "dst_imgs"),
        Remote(f"{CSIQ}csiq.DMOS.xlsx"),
    ),
}
"""The databases that a program can download."""

BY_HAND = {
    "tid2013": "its archive is a RAR file, https://www.ponomarenko.info/tid2013/tid2013.rar: unpack it by hand",
    "tid2008": "its archive is a RAR file, to be had at https://www.ponomarenko.info/tid2008.htm: unpack it by hand",
    "live": "its authors hand out a password, at https://live.ece.utexas.edu/research/quality/subjective.htm",
    "pipal": "it is shared on Google Drive, linked at https://github.com/HaomingCai/PIPAL-dataset",
}
"""Why the others must be downloaded by hand, and where."""


def obtain(name: str, root: Path) -> None:
    """Downloads a published database into `root`, unless that folder already holds something.

    The work is done in a hidden folder beside `root`, which is renamed to `root` once it is complete. After an
    interruption, the next call continues with what was already downloaded.

    Args:
        name: a key of `perceptmetric.benchmarks.datasets.PUBLISHED`.
        root: the folder to make; its parent must exist.

    Raises:
        InputError: no program can download this set, the download failed, or a file is not the published one.

    Examples:
        >>> import tempfile
        >>> obtain("live", Path(tempfile.mkdtemp()) / "LIVE")
        Traceback (most recent call last):
        ...
        perceptmetric.errors.InputError: --download: live cannot be fetched by program: its authors hand out ...
    """
    if root.is_dir() and any(root.iterdir()):
        return
    if name not in SOURCES:
        raise InputError(f"--download: {name} cannot be fetched by program: {BY_HAND[name]}")
    root = root.absolute()
    if not root.parent.is_dir():
        raise InputError(f"{root.parent}: no such folder to make {root.name} in")
    partial = root.with_name(f".{root.name}.partial")
    whole = partial / "whole"
    shutil.rmtree(whole, ignore_errors=True)
    whole.mkdir(parents=True)
    for remote in SOURCES[name]:
        path = fetch(remote, partial)
        folder = whole / remote.folder
        folder.mkdir(exist_ok=True)
        if path.name.endswith((".zip", ".tar", ".tgz", ".tar.gz")):
            unpack(path, folder)
        else:
            shutil.copyfile(path, folder / path.name)
    if root.is_dir():
        root.rmdir()
    whole.rename(root)
    shutil.rmtree(partial)


def fetch(remote: Remote, folder: Path) -> Path:
    """Downloads one file with a progress bar, and continues a download that was cut off.

    The file's name ends in `.part` until it is complete and its size and checksum are right.

    Args:
        remote: the file.
        folder: where to put it.

    Returns:
        Its path.

    Raises:
        InputError: the server refuses, the connection breaks again and again, or another file came.
    """
    path = folder / remote.name
    if path.is_file():
        return path
    part = path.with_name(f"{path.name}.part")
    failures = 0
    while True:
        before = _size(part)
        try:
            total = _transfer(remote, part)
            if total is None or _size(part) >= total:
                break
            reason = "the connection was cut"
        except requests.RequestException as error:
            reason = type(error).__name__
        failures = 0 if _size(part) > before else failures + 1
        if failures == ATTEMPTS:
            raise InputError(f"{remote.url}: gave up after {ATTEMPTS} attempts ({reason}); run it again to go on")
        time.sleep(WAIT * 2**failures if failures else 0)
    _verify(remote, part)
    part.rename(path)
    return path


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _transfer(remote: Remote, part: Path) -> int | None:
    """One request that continues `part`. Returns the size of the whole file if the server or `remote` tells it."""
    have = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with closing(requests.get(remote.url, headers=headers, stream=True, timeout=TIMEOUT)) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            total = _total(response, 0)
            if total != have:  # the server now has another file
                part.unlink()
                return total or 1
            return total
        if response.status_code == requests.codes.ok:
            have = 0  # the server sends the file from its start
        elif response.status_code != requests.codes.partial_content or not _continues(response, have):
            raise InputError(f"{remote.url}: the server answered {response.status_code} {response.reason}")
        total = remote.size or _total(response, have)
        with (
            part.open("r+b" if have else "wb") as file,
            tqdm(total=total, initial=have, desc=remote.name, unit="B", unit_scale=True) as bar,
        ):
            file.seek(have)
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    return total


def _continues(response: requests.Response, have: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _total(response: requests.Response, have: int) -> int | None:
    if match := re.search(r"/(\d+)$", response.headers.get("Content-Range", "")):
        return int(match[1])
    length = response.headers.get("Content-Length")
    return have + int(length) if length else None


def _verify(remote: Remote, part: Path) -> None:
    """Checks size and SHA-256, and removes a file that is not the published one so that the next run starts over."""
    size = _size(part)
    if remote.size is not None and size != remote.size:
        part.unlink()
        raise InputError(f"{remote.url}: found {size} bytes, expected {remote.size}; the file was removed")
    if remote.sha256:
        with part.open("rb") as file:
            digest = hashlib.sha256()
            while chunk := file.read(CHUNK):
                digest.update(chunk)
        if digest.hexdigest() != remote.sha256:
            part.unlink()
            raise InputError(
                f"{remote.url}: found SHA-256 {digest.hexdigest()}, expected {remote.sha256}; the file was removed"
            )


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks a ZIP or TAR archive, without the one outer folder that some archives have.

    Only plain files are written, and only below `folder`. The folder `__MACOSX`, which macOS adds to archives,
    is skipped.

    Args:
        archive: the file.
        folder: an existing folder.

    Raises:
        InputError: the archive is damaged, holds a link, a device or a path that leads out of the folder, or is
            larger than the free space on the disk.

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
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{archive}: cannot be unpacked ({error})") from error


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
            raise InputError(f"{archive}: found {entry.filename!r}, which is no plain file")
        yield _Member(_safe(archive, entry.filename), entry.file_size, opened, entry)


def _tar_members(archive: Path, opened: tarfile.TarFile) -> Iterator[_Member]:
    for entry in opened:
        if entry.isdir():
            continue
        if not entry.isreg():
            raise InputError(f"{archive}: found {entry.name!r}, which is no plain file")
        yield _Member(_safe(archive, entry.name), entry.size, opened, entry)


def _safe(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not path.parts:
        raise InputError(f"{archive}: found {name!r}, which would be written outside the folder")
    return path


def _write(archive: Path, folder: Path, listed: Iterator[_Member]) -> None:
    members = [member for member in listed if member.path.parts[0] != "__MACOSX"]
    free = shutil.disk_usage(folder).free
    if (needed := sum(member.size for member in members)) > free:
        raise InputError(f"{archive}: unpacks to {needed} bytes, and the disk has {free} left")
    tops = {member.path.parts[0] for member in members}
    below = 1 if len(tops) == 1 and all(len(member.path.parts) > 1 for member in members) else 0
    for member in tqdm(members, desc=f"unpacking {archive.name}", unit="file"):
        target = folder.joinpath(*member.path.parts[below:])
        target.parent.mkdir(parents=True, exist_ok=True)
        with member.open() as content, target.open("xb") as file:
            shutil.copyfileobj(content, file)
