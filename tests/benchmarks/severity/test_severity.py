import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from perceptmetric import InputError
from perceptmetric.benchmarks.metrics.metric import Metric, MetricError
from perceptmetric.benchmarks.severity import severity as module
from perceptmetric.benchmarks.severity.severity import SAMPLES, distortions, ordered, photographs, severity


@pytest.fixture
def small(tmp_path):
    image = Image.open(SAMPLES / "coffee.png").crop((100, 80, 164, 128))
    image.save(tmp_path / "small.png")
    return tmp_path


def difference(reference):
    return lambda distorted: [torch.dist(reference, distorted).item()]


@pytest.mark.parametrize("name", distortions())
def test_every_level_changes_more_of_the_image(name, small):
    image = np.asarray(Image.open(small / "small.png"), dtype=np.float64)
    kept = image.copy()
    levels = [distortions()[name].apply(image, strength) for strength in distortions()[name].strengths]
    errors = [np.sqrt(np.mean((np.clip(np.rint(level), 0, 255) - image) ** 2)) for level in levels]
    assert errors[0] > 0.3
    assert errors == sorted(errors)
    assert all(level.shape == image.shape for level in levels)
    np.testing.assert_array_equal(image, kept)
    again = distortions()[name].apply(image, distortions()[name].strengths[0])
    np.testing.assert_array_equal(again, levels[0])


def test_colour_noise_leaves_luma_as_it_was(small):
    image = np.asarray(Image.open(small / "small.png"), dtype=np.float64)
    noisy = distortions()["colour noise"].apply(image, 20)
    np.testing.assert_allclose(noisy @ module.LUMA, image @ module.LUMA)


def test_a_metric_that_grows_is_always_right_and_one_that_does_not_never(small):
    paths = photographs(small)
    grows = ordered(paths, Metric("grows", ("",), difference))
    assert {order.distortion: order.right for order in grows} == dict.fromkeys(distortions(), 10)
    constant = ordered(paths, Metric("constant", ("",), lambda reference: lambda distorted: [1.0]))
    assert {(order.right, order.pairs) for order in constant} == {(0, 10)}


def test_a_metric_that_fails_is_named_with_the_photograph(small):
    def against(reference):
        raise RuntimeError("no")

    with pytest.raises(MetricError, match=r"small\.png: mine failed \(RuntimeError: no\)"):
        ordered(photographs(small), Metric("mine", ("",), against))


@pytest.mark.usefixtures("piq")
def test_the_report_names_everything(small):
    report = severity(photographs(small), "untrained", ["psnr", "own:nothing"])
    head, used, _, columns, *rows = report.table().splitlines()
    assert head.startswith("1 photographs, checkpoint untrained (SHA-256 ")
    assert "pillow" in used
    assert columns.split() == ["distortion", "perceptmetric", "psnr"]
    assert rows[-1].startswith("own:nothing: not run: cannot be imported")
    assert len(rows) == len(distortions()) + 1
    content = json.loads(report.json())
    assert content["images"] == ["small.png"]
    assert content["results"][0] == {"metric": "perceptmetric", "distortion": "noise", "right": 10, "pairs": 10}
    assert len(content["results"]) == 2 * len(distortions())
    assert content["not_run"][0]["metric"] == "own:nothing"


def test_the_samples_are_the_undistorted_ones():
    assert [path.name for path in photographs(SAMPLES)] == ["cat.png", "coffee.png", "rocket.png"]


def test_folders_without_photographs_are_named(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder"):
        photographs(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match="found no JPEG or PNG file in it"):
        photographs(tmp_path)
    shutil.copy(SAMPLES / "cat-jpeg.jpg", tmp_path / "cat.JPG")
    assert photographs(tmp_path) == [tmp_path / "cat.JPG"]
