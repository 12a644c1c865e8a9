import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from perceptmetric import Autoencoder
from perceptmetric.training.objectives import Deblur, Denoise, Reconstruct, Sparse

NETWORK = Autoencoder()
IMAGES = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(0))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_reconstruct_is_the_mean_squared_error():
    expected = (NETWORK(IMAGES) - IMAGES).square().mean()
    torch.testing.assert_close(Reconstruct()(NETWORK, IMAGES, seeded()), expected)


@given(sigma=st.floats(0.01, 0.4))
def test_denoise_adds_gaussian_noise_and_wants_the_clean_image(sigma):
    clean = torch.full((1, 3, 100, 100), 0.5)
    noise = Denoise(sigma).degrade(clean, seeded()) - clean
    assert noise.mean().item() == pytest.approx(0, abs=0.05 * sigma)
    assert noise.std().item() == pytest.approx(sigma, rel=0.05)
    degraded = Denoise(sigma).degrade(IMAGES, seeded())
    expected = (NETWORK(degraded) - IMAGES).square().mean()
    torch.testing.assert_close(Denoise(sigma)(NETWORK, IMAGES, seeded()), expected)


def test_noise_depends_on_the_generator_alone():
    objective = Denoise(0.1)
    assert torch.equal(objective.degrade(IMAGES, seeded(1)), objective.degrade(IMAGES, seeded(1)))
    assert not torch.equal(objective.degrade(IMAGES, seeded(1)), objective.degrade(IMAGES, seeded(2)))


@given(sigma=st.floats(0.5, 4))
def test_deblur_blurs_like_scipy_and_wants_the_sharp_image(sigma):
    blurred = Deblur(sigma).degrade(IMAGES, seeded())
    expected = ndimage.gaussian_filter(
        IMAGES.numpy(), (0, 0, sigma, sigma), mode="mirror", truncate=(np.ceil(3 * sigma)) / sigma
    )
    torch.testing.assert_close(blurred, torch.tensor(expected), rtol=0, atol=1e-5)
    loss = (NETWORK(blurred) - IMAGES).square().mean()
    torch.testing.assert_close(Deblur(sigma)(NETWORK, IMAGES, seeded()), loss)


def test_sparse_adds_the_mean_magnitude_of_the_code():
    expected = (NETWORK(IMAGES) - IMAGES).square().mean() + 0.03 * NETWORK.encoder(IMAGES).abs().mean()
    torch.testing.assert_close(Sparse(0.03)(NETWORK, IMAGES, seeded()), expected)
