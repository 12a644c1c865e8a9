import hashlib

import pytest
import torch

from perceptmetric import PerceptualDistance
from perceptmetric.benchmarks.metrics.metric import staged
from perceptmetric.checkpoints import bundled_names, fingerprint, load, save, untrained
from perceptmetric.perceptnet import STAGES


def test_every_stage_gives_what_the_module_gives():
    network, _ = load("untrained")
    a, b = torch.rand(2, 1, 3, 20, 28)
    metric = staged(network, STAGES)
    assert metric.stages == STAGES
    expected = [PerceptualDistance(network, readout="paper", stage=stage)(a, b).item() for stage in STAGES]
    assert metric.against(a)(b) == pytest.approx(expected, rel=1e-5)


def test_one_stage_runs_no_further():
    network, _ = load("untrained")
    network.decoder = None
    image = torch.rand(1, 3, 16, 16)
    assert staged(network).against(image)(image) == [0]


def test_a_reference_is_encoded_once(monkeypatch):
    network, _ = load("untrained")
    seen = []
    network.encoder.conv3.register_forward_hook(lambda *_: seen.append(1))
    compare = staged(network).against(torch.rand(1, 3, 16, 16))
    for _ in range(3):
        compare(torch.rand(1, 3, 16, 16))
    assert len(seen) == 4


@pytest.mark.parametrize("name", bundled_names())
def test_the_fingerprint_is_that_of_a_weights_file_of_single_precision(name, tmp_path):
    network = load(name)[0]
    save(network, {}, tmp_path)
    assert fingerprint(network) == hashlib.sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest()


def test_the_fingerprint_survives_saving_and_tells_weights_apart(tmp_path):
    network = untrained(seed=1)
    save(network, {}, tmp_path)
    assert fingerprint(load(tmp_path)[0]) == fingerprint(network)
    assert fingerprint(network) != fingerprint(untrained(seed=2))
