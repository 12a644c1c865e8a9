"""docs/pictures/*.py draw the pictures that the pages show."""

import pytest
from PIL import Image


@pytest.mark.parametrize("name", ["ladder", "map"])
def test_a_picture_has_the_size_of_the_committed_one(name, load_script, tmp_path, monkeypatch):
    script = load_script(f"docs/pictures/{name}.py")
    committed = script.PICTURE
    monkeypatch.setattr(script, "PICTURE", tmp_path / "drawn.png")
    script.main()
    with Image.open(committed) as expected, Image.open(tmp_path / "drawn.png") as drawn:
        assert drawn.size == expected.size
