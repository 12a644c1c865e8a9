import numpy as np
import pytest
import torch

from perceptmetric.benchmarks.metrics.flip import mean_flip
from perceptmetric.images import as_batch

pytestmark = pytest.mark.usefixtures("flip")


def flat(red, green, blue):
    return torch.tensor([red, green, blue]).reshape(1, 3, 1, 1).expand(1, 3, 24, 24)


def test_green_and_blue_are_as_far_apart_as_can_be():
    """The paper scales the colour difference by that of pure green and blue, so this pair has an error of 1."""
    assert mean_flip().against(flat(0.0, 1.0, 0.0))(flat(0.0, 0.0, 1.0)) == [pytest.approx(1)]


def test_it_is_the_packages_own_number_for_files(samples):
    """As its documentation calls it: two PNG files, low dynamic range."""
    import flip_evaluator

    paths = [str(samples / name) for name in ("cat.png", "coffee.png")]
    _, expected, used = flip_evaluator.evaluate(*paths, "LDR", applyMagma=False)
    assert used["ppd"] == pytest.approx(67.02, abs=0.01)  # documented: 0.7 m before a 4K screen of 0.7 m
    images = [as_batch(path) for path in paths]
    assert mean_flip().against(images[0])(images[1]) == [pytest.approx(expected, rel=1e-5)]


def test_noise_is_easier_to_see_from_nearby():
    grey = torch.full((1, 3, 24, 24), 0.5)
    noisy = grey + 0.1 * torch.from_numpy(np.random.default_rng(0).standard_normal((1, 3, 24, 24))).float()
    (near,), (far,) = (mean_flip(pixels).against(grey)(noisy) for pixels in (20, 67.0206))
    assert near > far > 0
    assert float(mean_flip().measure(grey)(noisy)) == pytest.approx(far, rel=1e-4)
