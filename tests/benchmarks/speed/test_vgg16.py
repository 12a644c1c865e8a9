import torch

from perceptmetric.benchmarks.speed.vgg16 import VGG16Loss


def test_the_vgg16_trunk_has_its_published_size():
    loss = VGG16Loss()
    assert sum(weights.numel() for weights in loss.parameters()) == 14_714_688
    output = torch.rand(1, 3, 32, 32, requires_grad=True)
    loss(output, torch.rand(1, 3, 32, 32)).backward()
    assert output.grad.abs().sum() > 0
