import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from perceptmetric import PerceptualDistance
from perceptmetric.checkpoints import load
from perceptmetric.inference import PLACES, run, without_local_mean
from perceptmetric.perceptnet import STAGES

NETWORK = load("reconstruct")[0]


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_what_the_layers_give(stage):
    images = torch.rand(2, 3, 130, 97)
    layers = NETWORK.until(stage)
    with torch.no_grad():
        torch.testing.assert_close(run(layers, images), layers(images), rtol=1e-5, atol=1e-5)


@given(height=st.integers(4, 70), width=st.integers(4, 70), n=st.integers(1, 3))
def test_any_size_and_number(height, width, n):
    images = torch.rand(n, 3, height, width, dtype=torch.float64)
    encoder = load("reconstruct")[0].encoder.double()
    with torch.no_grad():
        kept = images.clone()
        torch.testing.assert_close(run(encoder, images), encoder(images), rtol=1e-10, atol=1e-10)
    assert torch.equal(images, kept)


@pytest.mark.parametrize("width", [1, 7, PLACES + 1])
def test_the_local_mean_is_taken_from_what_was_there(width):
    x = torch.rand(2, 5, 40, width)
    expected = 3 * (x - F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False))
    with torch.no_grad():
        torch.testing.assert_close(without_local_mean(x.clone(), 3.0), expected)


def test_with_gradients_on_the_layers_are_the_plain_ones():
    images = torch.rand(1, 3, 32, 32)
    assert torch.equal(run(NETWORK.encoder, images), NETWORK.encoder(images))
    images.requires_grad_()
    assert run(NETWORK.encoder, images).requires_grad


@pytest.mark.parametrize("readout", ["default", "paper"])
def test_one_image_with_a_graph_and_one_without_are_still_at_0(readout):
    metric = PerceptualDistance(readout=readout)
    image = torch.rand(1, 3, 33, 47)
    assert metric(image.clone().requires_grad_(), image).tolist() == [0]
    assert metric(metric_input := image.clone().requires_grad_(), metric_input).tolist() == [0]


@pytest.mark.filterwarnings("ignore:.torch.jit.script.:DeprecationWarning")  # torch's own use of it
def test_the_transforms_of_torch_func_take_the_plain_path():
    metric = PerceptualDistance(check=False)
    a, b = torch.rand(2, 1, 3, 16, 16)
    distance, slope = torch.func.jvp(lambda x: metric(x, b).sum(), (a,), (torch.ones_like(a),))
    gradient = torch.func.grad(lambda x: metric(x, b).sum())(a)
    torch.testing.assert_close(distance, metric(a, b).sum())
    torch.testing.assert_close(slope, gradient.sum(), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_ranks_distortions_as_single_does(dtype, samples):
    paths = [samples / name for name in ("cat-jpeg.jpg", "coffee.png", "rocket.png")]
    single, half = PerceptualDistance(), PerceptualDistance().to(dtype)
    expected, found = ([metric(samples / "cat.png", path).item() for path in paths] for metric in (single, half))
    assert found == pytest.approx(expected, rel=0.01)
    assert half(samples / "cat.png", samples / "cat.png").item() == 0
