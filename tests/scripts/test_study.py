"""training/study/study.py, on runs and a database that are made up."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from perceptmetric import checkpoints
from perceptmetric.benchmarks.datasets import tid2013
from perceptmetric.perceptnet import STAGES
from perceptmetric.training.objectives import Denoise, Reconstruct
from perceptmetric.training.recipe import Recipe
from perceptmetric.training.trainer import Trainer

SCRIPT = Path(__file__).parents[2] / "training" / "study" / "study.py"


@pytest.fixture
def study(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("study_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "study_script", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(module, "FIGURES", tmp_path / "results")
    return module


def train(photographs, out, objective, steps=4, seed=0):
    recipe = Recipe(objective, steps=steps, batch=2, crop=32, validation_images=2, validate_every=2, seed=seed)
    Trainer(recipe, photographs, out, torch.device("cpu")).run()


@pytest.fixture
def runs(photographs, tmp_path):
    folder = tmp_path / "runs"
    train(photographs, folder / "reconstruct-seed0", Reconstruct())
    train(photographs, folder / "denoise-0.1-seed0", Denoise(0.1))
    train(photographs, folder / "denoise-0.1-seed1", Denoise(0.1), seed=1)
    train(photographs, folder / "longer-denoise-0.1-seed0", Denoise(0.1), steps=6)
    unfinished = folder / "denoise-0.4-seed0"
    train(photographs, unfinished, Denoise(0.4), steps=2)
    config = json.loads((unfinished / "config.json").read_text())
    config["training"]["steps"] = 4
    (unfinished / "config.json").write_text(json.dumps(config))
    (folder / "empty").mkdir()
    return folder


@pytest.fixture
def scores(study, monkeypatch):
    """Scoring counts how often it is asked, and ranks every pair as people do at the stages from gdn4 on."""
    asked = []

    def score(dataset, metric):
        asked.append(metric.name)
        distances = np.tile(-dataset.quality, (len(STAGES), 1))
        distances[: STAGES.index("gdn4")] = np.arange(len(dataset.pairs)) % 7
        return distances

    monkeypatch.setattr(study, "score", score)
    return asked


def run(study, monkeypatch, *options):
    monkeypatch.setattr("sys.argv", ["study.py", *map(str, options)])
    study.main()


def test_finished_runs_are_scored_once_and_drawn(study, runs, scores, tid2013_root, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    run(study, monkeypatch, "--runs", runs, "--root", tid2013_root)
    rows = study.read_table(tmp_path / "results")
    assert [row["run"] for row in rows] == [
        "untrained", "reconstruct-seed0", "denoise-0.1-seed0", "denoise-0.1-seed1", "longer-denoise-0.1-seed0",
    ]  # fmt: skip
    assert [row["setting"] for row in rows] == ["", "", "", "", "longer"]
    assert len(scores) == 5
    for row in rows:
        assert row["gdn4"] == "1.0000"
        assert abs(float(row["conv3"])) < 0.5
        assert (row["dataset"], row["pairs"]) == ("TID2013", "3000")
    for row in rows[1:-1]:
        config = json.loads((runs / row["run"] / "config.json").read_text())
        assert float(row["rmse"]) == pytest.approx(config["validation_error"] ** 0.5, rel=1e-3)
        assert (row["steps"], row["images"], row["seed"]) == ("4", "8", str(config["seed"]))
        assert row["parameter"] == ("0.1" if row["objective"] == "denoise" else "")
    for name in ("figure1.png", "figure2.png"):
        assert (tmp_path / "results" / name).stat().st_size > 10_000
    run(study, monkeypatch, "--runs", runs, "--root", tid2013_root)
    assert len(scores) == 5
    network, config = checkpoints.load(runs / "reconstruct-seed0")
    with torch.no_grad():
        network.encoder.conv3.bias.add_(1)
    checkpoints.save(network, config, runs / "reconstruct-seed0")
    run(study, monkeypatch, "--runs", runs, "--root", tid2013_root)
    assert len(scores) == 6
    run(study, monkeypatch)


def test_the_figures_show_the_table(study, runs, scores, tid2013_root, tmp_path):
    pytest.importorskip("matplotlib")
    study.score_all(tid2013(tid2013_root), [study.untrained(), *study.finished_runs(runs)], tmp_path / "results")
    rows = study.read_table(tmp_path / "results")
    for row, value in zip(rows, ("0.6", "0.7", "0.8", "0.9", "1"), strict=True):
        row["gdn4"] = value
    rows = study.of_the_study(rows)
    panels = study.figure1(rows).axes
    assert [axes.get_title() for axes in panels] == ["denoise", "deblur", "sparse"]
    line, baseline = panels[0].lines[0], panels[0].lines[-1]
    assert line.get_ydata() == pytest.approx([0.7, 0.8])
    assert set(baseline.get_ydata()) == {0.6}
    assert [label.get_text() for label in panels[0].get_xticklabels()] == ["0", "0.1"]
    _, _, (bars,) = panels[0].containers[0]
    assert bars.get_segments()[0][:, 1] == pytest.approx([0.85 - 0.005**0.5, 0.85 + 0.005**0.5])
    axes = study.figure2(rows).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["untrained", "reconstruct", "denoise 0.1"]
    assert [label.get_text() for label in axes.get_xticklabels()] == list(STAGES)
    assert "TID2013" in axes.get_ylabel()


def test_scoring_is_the_benchmarks(study, tid2013_root, tmp_path):
    dataset = tid2013(tid2013_root)
    small = type(dataset)(**{**vars(dataset), "pairs": dataset.pairs[:40]})
    study.score_all(small, [study.untrained()], tmp_path)
    (row,) = study.read_table(tmp_path)
    assert float(row["input"]) > 0.9
    assert row["pairs"] == "40"
