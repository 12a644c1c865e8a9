import time

import pytest
import torch

from perceptmetric.benchmarks.speed import costs as module
from perceptmetric.benchmarks.speed.costs import (
    LARGE_PAIR,
    LOSS,
    PAIR,
    PRODUCT,
    VGG_LOSS,
    Cost,
    VGG16Loss,
    costs,
    operations,
    table,
)
from perceptmetric.checkpoints import load
from perceptmetric.fast.layers import run

pytestmark = pytest.mark.xdist_group("measured")


@pytest.fixture
def small(monkeypatch):
    for name, value in {"HEIGHT": 32, "WIDTH": 48, "BATCHES": (1, 2), "REPETITIONS": 1, "MATRIX": 64}.items():
        monkeypatch.setattr(module, name, value)


def test_the_unit_is_an_encoder_pair(small, monkeypatch):
    peaks = {LOSS: 5, VGG_LOSS: 50, LARGE_PAIR: 7}
    monkeypatch.setattr(module.memory, "measured", lambda _, name, checkpoint: peaks[name])
    rows = {row.name: row for row in costs(["gmsd"], "untrained")}
    assert rows[PAIR].pairs == 1
    assert rows[PRODUCT].matrix_share == pytest.approx(1)
    assert {name: row.peak_bytes for name, row in rows.items() if row.peak_bytes} == peaks
    assert rows[VGG_LOSS].pairs > rows[PAIR].pairs


def test_operations_are_those_of_the_plain_layers():
    encoder = load("untrained")[0].encoder.requires_grad_(False)
    images = torch.rand(1, 3, 32, 48)
    halves = 2 * 32 // 2 * 48 // 2 * 25 * 3 * 6
    quarters = 2 * 32 // 4 * 48 // 4 * (25 * 6 * 128 + 128 * 128)
    with torch.no_grad():
        assert operations(lambda: run(encoder, images)) == pytest.approx(halves + quarters, rel=0.05)
        assert operations(lambda: encoder(images)) == pytest.approx(halves + quarters, rel=0.05)


def test_work_is_measured_in_processor_time():
    def busy():
        end = time.process_time() + 0.02
        while time.process_time() < end:
            pass

    found = module.interleaved({"idle": lambda: time.sleep(0.05), "busy": busy}, 3)
    assert found["idle"] < 0.01 < found["busy"]


def test_the_vgg16_trunk_has_its_published_size():
    loss = VGG16Loss()
    assert sum(weights.numel() for weights in loss.parameters()) == 14_714_688
    output = torch.rand(1, 3, 32, 32, requires_grad=True)
    loss(output, torch.rand(1, 3, 32, 32)).backward()
    assert output.grad.abs().sum() > 0


def test_the_table_shows_what_was_measured():
    lines = table([Cost("a", 1.0, 0.5, 2**20), Cost("b", None)]).splitlines()
    assert lines[1].split() == ["a", "1.00", "50.0%", "1"]
    assert lines[2].split() == ["b", "-", "-", "-"]
