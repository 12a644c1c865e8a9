"""training/deblurring.py, on networks and a database that are made up."""

import csv
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from perceptmetric import PerceptualDistance, checkpoints
from perceptmetric.images import as_batch
from perceptmetric.training.objectives import Deblur

SCRIPT = Path(__file__).parents[2] / "training" / "deblurring.py"


@pytest.fixture
def deblurring(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("deblurring_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "CHECKPOINTS", tmp_path)
    monkeypatch.setattr(module, "TABLE", tmp_path / "results" / "deblurring.csv")
    return module


def test_every_run_meets_the_images_as_blurred_in_its_training(deblurring, samples):
    a, b = (as_batch(samples / name) for name in ("cat.png", "cat-jpeg.jpg"))
    metric = deblurring.on_blurred([checkpoints.load(name)[0] for name in ("deblur", "untrained")], 2)
    found = metric.against(a)(b)
    blurred = [Deblur(2).degrade(image, torch.Generator()) for image in (a, b)]
    for name, value in zip(("deblur", "untrained"), found, strict=True):
        expected = PerceptualDistance.from_pretrained(name, readout="paper", check=False)(*blurred)
        assert value == pytest.approx(expected.item(), rel=1e-4)
    assert len(metric.stages) == 2


def test_the_table_names_runs_weights_and_scores(deblurring, tid2013_root, tmp_path, monkeypatch):
    checkpoints.save(checkpoints.untrained(0), {"objective": {"name": "reconstruct"}}, tmp_path / "reconstruct-seed0")
    for seed, run in enumerate(
        ("deblur-2-seed0", "longer-deblur-1-seed0", "deblur-1-seed0", "deblur-1-seed1"), start=1
    ):
        config = {"objective": {"name": "deblur", "sigma": int(run[-7])}}
        checkpoints.save(checkpoints.untrained(seed), config, tmp_path / run)
    asked = []

    def score(dataset, metric):
        asked.append(metric.name)
        return np.stack([-dataset.quality, dataset.quality])

    monkeypatch.setattr(deblurring, "score", score)
    monkeypatch.setattr("sys.argv", ["deblurring.py", "--root", str(tid2013_root)])
    (tmp_path / "results").mkdir()
    deblurring.main()
    with deblurring.TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(asked) == ["blur 1", "blur 1", "blur 2"]
    assert [(row["run"], row["deblur"], row["reconstruct"]) for row in rows] == [
        ("deblur-1-seed0", "1.0000", "-1.0000"),
        ("longer-deblur-1-seed0", "1.0000", "-1.0000"),
        ("deblur-2-seed0", "1.0000", "-1.0000"),
    ]
    assert len({row["weights_sha256"] for row in rows} | {row["reconstruct_sha256"] for row in rows}) == 4
