import hashlib
import itertools
import os
import shutil

import pytest
from PIL import Image

from perceptmetric import InputError
from perceptmetric.benchmarks import datasets
from perceptmetric.benchmarks.datasets import tid2013


@pytest.fixture
def copy(tid2013_root, tmp_path):
    """A set to break: its images are links."""
    root = tmp_path / "tid2013"
    shutil.copytree(tid2013_root, root, copy_function=os.symlink)
    scores = root / "mos_with_names.txt"
    text = scores.read_text()
    scores.unlink()
    scores.write_text(text)
    return root


def test_all_3000_pairs_are_read_whatever_the_case_of_the_names(tid2013_root):
    dataset = tid2013(tid2013_root)
    assert dataset.name == "TID2013"
    assert len(dataset.pairs) == 3000
    for pair in dataset.pairs:
        assert pair.reference.exists()
        assert pair.distorted.exists()
        assert pair.reference.stem.lower() == pair.distorted.name[:3].lower()
    last = dataset.pairs[-1]
    assert last.distorted.name == "i25_24_5.bmp"
    assert last.reference.name == "I25.bmp"
    assert last.mos == pytest.approx(9 - (50 + 24 / 3) / 8)
    references = [pair.reference for pair in dataset.pairs]
    assert sum(a != b for a, b in itertools.pairwise(references)) == 24


def test_the_stand_in_is_called_a_replica(tid2013_root, monkeypatch):
    pixels = Image.open(tid2013_root / "reference_images" / "I02.BMP").tobytes()
    monkeypatch.setattr(datasets, "TID2013_REPLICA_I02", hashlib.sha256(pixels).hexdigest())
    assert tid2013(tid2013_root).name == "TID2013 replica"


def edit(root, change):
    path = root / "mos_with_names.txt"
    path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")


BREAKS = {
    r"mos_with_names\.txt: no such file; TID2013 can be had at https": lambda r: (r / "mos_with_names.txt").unlink(),
    r"reference_images: no such folder; TID2013 can": lambda r: shutil.rmtree(r / "reference_images"),
    r"distorted_images: no such folder": lambda r: shutil.rmtree(r / "distorted_images"),
    r"reference_images/i07\.bmp: no such file": lambda r: (r / "reference_images" / "I07.BMP").unlink(),
    r"distorted_images/i03_04_5\.bmp: no such": lambda r: (r / "distorted_images" / "i03_04_5.bmp").unlink(),
    r"found no score of i01_01_1\.bmp": lambda r: edit(r, lambda lines: lines[1:]),
    r"line 3001: found I01_01_1\.bmp a second time": lambda r: edit(r, lambda lines: [*lines, lines[0]]),
    r"found a score of i26_01_1\.bmp, expected": lambda r: edit(r, lambda lines: [*lines, "5.0 I26_01_1.bmp"]),
    r"line 1: found 'good I01_01_1\.bmp'": lambda r: edit(r, lambda lines: ["good I01_01_1.bmp", *lines[1:]]),
    r"line 2: found 'nan I01_01_2\.bmp'": lambda r: edit(r, lambda lines: [lines[0], "nan I01_01_2.bmp", *lines[2:]]),
    r"line 1: found '5\.0'": lambda r: edit(r, lambda lines: ["5.0", *lines[1:]]),
}


@pytest.mark.parametrize("problem", BREAKS)
def test_a_broken_set_is_named(problem, copy):
    BREAKS[problem](copy)
    with pytest.raises(InputError, match=problem):
        tid2013(copy)
