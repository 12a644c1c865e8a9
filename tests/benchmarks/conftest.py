from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from perceptmetric.benchmarks.datasets import Dataset, Pair


@pytest.fixture
def dataset(tmp_path):
    """Two references of different size with ten distorted images each, more noise for a lower score."""
    random, pairs = np.random.default_rng(0), []
    for reference, (height, width) in enumerate([(20, 24), (17, 30)]):
        clean = random.integers(60, 196, (height, width, 3))
        Image.fromarray(clean.astype(np.uint8)).save(tmp_path / f"{reference}.png")
        for level in range(10):
            noisy = clean + random.integers(-level - 1, level + 2, clean.shape)
            path = tmp_path / f"{reference}_{level}.png"
            Image.fromarray(noisy.astype(np.uint8)).save(path)
            pairs.append(Pair(tmp_path / f"{reference}.png", path, 9.0 - level, ("even", "odd")[level % 2]))
    return Dataset("made up", "MOS", tuple(pairs))


@pytest.fixture
def piq():
    """Skips where the extra is not installed; importing it is the suite's business."""
    if find_spec("piq") is None:
        pytest.skip("piq is not installed")


@pytest.fixture
def matplotlib():
    """Skips where the extra is not installed."""
    pytest.importorskip("matplotlib")
