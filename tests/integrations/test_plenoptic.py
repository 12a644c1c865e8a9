"""plenoptic takes the metric and the network as they are: its own validators and two of its syntheses."""

import pytest
import torch

from perceptmetric import PerceptualDistance
from perceptmetric.images import as_batch

plenoptic = pytest.importorskip("plenoptic")


def error(a, b):
    """plenoptic's own is one number for each channel."""
    return plenoptic.metric.mse(a, b).mean()


def model(stage="gdn4"):
    """The layers up to a stage. plenoptic flattens what they give, so their memory must run in order."""
    return PerceptualDistance(readout="paper", stage=stage).readout.layers.to(memory_format=torch.contiguous_format)


@pytest.fixture
def image(samples):
    return as_batch(samples / "cat.png")[..., 100:116, 150:166].contiguous()


def test_it_is_a_plenoptic_metric():
    for check in (True, False):
        plenoptic.validate.validate_metric(PerceptualDistance(check=check), image_shape=(1, 3, 16, 16))


@pytest.mark.parametrize("stage", ["gdn1", "conv2", "gdn4", "igdn4"])
def test_its_layers_are_a_plenoptic_model(stage):
    plenoptic.validate.validate_model(model(stage), image_shape=(1, 3, 16, 16))


def test_a_mad_competition_holds_the_error_and_raises_the_distance(image):
    metric = PerceptualDistance(check=False)
    competition = plenoptic.MADCompetition(image, metric, error, "max", metric_tradeoff_lambda=1e6)
    competition.setup(initial_noise=0.05, optimizer_kwargs={"lr": 0.002})
    competition.synthesize(max_iter=40)
    before, after = competition.initial_image, competition.mad_image
    assert metric(image, after) > 1.1 * metric(image, before)
    assert error(image, after).item() == pytest.approx(error(image, before).item(), rel=0.2)


def test_an_eigendistortion_changes_the_response_more_than_noise_of_its_size(image):
    distortion = plenoptic.Eigendistortion(image, model())
    distortion.synthesize(method="power", k=1, max_iter=20)
    responses = []
    for direction in (distortion.eigendistortions[:1], torch.randn_like(image)):
        step = 0.01 * direction / direction.norm()
        responses.append((model()(image + step) - model()(image)).norm().item())
    assert responses[0] > 2 * responses[1]
