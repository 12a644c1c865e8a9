import pytest
from PIL import Image

from perceptmetric.benchmarks.codecs.rate_curves import draw
from perceptmetric.benchmarks.codecs.rates import Point


@pytest.mark.usefixtures("matplotlib")
def test_there_is_a_panel_for_each_metric(tmp_path):
    widths = []
    for metrics in (["a"], ["a", "b"]):
        points = [
            Point("cat.png", codec, n, n, dict.fromkeys(metrics, 1 / n)) for codec in ("x", "y") for n in (1, 2, 3)
        ]
        draw(points, tmp_path / "codecs.png", "made up")
        with Image.open(tmp_path / "codecs.png") as image:
            widths.append(image.width)
    assert widths[1] == 2 * widths[0]
