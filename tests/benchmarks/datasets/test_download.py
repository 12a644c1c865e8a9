import hashlib
import io
import re
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from perceptmetric import InputError
from perceptmetric.benchmarks.datasets import PUBLISHED, download
from perceptmetric.benchmarks.datasets.download import BY_HAND, SOURCES, Remote, fetch, obtain, unpack

CONTENT = bytes(range(256)) * 4096  # 1 MiB


class Server:
    """A web server whose answers are cut off after as many bytes as the test says."""

    def __init__(self):
        self.files = {"/set.bin": CONTENT}
        self.cuts = []
        self.ranges = True
        self.tells_length = True
        self.requests = []

        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, handler):
        wanted = handler.headers.get("Range")
        self.requests.append(wanted)
        content = self.files.get(handler.path)
        if content is None:
            handler.send_error(404)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and self.ranges else 0
        if start >= len(content) > 0 and start:
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(content)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.tells_length:
            handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        body = content[start:]
        handler.wfile.write(body[: self.cuts.pop(0)] if self.cuts else body)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "WAIT", 0)
    server = Server()
    yield server
    server.server.shutdown()
    server.server.server_close()


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
    server.cuts = [1000] + [0] * download.ATTEMPTS
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


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def tarred(*entries):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, kind in entries:
            entry = tarfile.TarInfo(name)
            entry.type = kind
            entry.linkname = "/etc/passwd"
            entry.size = 5 if kind == tarfile.REGTYPE else 0
            archive.addfile(entry, io.BytesIO(b"hello"))
    return file.getvalue()


def unpacked(tmp_path, content):
    (tmp_path / "archive").write_bytes(content)
    (tmp_path / "inside" / "target").mkdir(parents=True)
    unpack(tmp_path / "archive", tmp_path / "inside" / "target")
    files = [path for path in (tmp_path / "inside").rglob("*") if path.is_file()]
    return {path.relative_to(tmp_path / "inside" / "target").as_posix(): path.read_text() for path in files}


def test_one_folder_that_holds_everything_is_left_out(tmp_path):
    members = {"set/images/a.png": "a", "set/dmos.csv": "b", "__MACOSX/set/._a.png": "x"}
    assert unpacked(tmp_path, zipped(members)) == {"images/a.png": "a", "dmos.csv": "b"}


def test_several_stay(tmp_path):
    assert unpacked(tmp_path, zipped({"awgn/a.png": "a", "blur/b.png": "b"})) == {"awgn/a.png": "a", "blur/b.png": "b"}


def test_a_tar_archive_is_unpacked(tmp_path):
    content = tarred(("set", tarfile.DIRTYPE), ("set/a", tarfile.REGTYPE), ("set/deep/b", tarfile.REGTYPE))
    assert unpacked(tmp_path, content) == {"a": "hello", "deep/b": "hello"}


def link():
    entry = zipfile.ZipInfo("set/link")
    entry.external_attr = 0o120777 << 16
    return zipped({entry: "/etc/passwd"})


@pytest.mark.parametrize(
    "content",
    [
        zipped({"../evil": "x"}),
        zipped({"set/../../evil": "x"}),
        zipped({"/tmp/evil": "x"}),  # noqa: S108
        zipped({"C:evil": "x"}),
        link(),
        tarred(("../evil", tarfile.REGTYPE)),
        tarred(("/tmp/evil", tarfile.REGTYPE)),  # noqa: S108
        tarred(("set/link", tarfile.SYMTYPE)),
        tarred(("set/link", tarfile.LNKTYPE)),
        tarred(("set/device", tarfile.CHRTYPE)),
    ],
)
def test_no_archive_writes_outside_its_folder(tmp_path, content):
    with pytest.raises(InputError, match=r"archive: found .*, which (would be written outside|is no plain file)"):
        unpacked(tmp_path, content)
    assert not [path for path in (tmp_path / "inside").rglob("*") if path.name != "target"]


def test_an_archive_larger_than_the_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 3}))
    with pytest.raises(InputError, match="unpacks to 4 bytes, and the disk has 3 left"):
        unpacked(tmp_path, zipped({"a": "four"}))


@pytest.mark.parametrize(
    "content",
    [b"hello", zipped({"a": "x" * 1000})[:-40], tarred(("a", tarfile.REGTYPE))[:-20]],
    ids=["text", "zip", "tar"],  # a tar file holds the time it was made at
)
def test_a_damaged_archive_is_named(tmp_path, content):
    with pytest.raises(InputError, match="archive: cannot be unpacked"):
        unpacked(tmp_path, content)


@pytest.fixture
def published(server, monkeypatch):
    server.files = {
        "/src.zip": zipped({"src/1600.png": "reference"}),
        "/dst.zip": zipped({"awgn/1600.png": "noisy", "blur/1600.png": "blurred"}),
        "/scores.txt": b"scores",
    }
    remotes = (Remote(f"{server.url}/src.zip", "src"), Remote(f"{server.url}/dst.zip", "dst"))
    monkeypatch.setitem(SOURCES, "csiq", (*remotes, Remote(f"{server.url}/scores.txt")))
    return server


def test_a_set_is_obtained_whole(published, tmp_path):
    root = tmp_path / "csiq"
    obtain("csiq", root)
    files = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    assert files == ["dst/awgn/1600.png", "dst/blur/1600.png", "scores.txt", "src/1600.png"]
    assert list(tmp_path.iterdir()) == [root]


def test_no_half_set_looks_whole_and_the_next_run_goes_on(published, tmp_path):
    root = tmp_path / "csiq"
    scores = published.files.pop("/scores.txt")
    with pytest.raises(InputError, match=r"scores\.txt: the server answered 404"):
        obtain("csiq", root)
    assert not root.exists()
    published.files["/scores.txt"] = scores
    published.requests.clear()
    obtain("csiq", root)
    assert len(published.requests) == 1
    assert (root / "src" / "1600.png").read_text() == "reference"


def test_a_folder_with_something_in_it_is_left_alone(published, tmp_path):
    (tmp_path / "mine").write_text("mine")
    obtain("csiq", tmp_path)
    assert published.requests == []


def test_an_empty_folder_is_filled(published, tmp_path):
    root = tmp_path / "csiq"
    root.mkdir()
    obtain("csiq", root)
    assert (root / "scores.txt").read_text() == "scores"


def test_a_missing_parent_is_named(published, tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder to make csiq in"):
        obtain("csiq", tmp_path / "nowhere" / "csiq")


def test_every_published_set_has_a_source_or_a_reason():
    assert {*SOURCES, *BY_HAND} == set(PUBLISHED)
    assert not {*SOURCES} & {*BY_HAND}


@pytest.mark.parametrize("name", BY_HAND)
def test_a_set_that_cannot_be_fetched_says_where_it_is(name, tmp_path):
    with pytest.raises(InputError, match=f"--download: {name} cannot be fetched by program: .*https://"):
        obtain(name, tmp_path / name)
