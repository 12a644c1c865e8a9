import numpy as np
import pytest
import torch
from PIL import Image

from perceptmetric import InputError, PerceptualDistance
from perceptmetric.benchmarks.datasets import Dataset, Pair
from perceptmetric.benchmarks.scoring import score
from perceptmetric.checkpoints import load
from perceptmetric.perceptnet import STAGES


@pytest.fixture
def dataset(tmp_path):
    """Two references of different size with ten distorted images each."""
    random, pairs = np.random.default_rng(0), []
    for reference, (height, width) in enumerate([(20, 24), (17, 30)]):
        clean = random.integers(60, 196, (height, width, 3))
        Image.fromarray(clean.astype(np.uint8)).save(tmp_path / f"{reference}.png")
        for level in range(10):
            noisy = clean + random.integers(-level - 1, level + 2, clean.shape)
            path = tmp_path / f"{reference}_{level}.png"
            Image.fromarray(noisy.astype(np.uint8)).save(path)
            pairs.append(Pair(tmp_path / f"{reference}.png", path, 9.0 - level))
    return Dataset("made up", tuple(pairs))


def test_every_stage_gives_what_the_module_gives(dataset):
    table = score(dataset, load("reconstruct")[0], STAGES)
    assert list(table) == list(STAGES)
    for stage in STAGES:
        metric = PerceptualDistance.from_pretrained("reconstruct", stage=stage)
        expected = [metric(pair.reference, pair.distorted).item() for pair in dataset.pairs]
        np.testing.assert_allclose(table[stage], expected, rtol=1e-5)


def test_one_stage_runs_no_further(dataset):
    network = load("denoise-0.1")[0]
    network.decoder = None
    assert score(dataset, network, ["gdn4"])["gdn4"].shape == (20,)


def test_sizes_that_differ_are_named(dataset, tmp_path):
    pair = Pair(dataset.pairs[0].reference, dataset.pairs[-1].distorted, 1.0)
    with pytest.raises(InputError, match=r"1_9\.png: found 30x17 pixels, expected 24x20 as .*0\.png has"):
        score(Dataset("mixed", (*dataset.pairs[:10], pair)), load("untrained")[0], ["gdn4"])


def test_an_unreadable_image_is_named(dataset):
    dataset.pairs[3].distorted.write_text("hello")
    with pytest.raises(InputError, match=r"0_3\.png: not an image"):
        score(dataset, load("untrained")[0], ["gdn4"])


def test_a_distance_that_is_not_finite_is_named(dataset):
    network = load("untrained")[0]
    with torch.no_grad():
        network.encoder.conv3.weight.fill_(torch.nan)
    with pytest.raises(InputError, match=r"0_0\.png: found a distance at gdn4 that is not finite"):
        score(dataset, network, ["gdn4"])
