import numpy as np
import pytest
from PIL import Image

from perceptmetric.benchmarks.severity.distortions import LUMA, distortions


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
    np.testing.assert_allclose(noisy @ LUMA, image @ LUMA)
