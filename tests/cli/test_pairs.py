from itertools import islice, repeat

import pytest
from PIL import Image

from perceptmetric import InputError, PerceptualDistance, distance
from perceptmetric.cli import pairs
from perceptmetric.cli.pairs import from_files, from_folders, from_lines, measure
from perceptmetric.images import as_pixels


@pytest.mark.parametrize("ahead", [0, 1, 5])
def test_a_reference_in_a_row_of_pairs_is_read_once(samples, monkeypatch, ahead):
    paths = [str(samples / name) for name in ("cat.png", "coffee.png", "rocket.png")]
    read = []
    monkeypatch.setattr(pairs, "as_pixels", lambda path: read.append(path) or as_pixels(path))
    todo = [(paths[0], paths[1]), (paths[0], paths[2]), (paths[1], paths[2])]
    results = list(measure(todo, [PerceptualDistance()], ahead=ahead))
    assert sorted(read) == sorted([paths[0], paths[1], paths[2], paths[1], paths[2]])
    for result, (reference, distorted) in zip(results, todo, strict=True):
        assert (result.reference, result.distorted) == (reference, distorted)
        assert result.distances == (pytest.approx(distance(reference, distorted), abs=1e-6),)


def test_distances_come_before_the_failure_after_them(samples):
    cat = str(samples / "cat.png")
    results = measure(from_lines([f"{cat}\t{cat}", "alone"]), [PerceptualDistance()], ahead=5)
    assert next(results).distances == (0,)
    with pytest.raises(InputError, match="line 2"):
        next(results)
    results = measure([(cat, cat), (cat, "missing.png")], [PerceptualDistance()], ahead=5)
    assert next(results).distances == (0,)
    with pytest.raises(FileNotFoundError, match=r"missing\.png"):
        next(results)


@pytest.mark.parametrize("ahead", [0, 5])
def test_pairs_without_end_are_measured_one_by_one(samples, ahead):
    endless = repeat((str(samples / "cat.png"), str(samples / "cat-jpeg.jpg")))
    assert len({result.distances for result in islice(measure(endless, [PerceptualDistance()], ahead=ahead), 3)}) == 1


@pytest.fixture
def folders(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder / "deeper").mkdir(parents=True)
        for name in ("deeper/2.png", "1.png", "10.png"):
            Image.new("RGB", (4, 4)).save(tmp_path / folder / name)
    (tmp_path / "a" / "notes.txt").write_text("no image")
    return tmp_path / "a", tmp_path / "b"


def test_folders_are_matched_in_order(folders):
    a, b = folders
    assert from_folders(a, b) == [(f"{a}/{name}", f"{b}/{name}") for name in ("1.png", "10.png", "deeper/2.png")]


def test_an_image_without_counterpart_or_with_two_is_named(folders, tmp_path):
    a, b = folders
    (b / "1.png").rename(b / "1.jpg")
    assert from_folders(a, b)[0] == (f"{a}/1.png", f"{b}/1.jpg")
    (b / "1.jpg").rename(b / "3.jpg")
    with pytest.raises(InputError, match=r"b: no counterpart of .*a/1\.png$"):
        from_folders(a, b)
    (a / "1.png").unlink()
    (a / "10.png").unlink()
    with pytest.raises(InputError, match=r"a: no counterpart of .*b/10\.png \(and 1 more\)$"):
        from_folders(a, b)
    (b / "3.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"3\.png: found .*3\.jpg too, expected one image of a name"):
        from_folders(a, b)
    (tmp_path / "c").mkdir()
    with pytest.raises(InputError, match="c: found no image"):
        from_folders(tmp_path / "c", tmp_path / "c")


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path):
    path = tmp_path / "[1].png"
    path.write_bytes(b"")
    assert from_files("a.png", [str(path), "missing.png"]) == [("a.png", str(path)), ("a.png", "missing.png")]


@pytest.mark.parametrize("line", ["", "a.png", "a.png\tb.png\tc.png", "\tb.png", "a.png b.png"])
def test_a_line_of_another_form_is_numbered(line):
    stream = from_lines(["a.png\tb.png\r\n", line + "\n"])
    assert next(stream) == ("a.png", "b.png")
    with pytest.raises(InputError, match="line 2: found "):
        next(stream)
