"""benchmarks/tid2013.py, on a made-up set."""

import importlib.util
import json
from pathlib import Path

import pytest

from perceptmetric.benchmarks.agreement import evaluation, scoring, statistics

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "tid2013.py"


@pytest.fixture
def script(dataset, tmp_path, monkeypatch, piq, matplotlib):
    spec = importlib.util.spec_from_file_location("tid2013_script", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(statistics, "RESAMPLES", 20)
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(module, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(module, "NAMES", ("psnr", "vifp"))  # the images are too small for VIFp
    monkeypatch.setattr(module, "DEFAULT", "untrained")
    monkeypatch.setattr(module, "bundled_names", lambda: ["reconstruct"])
    monkeypatch.setattr(module, "tid2013", lambda root: dataset)
    monkeypatch.setattr("sys.argv", ["tid2013.py", "--root", "nowhere"])
    return module


def scored(script, monkeypatch):
    """What a run scores."""
    names = []

    def counted(data, metric):
        names.append(metric.name)
        return scoring.score(data, metric)

    for module in (script, evaluation):
        monkeypatch.setattr(module, "score", counted)
    script.main()
    return names


def test_everything_is_scored_once_and_again_when_it_changed(script, tmp_path, monkeypatch):
    folder = tmp_path / "results" / "made-up"
    monkeypatch.setattr(script, "draw", lambda *_: None)
    assert scored(script, monkeypatch) == ["perceptmetric"] * 4 + ["psnr", "vifp"]
    assert scored(script, monkeypatch) == ["vifp"]  # it may run another time
    path = folder / "reconstruct.json"
    path.write_text(path.read_text().replace('"checkpoint_sha256": "', '"checkpoint_sha256": "0'))
    assert scored(script, monkeypatch) == ["perceptmetric", "vifp"]
    assert len(json.loads(path.read_text())["checkpoint_sha256"]) == 64


def test_the_tables_hold_every_metric(script, dataset, tmp_path):
    script.main()
    folder = tmp_path / "results" / "made-up"
    text = (folder / "README.md").read_text()
    assert text.startswith("# made up\n\n20 pairs, opinions MOS.")
    for name in ("`untrained`, default", "`untrained`, paper", "`reconstruct`, default", "psnr"):
        assert f"\n| {name} | " in text
    assert "\nvifp: not run: " in text
    psnr = json.loads((folder / "peers" / "psnr.json").read_text())["results"][0]
    assert f"| psnr | {psnr['srocc']:.4f} | " in text
    stages = json.loads((folder / "untrained.json").read_text())["results"]
    assert f"\n| conv2 | {stages[5]['srocc']:.4f} | " in text
    figures = tmp_path / "figures" / "made-up"
    assert sorted(path.name for path in figures.iterdir()) == ["scatter.png", "types.png"]
    assert "](../../figures/made-up/types.png)" in text
    again = script.row(dataset, "psnr", "", script.read_distances(folder, "psnr")).agreement
    assert again.srocc == pytest.approx(psnr["srocc"])
