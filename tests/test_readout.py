import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perceptmetric import Autoencoder, InputError, PerceptualDistance
from perceptmetric.images import as_batch
from perceptmetric.readout import Default, build, euclidean, natural_statistics, spread


@given(st.integers(1, 3), st.integers(1, 4), st.integers(1, 6), st.integers(1, 6))
def test_euclidean_is_the_root_of_the_sum_of_squares(n, channels, height, width):
    a, b = torch.randn(2, n, channels, height, width, dtype=torch.float64)
    expected = [sum(((x - y) ** 2).flatten().tolist()) ** 0.5 for x, y in zip(a, b, strict=True)]
    assert euclidean(a, b).tolist() == pytest.approx(expected)


def test_one_reference_meets_many():
    a, b = torch.randn(1, 2, 3, 3), torch.randn(4, 2, 3, 3)
    expected = torch.stack([euclidean(a, image[None])[0] for image in b])
    torch.testing.assert_close(euclidean(a, b), expected)
    torch.testing.assert_close(euclidean(b, a), expected)


@pytest.mark.parametrize("difference", [0.0, 1e-30, 1e-20, 1e-8])
def test_the_gradient_is_finite_near_equality(difference):
    a = torch.ones(1, 2, 3, 3)
    b = (a * 0 + difference).requires_grad_()
    value = euclidean(torch.zeros_like(a), b)
    value.sum().backward()
    assert value.isfinite().all()
    assert b.grad.isfinite().all()
    assert difference > 0 or (value == 0).all()


@given(height=st.integers(1, 19), width=st.integers(1, 19), stride=st.sampled_from([1, 2, 4]), beyond=st.integers(0, 3))
def test_the_map_sums_to_the_square(height, width, stride, beyond):
    places = (-(-height // stride) + beyond, -(-width // stride) + beyond)
    a, b = torch.randn(2, 2, 5, *places)
    values = (a - b).square().sum(1, keepdim=True)
    distance_map = spread(values, (height, width), (stride, stride))
    assert distance_map.shape == (2, 1, height, width)
    assert (distance_map >= 0).all()
    torch.testing.assert_close(distance_map.sum((1, 2, 3)), euclidean(a, b).square(), rtol=1e-4, atol=1e-4)


def test_the_map_shows_the_place():
    a = torch.zeros(1, 1, 2, 3)
    b = a.clone()
    b[..., 1, 2] = 4
    expected = torch.zeros(7, 10)
    expected[4:7, 8:10] = 16 / 6
    values = (a - b).square().sum(1, keepdim=True)
    torch.testing.assert_close(spread(values, (7, 10), (4, 4))[0, 0], expected)


@given(places=st.integers(1, 6), pixels=st.integers(1, 20), stride=st.floats(0.3, 5))
def test_any_stride_keeps_the_sum(places, pixels, stride):
    values = torch.rand(1, 1, places, places)
    torch.testing.assert_close(spread(values, (pixels, pixels), (stride, stride)).sum(), values.sum())


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(1)
    return Autoencoder().eval()


@pytest.fixture(scope="module")
def readout(network):
    generator = torch.Generator().manual_seed(0)
    return Default(network, natural_statistics(network, torch.rand(4, 3, 64, 64, generator=generator).split(1)))


def compared(readout, a, b):
    return readout.compare(readout.encode(a), readout.encode(b))


def local_mean(x):
    """The mean of the 3x3 places around each, of those that exist: in numbers, place by place."""
    out = torch.empty_like(x)
    for row in range(x.shape[-2]):
        for column in range(x.shape[-1]):
            near = x[..., max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            out[..., row, column] = near.mean((-2, -1))
    return out


def test_the_default_is_its_formula(readout, network):
    """Written a second time, straight from the docstring."""
    images = torch.rand(2, 3, 32, 48, dtype=torch.float64)
    network, readout = network.double(), readout.double()
    grey = (0.299 * images[:, :1] + 0.587 * images[:, 1:2] + 0.114 * images[:, 2:]).expand(-1, 3, -1, -1)
    z = network.encoder(grey)
    z = (z - local_mean(z)) * readout.form
    v = local_mean(z.square().mean(1))
    e = local_mean((z[0] - z[1]).square().mean(0))
    blocks, grey_blocks = (torch.nn.functional.avg_pool2d(x, 8) for x in (images, grey))
    luma = dict(network.stages(grey_blocks))["gdn2"]
    chroma = dict(network.stages(blocks))["gdn2"] - luma
    colour = torch.cat([0.25 * luma * readout.luma, chroma * readout.chroma], 1)
    k = (colour[0] - colour[1]).square().mean().sqrt()
    m = torch.minimum(v[0], v[1]) + 0.2
    expected = ((1 + e / m).log().mean() + 0.5 * k) / (1 + 10 / m).log().mean()
    actual = compared(readout, images[:1], images[1:])
    network.float(), readout.float()
    assert actual.item() == pytest.approx(expected.item(), rel=1e-9)


def test_the_default_does_not_grow_with_the_image(sample):
    metric = PerceptualDistance()
    image = as_batch(sample)
    noisy = (image + 0.05 * torch.randn_like(image)).clamp(0, 1)
    tiled = [x.tile(1, 1, 2, 2) for x in (image, noisy)]
    assert metric(*tiled).item() == pytest.approx(metric(image, noisy).item(), rel=0.05)  # but for the seams


def test_unrelated_images_are_about_1_apart(samples):
    cat, coffee = (as_batch(samples / f"{name}.png")[..., :256, :256] for name in ("cat", "coffee"))
    assert 0.4 < PerceptualDistance()(cat, coffee).item() < 1.5


@pytest.mark.parametrize(
    "change", [lambda x: x * 0.8, lambda x: x + 0.1, lambda x: x * torch.tensor([1, 1, 0.7]).view(3, 1, 1)]
)
def test_light_and_colour_alone_count(change):
    image = torch.rand(1, 3, 64, 64) * 0.2 + 0.4
    flat = torch.full_like(image, 0.5)
    for x in (image, flat):
        assert PerceptualDistance()(x, change(x)).item() > 0.005


def test_masking_hides_an_error_in_texture():
    metric = PerceptualDistance()
    image = torch.full((1, 3, 64, 128), 0.5)
    image[..., :64] += 0.2 * torch.randn(64, 64).clamp(-2, 2)
    distance_map = metric.map(image, image + 0.02 * torch.randn(64, 128))
    assert distance_map[..., :48].mean() < 0.5 * distance_map[..., 80:].mean()


def test_statistics_are_in_the_units_of_the_readout(network):
    photographs = torch.rand(3, 3, 64, 64).split(1)
    readout = Default(network, natural_statistics(network, photographs))
    form = torch.cat([readout.encode(image)[0] for image in photographs])
    colour = torch.cat([readout.encode(image)[2] for image in photographs]).transpose(0, 1).flatten(1)
    assert form.square().mean().item() == pytest.approx(1, rel=1e-4)
    assert colour[:3].var(1).mean().item() == pytest.approx(0.25**2, rel=1e-4)
    assert colour[3:].var(1).mean().item() == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("other", None, None), ValueError, "readout: found 'other', expected 'default' or 'paper'"),
        (("default", "gdn4", None), ValueError, "stage: found 'gdn4', expected none with the default readout"),
        (("paper", "gdn5", None), ValueError, "stage: found 'gdn5', expected one of input"),
        (("default", None, None), InputError, "statistics: found None, expected the positive form, luma, chroma"),
        (("default", None, {"form": 1.0, "luma": 1.0, "chroma": 0.0}), InputError, "statistics: found"),
    ],
)
def test_what_cannot_be_built_is_named(arguments, error, message, network):
    name, stage, statistics = arguments
    with pytest.raises(error, match=message):
        build(name, network, stage, statistics)
