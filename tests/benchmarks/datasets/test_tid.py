import hashlib
import io
import itertools
import os
import shutil

import pytest
from PIL import Image

from perceptmetric import InputError
from perceptmetric.benchmarks.datasets import tid, tid2008, tid2013


@pytest.fixture
def copy(tid2013_root, tmp_path):
    """A set to break: its images are links."""
    root = tmp_path / "tid2013"
    shutil.copytree(tid2013_root / "reference_images", root / "reference_images", copy_function=os.symlink)
    (root / "distorted_images").symlink_to(tid2013_root / "distorted_images")
    shutil.copy(tid2013_root / "mos_with_names.txt", root)
    return root


def test_all_3000_pairs_are_read_whatever_the_case_of_the_names(tid2013_root):
    dataset = tid2013(tid2013_root)
    assert (dataset.name, dataset.opinion) == ("TID2013", "MOS")
    assert len(dataset.pairs) == 3000
    for pair in dataset.pairs:
        assert pair.reference.exists()
        assert pair.distorted.exists()
        assert pair.reference.stem.lower() == pair.distorted.name[:3].lower()
    last = dataset.pairs[-1]
    assert last.distorted.name == "i25_24_5.bmp"
    assert last.reference.name == "I25.bmp"
    assert last.score == pytest.approx(9 - (50 + 24 / 3) / 8)
    assert last.kind == "sparse sampling"
    assert len(set(dataset.kinds)) == 24
    references = [pair.reference for pair in dataset.pairs]
    assert sum(a != b for a, b in itertools.pairwise(references)) == 24


def test_the_stand_in_is_called_a_replica(tid2013_root, monkeypatch):
    pixels = Image.open(tid2013_root / "reference_images" / "I02.BMP").tobytes()
    monkeypatch.setattr(tid, "TID2013_REPLICA_I02", hashlib.sha256(pixels).hexdigest())
    assert tid2013(tid2013_root).name == "TID2013 replica"


def edit(root, change):
    path = root / "mos_with_names.txt"
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")


def remove(folder):
    folder.rename(folder.with_name("elsewhere"))


def replace(path, content):
    """In a folder of links of its own; no content takes the file away."""
    shared = path.parent.resolve()
    path.parent.unlink()
    shutil.copytree(shared, path.parent, copy_function=os.symlink)
    path.unlink()
    if content:
        path.write_bytes(content)


def small_bmp():
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "BMP")
    return file.getvalue()


BREAKS = {
    r"mos_with_names\.txt: no such file; the set can be had at https": lambda r: (r / "mos_with_names.txt").unlink(),
    r"reference_images: no such folder; the set can": lambda r: remove(r / "reference_images"),
    r"distorted_images: no such folder": lambda r: remove(r / "distorted_images"),
    r"reference_images/i07\.bmp: no such file": lambda r: (r / "reference_images" / "I07.BMP").unlink(),
    r"distorted_images/i03_04_5\.bmp: no such": lambda r: replace(r / "distorted_images" / "i03_04_5.bmp", b""),
    r"i05_06_3\.bmp: not an image": lambda r: replace(r / "distorted_images" / "i05_06_3.bmp", b"hello"),
    r"i05_06_3\.bmp: found 4x4 pixels, expected 16x16 as .*I05\.BMP has": lambda r: replace(
        r / "distorted_images" / "i05_06_3.bmp", small_bmp()
    ),
    r"I01\.bmp: found I01\.BMP as well": lambda r: (r / "reference_images" / "I01.bmp").write_bytes(small_bmp()),
    r"found 2999 scores and none of i01_01_1\.bmp, expected 3000": lambda r: edit(r, lambda lines: lines[1:]),
    r"line 3001: found I01_01_1\.bmp a second time": lambda r: edit(r, lambda lines: [*lines, lines[0]]),
    r"found a score of i26_01_1\.bmp, expected": lambda r: edit(r, lambda lines: [*lines, "5.0 I26_01_1.bmp"]),
    r"line 1: found 'good', expected a number": lambda r: edit(r, lambda lines: ["good I01_01_1.bmp", *lines[1:]]),
    r"line 2: found 'nan', expected a number": lambda r: edit(r, lambda x: [x[0], "nan I01_01_2.bmp", *x[2:]]),
    r"line 1: found '5\.0', expected a score and a file name": lambda r: edit(r, lambda lines: ["5.0", *lines[1:]]),
}


@pytest.mark.parametrize("problem", BREAKS)
def test_a_broken_set_is_named(problem, copy):
    BREAKS[problem](copy)
    with pytest.raises(InputError, match=problem):
        tid2013(copy)


def test_tid2008_has_17_types_at_4_levels(tid2013_root, tmp_path):
    (tmp_path / "distorted_images").mkdir()
    (tmp_path / "reference_images").symlink_to(tid2013_root / "reference_images")
    lines = []
    for line in (tid2013_root / "mos_with_names.txt").read_text().splitlines():
        name = line.split()[1]
        if int(name[4:6]) <= 17 and int(name[7]) <= 4:
            lines.append(line)
            published = tid2013_root / "distorted_images" / name.lower()
            (tmp_path / "distorted_images" / name).symlink_to(published)
    (tmp_path / "mos_with_names.txt").write_text("\n".join(lines))
    dataset = tid2008(tmp_path)
    assert (dataset.name, len(dataset.pairs), len(set(dataset.kinds))) == ("TID2008", 1700, 17)
    with pytest.raises(InputError, match=r"found a score of i01_01_5\.bmp, expected i01_01_1\.bmp to i25_17_4\.bmp"):
        tid2008(tid2013_root)
