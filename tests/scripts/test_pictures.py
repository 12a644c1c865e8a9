"""docs/pictures/*.py draw the pictures that the pages show."""

import pytest
from PIL import Image


@pytest.mark.parametrize(
    ("name", "picture", "draw"),
    [
        ("ladder", "PICTURE", "draw_ladder"),
        pytest.param("ladder", "LEVELS", "draw_levels", marks=pytest.mark.slow),
        ("map", "PICTURE", "main"),
    ],
)
def test_a_picture_has_the_size_of_the_committed_one(name, picture, draw, load_script, tmp_path, monkeypatch):
    script = load_script(f"docs/pictures/{name}.py")
    committed = getattr(script, picture)
    monkeypatch.setattr(script, picture, tmp_path / "drawn.png")
    getattr(script, draw)()
    with Image.open(committed) as expected, Image.open(tmp_path / "drawn.png") as drawn:
        assert drawn.size == expected.size


@pytest.mark.slow
def test_the_picture_of_the_report_has_the_size_of_the_committed_one(chromium, load_script, tmp_path, monkeypatch):
    test_a_picture_has_the_size_of_the_committed_one("report", "PICTURE", "main", load_script, tmp_path, monkeypatch)
