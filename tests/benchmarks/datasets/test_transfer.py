import hashlib
from types import SimpleNamespace

import pytest
import requests
from file_server import CONTENT

from perceptmetric import InputError
from perceptmetric.benchmarks.datasets import transfer
from perceptmetric.benchmarks.datasets.transfer import Remote, fetch


def remote(server, **known):
    return Remote(f"{server.url}/set.bin", **known)


def test_a_file_is_fetched_with_a_progress_bar(server, tmp_path, capfd):
    digest = hashlib.sha256(CONTENT).hexdigest()
    path = fetch(remote(server, size=len(CONTENT), sha256=digest), tmp_path)
    assert path == tmp_path / "set.bin"
    assert path.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [path]
    assert "set.bin: 100%" in capfd.readouterr().err


def test_a_cut_connection_is_gone_on_with(server, tmp_path):
    server.cuts = [300_000, 0, 200_000]
    path = fetch(remote(server, sha256=hashlib.sha256(CONTENT).hexdigest()), tmp_path)
    assert path.read_bytes() == CONTENT
    assert server.requests == [None, "bytes=262144-", "bytes=262144-", "bytes=458752-"]  # whole chunks are kept


def test_a_cut_shows_by_the_known_size_where_the_server_tells_no_length(server, tmp_path):
    server.tells_length = False
    server.cuts = [300_000]
    assert fetch(remote(server, size=len(CONTENT)), tmp_path).read_bytes() == CONTENT
    assert server.requests[1] in ("bytes=262144-", "bytes=300000-")


def test_a_server_that_cannot_go_on_starts_afresh(server, tmp_path):
    server.ranges = False
    server.cuts = [300_000]
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT


def test_an_earlier_run_is_gone_on_with(server, tmp_path):
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:1000])
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT
    assert server.requests == ["bytes=1000-"]
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_an_earlier_run_that_ended_just_before_the_check_is_whole(server, tmp_path):
    (tmp_path / "set.bin.part").write_bytes(CONTENT)
    assert fetch(remote(server, size=len(CONTENT)), tmp_path).read_bytes() == CONTENT


def test_the_rest_of_another_longer_file_is_begun_afresh(server, tmp_path):
    (tmp_path / "set.bin.part").write_bytes(CONTENT + b"more")
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT


def test_giving_up_keeps_what_came(server, tmp_path):
    server.cuts = [1000] + [0] * transfer.ATTEMPTS
    with pytest.raises(InputError, match=r"set\.bin: gave up after 5 attempts .*; run it again to go on"):
        fetch(remote(server), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["set.bin.part"]
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("known", "problem"),
    [
        ({"size": len(CONTENT) - 1}, "found 1048576 bytes, expected 1048575; the file was removed"),
        ({"sha256": "0" * 64}, r"found SHA-256 \w{64}, expected 0{64}; the file was removed"),
    ],
)
def test_another_file_than_the_published_one_is_removed(server, tmp_path, known, problem):
    with pytest.raises(InputError, match=problem):
        fetch(remote(server, **known), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_not_there_is_named(server, tmp_path):
    with pytest.raises(InputError, match=r"/none\.zip: the server answered 404"):
        fetch(Remote(f"{server.url}/none.zip"), tmp_path)


@pytest.mark.parametrize(("declared", "limit"), [({"size": len(CONTENT)}, len(CONTENT)), ({}, 3_000_000)])
def test_a_body_without_end_stops_at_the_declared_size_or_the_limit(server, tmp_path, monkeypatch, declared, limit):
    monkeypatch.setattr(transfer, "MAX_BYTES", 3_000_000)
    server.tells_length, server.endless = False, True
    with pytest.raises(InputError, match=rf"set\.bin: found more than {limit} bytes, .*; the file was removed"):
        fetch(remote(server, **declared), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_larger_than_the_disk_is_refused_before_it_comes(server, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match=r"1048576 bytes are to come, and the disk of .* has 1000 left"):
        fetch(remote(server), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_is_named_and_what_came_is_kept(server, tmp_path):
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limits[1]))
    try:
        with pytest.raises(InputError, match=r"set\.bin\.part: cannot be written \(File too large\); run it again"):
            fetch(remote(server), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT
    assert server.requests[1].startswith("bytes=")


def test_another_version_on_the_server_is_begun_afresh(server, tmp_path):
    server.etag = '"one"'
    server.cuts = [300_000] + [0] * transfer.ATTEMPTS
    with pytest.raises(InputError, match="gave up"):
        fetch(remote(server), tmp_path)
    server.etag = '"two"'
    server.files["/set.bin"] = CONTENT[::-1]
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT[::-1]
    assert [path.name for path in tmp_path.iterdir()] == ["set.bin"]


def test_a_server_that_ignores_the_version_asked_for_is_seen(server, tmp_path):
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:1000])
    (tmp_path / "set.bin.version").write_text("Mon, 01 Jan 2024 00:00:00 GMT")
    server.headers = {"Last-Modified": "Tue, 02 Jan 2024 00:00:00 GMT"}
    server.files["/set.bin"] = CONTENT[::-1]
    assert fetch(remote(server), tmp_path).read_bytes() == CONTENT[::-1]


def test_versions_that_change_with_every_answer_are_given_up(server, tmp_path):
    count = iter(range(1000))
    server.cuts = [300_000] * 100
    server.headers = SimpleNamespace(items=lambda: [("ETag", f'"{next(count)}"')])
    with pytest.raises(InputError, match="gave up after 5 attempts"):
        fetch(remote(server), tmp_path)


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"Content-Length": "-5"}, "found Content-Length '-5', expected a number of bytes"),
        ({"Content-Length": "1e6"}, "found Content-Length '1e6'"),
        ({"Content-Length": "9" * 5000}, "found Content-Length '9+'"),
        ({"Content-Encoding": "br"}, "found Content-Encoding 'br', expected the file as it is"),
    ],
)
def test_odd_headers_are_named(server, tmp_path, headers, problem):
    server.tells_length, server.headers = False, headers
    with pytest.raises(InputError, match=rf"set\.bin: .*{problem}"):
        fetch(remote(server), tmp_path)


def test_no_header_leaves_anything_but_the_documented_exception(server, tmp_path):
    """Including those that http.client and urllib3 refuse in their own words."""
    values = ["", "5, 5", "5, 6", "\xff", "bytes 7-/x", "chunked", "gzip, " * 50, "x" * 70_000]
    for name in ("Content-Length", "Content-Range", "Transfer-Encoding", "Content-Encoding", "Location", "ETag"):
        for number, value in enumerate(values):
            folder = tmp_path / f"{name}-{number}"
            folder.mkdir()
            server.tells_length, server.headers = False, {name: value}
            try:
                fetch(remote(server, size=len(CONTENT)), folder)
                problem = ""
            except InputError as error:
                problem = str(error)
            assert "\n" not in problem


class Redirects:
    """Stands for `requests.get`: every answer is a redirect to the next of these addresses."""

    def __init__(self, *targets):
        self.targets = list(targets)
        self.asked = []

    def __call__(self, url, **_):
        self.asked.append(url)
        response = requests.Response()
        response.status_code = 302
        response.raw = SimpleNamespace(close=lambda: None, release_conn=lambda: None)
        response.headers["Location"] = self.targets.pop(0) if len(self.targets) > 1 else self.targets[0]
        return response


@pytest.mark.parametrize(
    ("targets", "problem", "requests_made"),
    [
        (["https://example.org/set.bin"], "redirected 10 times, expected the file", 10),
        (["/a", "http://example.org/set.bin"], "redirected to 'http://example.org/set.bin', expected .* https://", 2),
        (["file:///etc/passwd"], "redirected to 'file:///etc/passwd', expected .* https://", 1),
        (["https://[::1"], "redirected to 'https://.*', which is no address", 1),
    ],
    ids=["loop", "http", "file", "no address"],
)
def test_redirects_that_lead_astray_are_refused(targets, problem, requests_made, tmp_path, monkeypatch):
    get = Redirects(*targets)
    monkeypatch.setattr(transfer.requests, "get", get)
    with pytest.raises(InputError, match=rf"^https://example\.org/set\.bin: {problem}"):
        fetch(Remote("https://example.org/set.bin"), tmp_path)
    assert len(get.asked) == requests_made
    assert not list(tmp_path.iterdir())
