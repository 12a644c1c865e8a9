import errno
import io
import lzma
import tarfile
import zipfile

import pytest

from perceptmetric import InputError
from perceptmetric.benchmarks.datasets import PUBLISHED, archive
from perceptmetric.benchmarks.datasets.download import BY_HAND, SOURCES, obtain
from perceptmetric.benchmarks.datasets.transfer import Remote
from perceptmetric.files import lock


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


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


def spoiled_lzma():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:xz") as opened:
        opened.addfile(tarfile.TarInfo("a"))
    content = bytearray(file.getvalue())
    content[20:40] = bytes(20)
    with pytest.raises(lzma.LZMAError):
        lzma.decompress(content)
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [b"<html>Please log in</html>", zipped({"a.png": "x" * 1000})[:-40], spoiled_lzma(), b""],
    ids=["a page", "a zip file cut off", "lzma", "nothing"],
)
@pytest.mark.parametrize("name", ["dst.zip", "scores.xlsx"])
def test_a_file_that_cannot_be_opened_is_fetched_again_by_the_next_run(name, content, published, tmp_path, monkeypatch):
    root = tmp_path / "csiq"
    (*remotes, _) = SOURCES["csiq"]
    monkeypatch.setitem(SOURCES, "csiq", (*remotes, Remote(f"{published.url}/scores.xlsx")))
    published.files["/scores.xlsx"] = zipped({"sheet": "scores"})
    right = published.files[f"/{name}"]
    published.files[f"/{name}"] = content
    with pytest.raises(InputError, match=rf"{name}: cannot be unpacked \(.*\); the file was removed, run it again"):
        obtain("csiq", root)
    assert not root.exists()
    published.files[f"/{name}"] = right
    obtain("csiq", root)
    assert (root / "scores.xlsx").read_bytes() == published.files["/scores.xlsx"]


def test_two_at_once_do_not_collide(published, tmp_path):
    (tmp_path / ".csiq.partial").mkdir()
    with (tmp_path / ".csiq.partial" / "lock").open("ab") as file:
        lock(file, tmp_path / ".csiq.partial" / "lock")
        with pytest.raises(
            InputError, match="csiq: another process is downloading it; run it again when that has ended"
        ):
            obtain("csiq", tmp_path / "csiq")
    assert published.requests == []
    obtain("csiq", tmp_path / "csiq")


def test_a_disk_that_fills_up_while_unpacking_is_named_and_the_downloads_stay(published, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(archive.shutil, "copyfileobj", full)
        with pytest.raises(InputError, match=r"src: cannot be written \(No space left on device\)"):
            obtain("csiq", tmp_path / "csiq")
    assert [path.name for path in tmp_path.iterdir()] == [".csiq.partial"]
    asked = len(published.requests)
    obtain("csiq", tmp_path / "csiq")
    assert len(published.requests) == asked + 2  # not the archive that was already there


def test_every_source_is_encrypted_on_its_way():
    assert all(remote.url.startswith("https://") for remotes in SOURCES.values() for remote in remotes)
