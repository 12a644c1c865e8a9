"""benchmarks/training.py and docs/filters.py."""

import importlib.util
import re
from pathlib import Path

import pytest
import torch
from PIL import Image

ROOT = Path(__file__).parents[2]


def script(path):
    spec = importlib.util.spec_from_file_location(f"{path.stem}_script", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_benchmark_prints_both_rates(monkeypatch, capsys):
    threads = str(torch.get_num_threads())
    options = ["--threads", threads, "--batch", "2", "--crop", "16", "--rounds", "1"]
    monkeypatch.setattr("sys.argv", ["training.py", *options])
    script(ROOT / "benchmarks" / "training.py").main()
    lines = capsys.readouterr().out.splitlines()
    assert f"{threads} threads, float32, batches of 2 crops of 16x16" in lines[0]
    pattern = r"(best|median) round +training +(\d+) crops/s = +([\d.]+) GFLOP/s, matrix products +([\d.]+) GFLOP/s"
    for line in lines[1:]:
        _, crops, training, products = re.match(pattern, line).groups()
        # Each multiplication and addition of the convolutions, once forward and at most twice backward.
        forward = 2 * (2 * 256 * 9 + 2 * 64 * 450 + 2 * 16 * 19_200 + 2 * 16 * 16_384)
        assert 2 * forward < float(training) * 1e9 / int(crops) < 3.5 * forward
        assert float(products) > 0


def test_the_filters_of_a_checkpoint_are_drawn(monkeypatch, tmp_path, capsys):
    module = script(ROOT / "docs" / "filters.py")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["filters.py", "untrained"])
    module.main()
    assert capsys.readouterr().out.endswith("cosine with the random start 1.00\n")
    with Image.open(tmp_path / "filters-untrained.png") as drawn:
        assert drawn.size == (16 * 30 * 2, 8 * 30 * 2)


def test_smooth_filters_are_told_from_noise():
    module = script(ROOT / "docs" / "filters.py")
    noise = torch.randn(128, 6, 5, 5)
    assert module.smoothness(noise) == pytest.approx(0, abs=0.05)
    ramp = torch.arange(5.0).expand(128, 6, 5, 5)
    assert module.smoothness(ramp) > 0.8
