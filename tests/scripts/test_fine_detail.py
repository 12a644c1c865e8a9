"""training/study/fine_detail.py."""

import pytest
import torch


def test_fine_and_coarse_noise_differ_in_their_grain_alone(load_script):
    module = load_script("training/study/fine_detail.py")
    images = torch.zeros(1, 3, 64, 64)
    fine, coarse = (module.noise(images, size, torch.Generator().manual_seed(0)) for size in (1, 4))
    assert fine.norm() == pytest.approx(coarse.norm().item())
    assert module.fine_to_coarse(torch.nn.Identity(), images) == pytest.approx(1, rel=1e-4)


def test_a_network_that_averages_sees_less_of_fine_noise(load_script):
    module = load_script("training/study/fine_detail.py")
    images = torch.rand(2, 3, 64, 64)
    assert module.fine_to_coarse(torch.nn.AvgPool2d(4), images) < 0.5
    assert module.fine_to_coarse(lambda batch: batch - torch.nn.functional.avg_pool2d(batch, 3, 1, 1), images) > 1.5
