"""Fetches one file over HTTPS: continues what was cut off, and never writes more than it was told to expect."""

from __future__ import annotations

import hashlib
import http.client
import re
import shutil
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import requests
import urllib3
from huggingface_hub.utils import tqdm

from perceptmetric.benchmarks.datasets.disk import refused
from perceptmetric.errors import InputError

ATTEMPTS = 5
"""A download is given up after this many attempts in a row that brought nothing new."""

WAIT = 1.0
"""Seconds before the second attempt; the wait doubles with each further one."""

TIMEOUT = 30
CHUNK = 2**16

MAX_REDIRECTS = 10

MAX_BYTES = 2**33
"""The most bytes taken of a file whose size neither `Remote` nor the server tells."""

CONNECTION_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    ssl.SSLError,
    ConnectionError,
    TimeoutError,
    UnicodeError,
)
"""What a request can raise: some exceptions of the layers below pass through `requests` as they are."""


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


def fetch(remote: Remote, folder: Path) -> Path:
    """Downloads one file with a progress bar, and continues a download that was cut off.

    The file's name ends in `.part` until it is complete and its size and checksum are right. A download is continued
    only while the server still has the same version of the file, as far as the server tells versions apart.

    Args:
        remote: the file.
        folder: where to put it. Only one process at a time may fetch into it.

    Returns:
        Its path.

    Raises:
        InputError: the server refuses or answers what no server should, the connection breaks again and again, the
            disk is full, or another file came.

    Examples:
        >>> fetch(Remote("https://example.org/images.zip"), Path("downloads"))  # doctest: +SKIP
        PosixPath('downloads/images.zip')
    """
    path = folder / remote.name
    if path.is_file():
        return path
    part = _Part(path)
    most = part.size
    failures = 0
    while True:
        try:
            total = _transfer(remote, part)
            if total is None or part.size >= total:
                break
            reason = "the connection was cut"
        except CONNECTION_ERRORS as error:
            reason = type(error).__name__
        failures = 0 if part.size > most else failures + 1
        most = max(most, part.size)
        if failures == ATTEMPTS:
            raise InputError(f"{remote.url}: gave up after {ATTEMPTS} attempts ({reason}); run it again to go on")
        time.sleep(WAIT * 2**failures if failures else 0)
    _verify(remote, part)
    part.path.rename(path)
    part.forget_version()
    return path


class _Part:
    """The part of a file that has come so far, and which version of the file it belongs to."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f"{path.name}.part")
        self._version = path.with_name(f"{path.name}.version")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def version(self) -> str:
        return self._version.read_text(encoding="latin-1") if self._version.is_file() else ""

    def remember_version(self, version: str) -> None:
        self.forget_version()
        if version:
            self._version.write_text(version, encoding="latin-1", errors="ignore")

    def forget_version(self) -> None:
        self._version.unlink(missing_ok=True)

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self.forget_version()


def _transfer(remote: Remote, part: _Part) -> int | None:
    """One request that continues `part`. Returns the size of the whole file if the server or `remote` tells it."""
    have = part.size
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
        if part.version:
            headers["If-Range"] = part.version
    with closing(_get(remote.url, headers)) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            total = _total(remote, response, 0)
            if total != have:  # the server now has another file
                part.remove()
                return total or 1
            return total
        if response.status_code == requests.codes.ok:
            have = 0  # the server sends the file from its start
        elif response.status_code != requests.codes.partial_content or not _continues(response, have):
            raise InputError(f"{remote.url}: the server answered {response.status_code} {response.reason}")
        if (encoding := response.headers.get("Content-Encoding", "identity")).lower() != "identity":
            raise InputError(f"{remote.url}: found Content-Encoding {encoding!r}, expected the file as it is")
        total = _total(remote, response, have)
        version = _version(response.headers)
        if have and ((total is not None and total <= have) or part.version != version != ""):
            part.remove()  # the server now has another file
            return total or 1
        if remote.size is not None and total != remote.size and total is not None:
            part.remove()
            raise _another_size(remote, total)
        if not have:
            part.remember_version(version)
        _check_disk(remote, part, (total or 0) - have)
        _append(remote, part, response, have, remote.size or total)
    return remote.size or total


def _get(url: str, headers: Mapping[str, str]) -> requests.Response:
    """The answer to a request, after redirects to other addresses, all of them HTTPS."""
    address = url
    for _ in range(MAX_REDIRECTS):
        response = requests.get(address, headers=headers, stream=True, timeout=TIMEOUT, allow_redirects=False)
        if not response.is_redirect:
            return response
        response.close()
        target = response.headers["Location"]
        try:
            address = urljoin(address, target)
        except ValueError as error:
            raise InputError(f"{url}: redirected to {target!r}, which is no address") from error
        if not address.lower().startswith("https://"):
            raise InputError(f"{url}: redirected to {address!r}, expected an address that begins with https://")
    raise InputError(f"{url}: redirected {MAX_REDIRECTS} times, expected the file")


def _continues(response: requests.Response, have: int) -> bool:
    return response.headers.get("Content-Range", "").startswith(f"bytes {have}-")


def _total(remote: Remote, response: requests.Response, have: int) -> int | None:
    """The size of the whole file by the answer's headers, None if they do not tell."""
    spread = response.headers.get("Content-Range", "")
    if match := re.search(r"/([0-9]{1,18})$", spread):
        return int(match[1])
    length = response.headers.get("Content-Length")
    if length is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", length):
        raise InputError(f"{remote.url}: found Content-Length {length!r}, expected a number of bytes")
    return have + int(length)


def _version(headers: Mapping[str, str]) -> str:
    """What tells this version of the file from others: a strong ETag or the date of the last change, else nothing."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def _check_disk(remote: Remote, part: _Part, needed: int) -> None:
    free = shutil.disk_usage(part.path.parent).free
    if needed > free:
        raise InputError(
            f"{remote.url}: {needed} bytes are to come, and the disk of {part.path.parent} has {free} left"
        )


def _append(remote: Remote, part: _Part, response: requests.Response, have: int, total: int | None) -> None:
    """Writes what comes behind the first `have` bytes of `part`, and not a byte more than `total`."""
    limit = MAX_BYTES if total is None else total
    try:
        with (
            part.path.open("r+b" if have else "wb") as file,
            tqdm(total=total, initial=have, desc=remote.name, unit="B", unit_scale=True) as bar,
        ):
            file.seek(have)
            for chunk in response.iter_content(CHUNK):
                have += len(chunk)
                if have > limit:
                    break
                file.write(chunk)
                bar.update(len(chunk))
    except OSError as error:
        if not refused(error):
            raise
        raise InputError(f"{part.path}: cannot be written ({error.strerror}); run it again to go on") from error
    if have > limit:
        part.remove()
        raise InputError(f"{remote.url}: found more than {limit} bytes, expected at most these; the file was removed")


def _verify(remote: Remote, part: _Part) -> None:
    """Checks size and SHA-256, and removes a file that is not the published one so that the next run starts over."""
    if remote.size is not None and part.size != remote.size:
        size = part.size
        part.remove()
        raise _another_size(remote, size)
    if remote.sha256:
        with part.path.open("rb") as file:
            digest = hashlib.sha256()
            while chunk := file.read(CHUNK):
                digest.update(chunk)
        if digest.hexdigest() != remote.sha256:
            part.remove()
            raise InputError(
                f"{remote.url}: found SHA-256 {digest.hexdigest()}, expected {remote.sha256}; the file was removed"
            )


def _another_size(remote: Remote, size: int) -> InputError:
    return InputError(f"{remote.url}: found {size} bytes, expected {remote.size}; the file was removed")
