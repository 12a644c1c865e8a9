import pytest
from PIL import Image

from perceptmetric.benchmarks.severity.ordering import SAMPLES


@pytest.fixture
def small(tmp_path):
    image = Image.open(SAMPLES / "coffee.png").crop((100, 80, 164, 128))
    image.save(tmp_path / "small.png")
    return tmp_path
