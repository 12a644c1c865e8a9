import ctypes
import json

import pytest
import torch

from perceptmetric import InputError
from perceptmetric.benchmarks.metrics.metric import Metric, staged
from perceptmetric.benchmarks.speed import speed as module
from perceptmetric.benchmarks.speed.speed import Speed, SpeedReport, main, measure, speed
from perceptmetric.checkpoints import load

pytestmark = pytest.mark.xdist_group("measured")


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(module, "SECONDS", 0)
    monkeypatch.setattr(module, "MATRIX", 64)


def test_operations_are_those_of_the_network(short, monkeypatch):
    monkeypatch.setattr(module, "_matrix_rate", lambda device: 1.0)
    (row,) = measure(staged(load("untrained")[0]), "cpu", [32])
    # Per pair: two encodings; conv1 at 32x32, conv2 at 16x16, conv3 at 8x8, and the 1x1 sums of the GDN layers.
    convolutions = 32**2 * 9 + 16**2 * 25 * 18 + 8**2 * 25 * 6 * 128
    assert row.matrix_share / row.pairs_per_second > 2 * 2 * convolutions
    assert row.matrix_share / row.pairs_per_second < 2 * 2 * convolutions * 2


def test_memory_is_what_the_metric_held(short):
    held = 64 * 2**20
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)  # what this process has kept of earlier tests' memory would be used again, and not count

    def against(reference):
        return lambda distorted: [torch.ones(held // 4).sum().item()]

    (row,) = measure(Metric("greedy", ("",), against), "cpu", [32])
    assert row.peak_bytes is None or 0.9 * held < row.peak_bytes < 1.5 * held


@pytest.mark.usefixtures("piq")
def test_the_process_of_one_metric_prints_json(short, capsys):
    assert main(["perceptmetric", "untrained", "cpu", "16", "32"]) == 0
    rows = [Speed(**row) for row in json.loads(capsys.readouterr().out)]
    assert [(row.metric, row.side) for row in rows] == [("perceptmetric", 16), ("perceptmetric", 32)]
    assert main(["vifp", "untrained", "cpu", "16"]) == 1
    assert capsys.readouterr().out.startswith("ValueError: Invalid size of the input images")


@pytest.mark.usefixtures("piq")
@pytest.mark.slow
def test_metrics_are_run_one_by_one_and_failures_reported():
    report = speed(["gmsd", "vifp", "own:nothing"], "untrained", "cpu", [16])
    assert [row.metric for row in report.rows] == ["perceptmetric", "gmsd"]
    assert report.not_run["vifp"].startswith("ValueError: Invalid size")
    assert report.not_run["own:nothing"].startswith("cannot be imported")


def test_a_missing_device_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="--device: found no CUDA device"):
        speed([], "untrained", "cuda")


def test_the_table_shows_ratios_first():
    rows = [Speed("perceptmetric", 256, 20.0, 3 * 2**20, 0.25), Speed("ssim", 256, 5.0, None, 0.1)]
    report = SpeedReport("cpu", "some CPU", 2, "untrained", rows, {"lpips": "no weights"})
    head, _, columns, *lines = report.table().splitlines()
    assert head == "some CPU, 2 threads, checkpoint untrained, float32, one pair at a time"
    assert columns.split() == ["metric", "side", "speed", "to", "ours", "matrix", "share", "pairs/s", "peak", "MiB"]
    assert [line.split() for line in lines[:2]] == [
        ["perceptmetric", "256", "1.00", "25.0%", "20.00", "3"],
        ["ssim", "256", "0.25", "10.0%", "5.00", "-"],
    ]
    assert lines[2] == "lpips: not run: no weights"
    assert json.loads(report.json())["results"][1]["peak_bytes"] is None
