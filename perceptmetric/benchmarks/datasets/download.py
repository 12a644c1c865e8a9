"""Downloads a published database. Its folder appears only when everything in it is complete and checked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perceptmetric.benchmarks.datasets.archive import ArchiveError, check_zip, unpack
from perceptmetric.benchmarks.datasets.disk import refused
from perceptmetric.benchmarks.datasets.transfer import Remote, fetch
from perceptmetric.errors import InputError
from perceptmetric.files import lock

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz")
SPREADSHEETS = (".xlsx",)

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
        InputError: no program can download this set, the download failed, a file is not the published one or cannot
            be unpacked, the disk is full, or another process is downloading the set.

    Examples:
        >>> import tempfile
        >>> obtain("live", Path(tempfile.mkdtemp()) / "LIVE")
        Traceback (most recent call last):
        ...
        perceptmetric.errors.InputError: --download: live cannot be fetched by program: its authors hand out ...
    """
    if _filled(root):
        return
    if name not in SOURCES:
        raise InputError(f"--download: {name} cannot be fetched by program: {BY_HAND[name]}")
    root = root.absolute()
    if not root.parent.is_dir():
        raise InputError(f"{root.parent}: no such folder to make {root.name} in")
    partial = root.with_name(f".{root.name}.partial")
    try:
        partial.mkdir(exist_ok=True)
        with _alone(partial, root):
            if not _filled(root):  # by the process that was here before
                _assemble(SOURCES[name], partial, root)
        shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        if not refused(error):
            raise
        raise InputError(f"{root}: cannot be written ({error.strerror}); run it again to go on") from error


@contextmanager
def _alone(partial: Path, root: Path) -> Iterator[None]:
    """Keeps other processes from downloading the same set at the same time."""
    path = partial / "lock"
    with path.open("ab") as file:
        try:
            lock(file, path, patience=0)
        except (InputError, FileNotFoundError) as error:
            raise InputError(f"{root}: another process is downloading it; run it again when that has ended") from error
        yield


def _filled(root: Path) -> bool:
    return root.is_dir() and any(root.iterdir())


def _assemble(remotes: tuple[Remote, ...], partial: Path, root: Path) -> None:
    """Fetches and unpacks all files into a folder of its own within `partial`, which then becomes `root`."""
    whole = partial / "whole"
    shutil.rmtree(whole, ignore_errors=True)
    try:
        whole.mkdir()
        for remote in remotes:
            _place(fetch(remote, partial), whole / remote.folder)
        if root.is_dir():
            root.rmdir()
        whole.rename(root)
    finally:
        shutil.rmtree(whole, ignore_errors=True)  # the downloads stay, and unpacking them again is cheap


def _place(path: Path, folder: Path) -> None:
    """Puts a downloaded file where it belongs; one that cannot be opened is removed, to be downloaded anew."""
    folder.mkdir(exist_ok=True)
    try:
        if path.name.endswith(ARCHIVES):
            unpack(path, folder)
            return
        if path.name.endswith(SPREADSHEETS):
            check_zip(path)
        shutil.copyfile(path, folder / path.name)
    except ArchiveError as error:
        path.unlink()
        raise InputError(f"{error}; the file was removed, run it again to download it anew") from error
