import pytest
import torch

from perceptmetric.checkpoints import load
from perceptmetric.training.objectives import Reconstruct, Sparse
from perceptmetric.training.trainer import Loss
from perceptmetric.training.written_out import WrittenOut, suits


@pytest.fixture
def network():
    network, _ = load("denoise")
    with torch.no_grad():  # some weights lie below their bounds, as they can in training
        network.encoder.gdn4.gamma[:5] = network.decoder.igdn1.gamma[:5] = network.encoder.gdn1.beta[:1] = -0.01
    return network.double()


def gradients(network, loss):
    network.zero_grad()
    loss.backward()
    return [parameter.grad.clone() for parameter in network.parameters()]


@pytest.mark.parametrize("objective", [Reconstruct(), Sparse(0.1)], ids=lambda objective: objective.name)
@pytest.mark.parametrize("side", [16, 18, 21])
def test_loss_and_gradients_are_those_of_the_plain_layers(objective, side, network):
    images = torch.rand(2, 3, side, side + 4, dtype=torch.float64)
    images[0] = 0.5  # flat: in max-pooling, all are equal
    plain = objective.loss(network, images, images)
    written = objective.loss(WrittenOut(network), images, images)
    torch.testing.assert_close(written, plain, rtol=1e-12, atol=0)
    for ours, theirs in zip(gradients(network, written), gradients(network, plain), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12 * theirs.abs().max().item())


def test_of_equal_maxima_the_same_place_gets_the_gradient():
    network = load("untrained")[0]
    for layer in (network.encoder.gdn1, network.encoder.conv1):
        layer.requires_grad_(False)
    images = torch.randint(0, 3, (2, 3, 16, 16)).float() / 2
    results = []
    for encoder in (network.encoder, WrittenOut(network).encoder):
        leaf = images.clone().requires_grad_()
        encoder(leaf).square().sum().backward()
        results.append(leaf.grad)
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-6)


def test_a_gradient_of_an_image_that_needs_none_is_not_computed(network):
    images = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    code = WrittenOut(network).encoder(images)
    code.sum().backward()
    assert images.grad is None
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.encoder.parameters())


def test_training_takes_it_in_float32_alone(network, monkeypatch):
    images = torch.rand(1, 3, 16, 16)
    assert suits(images)
    with torch.autocast("cpu", torch.bfloat16):
        assert not suits(images)
    monkeypatch.setattr(WrittenOut, "encoder", lambda *_: pytest.fail("written out"))
    with pytest.raises(pytest.fail.Exception):
        Loss(Reconstruct(), network.float())(images, images)
    with torch.autocast("cpu", torch.bfloat16):
        assert Loss(Reconstruct(), network.float())(images, images).isfinite()
