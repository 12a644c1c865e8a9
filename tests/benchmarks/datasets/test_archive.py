import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perceptmetric import InputError
from perceptmetric.benchmarks.datasets import archive
from perceptmetric.benchmarks.datasets.archive import unpack


def zipped(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return file.getvalue()


def tarred(*entries):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as opened:
        for name, kind in entries:
            entry = tarfile.TarInfo(name)
            entry.type = kind
            entry.linkname = "/etc/passwd"
            entry.size = 5 if kind == tarfile.REGTYPE else 0
            opened.addfile(entry, io.BytesIO(b"hello"))
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
    ids=[
        "zip-parent",
        "zip-below-parent",
        "zip-root",
        "zip-drive",
        "zip-link",
        "tar-parent",
        "tar-root",
        "tar-link",
        "tar-hard",
        "device",
    ],
)
def test_no_archive_writes_outside_its_folder(tmp_path, content):
    with pytest.raises(InputError, match=r"archive: found .*, which (would be written outside|is no plain file)"):
        unpacked(tmp_path, content)
    assert not [path for path in (tmp_path / "inside").rglob("*") if path.name != "target"]


def test_an_archive_larger_than_the_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 3}))
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


def tarred_as(name, size):
    """An archive with the header of one file that is said to have that size."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (tarred_as("a", 2**41), "found 2199023255552 bytes in 'a', expected 0 to 1099511627776"),
        (zipped({"a/" * 40 + "b": "x"}), "found a file in 40 folders, expected fewer than 32"),
        (zipped({"a": "x", "a/b": "x"}), "cannot be unpacked"),
        (tarred(("a", tarfile.REGTYPE), ("a", tarfile.REGTYPE)), "cannot be unpacked .*exists"),
        (zipped({"a" * 300: "x"}), "cannot be unpacked .*too long"),
    ],
    ids=["size", "depth", "file and folder", "twice", "long name"],
)
def test_what_cannot_be_written_is_the_archives_fault(content, problem, tmp_path):
    with pytest.raises(archive.ArchiveError, match=f"archive: {problem}"):
        unpacked(tmp_path, content)


def test_more_files_than_any_set_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MAX_FILES", 2)
    with pytest.raises(archive.ArchiveError, match="found more than 2 files"):
        unpacked(tmp_path, zipped(dict.fromkeys("abc", "x")))
    assert not list((tmp_path / "inside" / "target").iterdir())


NAMES = st.one_of(
    st.text(max_size=12),
    st.lists(
        st.sampled_from(["a", "b", "..", ".", "", "/", "\\", "C:", "~", "\0", "é", "\n", "a" * 300]), max_size=6
    ).map("/".join),
)
KINDS = st.sampled_from(
    [tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, b"S", b"x"]
)


@st.composite
def archives(draw):
    """Archives of every kind that Python writes, with odd names and members, and often damaged."""
    file = io.BytesIO()
    members = draw(st.lists(st.tuples(NAMES, KINDS, st.binary(max_size=40)), max_size=5))
    if draw(st.booleans()):
        packing = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))
        with zipfile.ZipFile(file, "w", packing) as opened:
            for name, kind, content in {member[0]: member for member in members}.values():
                entry = zipfile.ZipInfo(name or "x")
                entry.compress_type = packing
                if kind == tarfile.SYMTYPE:
                    entry.external_attr = 0o120777 << 16
                opened.writestr(entry, content)
    else:
        with tarfile.open(fileobj=file, mode=draw(st.sampled_from(["w", "w:gz", "w:bz2", "w:xz"]))) as opened:
            for name, kind, content in members:
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = kind, "../../evil"
                entry.size = len(content) if kind in (tarfile.REGTYPE, b"x") else 0
                opened.addfile(entry, io.BytesIO(content))
    whole = bytearray(file.getvalue())
    for place, byte in draw(st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8)):
        whole[int(place * len(whole))] = byte
    return bytes(whole[: draw(st.one_of(st.none(), st.integers(0, len(whole))))])


@pytest.mark.slow
@settings(max_examples=150)
@given(archives())
@example(b"")
def test_no_archive_leaves_anything_but_the_documented_exception_or_writes_elsewhere(content):
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        target = root / "inside" / "target"
        target.mkdir(parents=True)
        (root / "archive").write_bytes(content)
        try:
            unpack(root / "archive", target)
            problem = f"{root / 'archive'}: none"
        except InputError as error:
            problem = str(error)
        assert problem.startswith(f"{root / 'archive'}: ")
        assert "\n" not in problem
        assert {path for path in root.rglob("*") if target not in path.parents} == {
            root / "archive", root / "inside", target,
        }  # fmt: skip
        assert not any(path.is_symlink() for path in target.rglob("*"))
        assert sum(path.stat().st_size for path in target.rglob("*") if path.is_file()) < 10_000
