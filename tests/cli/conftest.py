import pytest
from PIL import Image, ImageFilter


@pytest.fixture(scope="session")
def pair(tmp_path_factory, samples):
    """The paths of a small photograph and of a blurred copy."""
    folder = tmp_path_factory.mktemp("pair")
    with Image.open(samples / "cat.png") as image:
        small = image.convert("RGB").crop((130, 60, 194, 108))
    small.save(folder / "sharp.png")
    small.filter(ImageFilter.GaussianBlur(2)).save(folder / "blurred.png")
    return str(folder / "sharp.png"), str(folder / "blurred.png")
