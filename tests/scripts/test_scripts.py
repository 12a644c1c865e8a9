"""benchmarks/training_speed.py, training/study/filters.py, training/bundle.py, training/study/rmse.py and training/study/fine_detail.py."""

import csv
import importlib.util
import re
from pathlib import Path

import pytest
import torch
from PIL import Image

from perceptmetric import Autoencoder, checkpoints

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
    script(ROOT / "benchmarks" / "training_speed.py").main()
    lines = capsys.readouterr().out.splitlines()
    assert f"{threads} threads, float32, soap, batches of 2 crops of 16x16" in lines[0]
    pattern = r"(best|median) round +training +([\d.]+) crops/s = +([\d.]+) GFLOP/s, matrix products +([\d.]+) GFLOP/s"
    for line in lines[1:]:
        _, crops, training, products = re.match(pattern, line).groups()
        # Each multiplication and addition of the convolutions, once forward and at most twice backward.
        forward = 2 * (2 * 256 * 9 + 2 * 64 * 450 + 2 * 16 * 19_200 + 2 * 16 * 16_384)
        assert 2 * forward < float(training) * 1e9 / float(crops) < 3.5 * forward
        assert float(products) > 0


def test_the_filters_of_a_checkpoint_are_drawn(monkeypatch, tmp_path, capsys):
    module = script(ROOT / "training" / "study" / "filters.py")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr("sys.argv", ["filters.py", "untrained"])
    module.main()
    assert capsys.readouterr().out.endswith("cosine with the random start 1.00, silent units 0\n")
    with Image.open(tmp_path / "filters-untrained.png") as drawn:
        assert drawn.size == (16 * 30 * 2, 8 * 30 * 2)


def test_smooth_filters_are_told_from_noise():
    module = script(ROOT / "training" / "study" / "filters.py")
    noise = torch.randn(128, 6, 5, 5)
    assert module.smoothness(noise) == pytest.approx(0, abs=0.05)
    ramp = torch.arange(5.0).expand(128, 6, 5, 5)
    assert module.smoothness(ramp) > 0.8


def test_a_run_becomes_a_bundled_checkpoint_of_half_the_size(tmp_path):
    network, run = Autoencoder(), tmp_path / "denoise-0.2-seed0"
    checkpoints.save(network, {"objective": {"name": "denoise", "sigma": 0.2}}, run)
    (run / "curve.csv").write_text("step\n1\n")
    (tmp_path / "training" / "results").mkdir(parents=True)
    script(ROOT / "training" / "bundle.py").bundle("denoise", run, tmp_path)
    bundled, config = checkpoints.load(tmp_path / "perceptmetric" / "weights" / "denoise")
    assert config["run"] == "denoise-0.2-seed0"
    torch.testing.assert_close(bundled.encoder.conv3.weight, network.encoder.conv3.weight, rtol=1e-3, atol=1e-6)
    sizes = [
        (folder / "model.safetensors").stat().st_size for folder in (run, tmp_path / "perceptmetric/weights/denoise")
    ]
    assert sizes[1] < 0.6 * sizes[0]
    assert (tmp_path / "training" / "results" / "denoise.csv").read_text() == "step\n1\n"


def test_the_error_of_rebuilt_images_by_both_measures():
    module = script(ROOT / "training" / "study" / "rmse.py")
    images = torch.zeros(2, 3, 4, 4, dtype=torch.uint8)
    images[1] = 255
    assert module.errors(lambda batch: batch, images) == (0, 0)
    assert module.errors(module.blocks, images) == (0, 0)
    assert module.errors(torch.zeros_like, images) == pytest.approx((0.5**0.5, 0.5))


def test_the_errors_of_every_reconstructing_run_are_in_the_table(tmp_path, monkeypatch):
    module = script(ROOT / "training" / "study" / "rmse.py")
    for name in ("reconstruct-seed0", "longer-reconstruct-seed1", "denoise-0.1-seed0"):
        checkpoints.save(checkpoints.untrained(0), {}, tmp_path / "checkpoints" / name)
    image = torch.arange(256 * 256 * 3, dtype=torch.float64).remainder(251).byte().reshape(256, 256, 3).numpy()
    for i in range(2):
        (tmp_path / "data").mkdir(exist_ok=True)
        Image.fromarray(image).save(tmp_path / "data" / f"{i}.png")
    monkeypatch.setattr(module, "CHECKPOINTS", tmp_path / "checkpoints")
    monkeypatch.setattr(module, "TABLE", tmp_path / "rmse.csv")
    monkeypatch.setattr("sys.argv", ["rmse.py", "--data", str(tmp_path / "data")])
    module.main()
    with (tmp_path / "rmse.csv").open(newline="") as file:
        blocks, untrained, *runs = csv.DictReader(file)
    assert (blocks["run"], untrained["run"]) == ("blocks", "untrained")
    assert [run["run"] for run in runs] == ["longer-reconstruct-seed1", "reconstruct-seed0"]
    # Photographs of the very size are not resized, and alike, so all four measures are one.
    assert len({run[key] for run in runs for key in run if key not in ("run", "weights_sha256")}) == 1
    assert 0 < float(blocks["bicubic_pooled"]) < float(runs[0]["bicubic_pooled"])


def test_fine_and_coarse_noise_differ_in_their_grain_alone():
    module = script(ROOT / "training" / "study" / "fine_detail.py")
    images = torch.zeros(1, 3, 64, 64)
    fine, coarse = (module.noise(images, size, torch.Generator().manual_seed(0)) for size in (1, 4))
    assert fine.norm() == pytest.approx(coarse.norm().item())
    assert module.fine_detail(torch.nn.Identity(), images) == pytest.approx(1, rel=1e-4)


def test_a_network_that_averages_sees_less_of_fine_noise():
    module = script(ROOT / "training" / "study" / "fine_detail.py")
    images = torch.rand(2, 3, 64, 64)
    assert module.fine_detail(torch.nn.AvgPool2d(4), images) < 0.5
    assert module.fine_detail(lambda batch: batch - torch.nn.functional.avg_pool2d(batch, 3, 1, 1), images) > 1.5
