"""training/study/reproduce.py: the tables of docs/explanation/study.md are the committed results."""

import importlib.util
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "explanation" / "study.md"


@pytest.fixture
def reproduce(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("reproduce_script", ROOT / "training" / "study" / "reproduce.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shutil.copytree(module.RESULTS, tmp_path / "results")
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")
    return module


def test_the_page_holds_the_results_as_they_are(reproduce):
    page = PAGE.read_text(encoding="utf-8")
    assert reproduce.filled(page) == page


def test_a_score_that_changes_changes_the_page(reproduce):
    study = reproduce.RESULTS / "study.csv"
    reconstruct = next(row for row in reproduce.read("study.csv") if row["run"] == "reconstruct-seed0")
    study.write_text(study.read_text().replace(f",{reconstruct['gdn4']},", ",0.9876,"))
    page = PAGE.read_text(encoding="utf-8")
    assert len(re.findall(r"\b0\.988\b", reproduce.filled(page))) > page.count("0.988") + 3


def test_scores_on_blurred_images_of_other_weights_are_refused(reproduce):
    study = reproduce.RESULTS / "study.csv"
    deblur = next(row for row in reproduce.read("study.csv") if row["objective"] == "deblur")
    study.write_text(study.read_text().replace(deblur["weights_sha256"], 64 * "0"))
    with pytest.raises(ValueError, match=r"blurred\.csv: deblur-.*other weights"):
        reproduce.filled(PAGE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["rmse.csv", "fine_detail.csv"])
def test_measures_of_other_weights_are_refused(name, reproduce):
    table = reproduce.RESULTS / name
    run = reproduce.read(name)[-1]
    table.write_text(table.read_text().replace(run["weights_sha256"], 64 * "0"))
    with pytest.raises(ValueError, match=rf"{re.escape(name)}: {run['run']}: .*other weights"):
        reproduce.filled(PAGE.read_text(encoding="utf-8"))
