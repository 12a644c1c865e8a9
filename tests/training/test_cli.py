import json

import pytest

from perceptmetric.training.cli import main

RECIPE = """
steps = 4
batch = 2
crop = 32
validation_images = 2
validate_every = 2
[objective]
name = "sparse"
weight = 0.01
"""


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


def test_it_trains_with_a_progress_bar(recipe, photographs, tmp_path, capfd):
    assert main([str(recipe), "--data", str(photographs), "--out", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "config.json", "curve.csv", "model.safetensors", "state.safetensors",
    ]  # fmt: skip
    assert json.loads((tmp_path / "out" / "config.json").read_text())["recipe"] == "recipe"
    progress = capfd.readouterr().err
    assert "4/4" in progress
    assert "loss=" in progress


def test_bad_input_is_one_line(recipe, photographs, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    for arguments, problem in (
        ([str(tmp_path / "none.toml"), "--data", str(photographs)], "none.toml: no such file"),
        ([str(recipe), "--data", str(tmp_path / "nowhere")], "nowhere: no such folder"),
    ):
        assert main([*arguments, *out]) == 2
        error = capsys.readouterr().err
        assert error.startswith("perceptmetric-train: ")
        assert problem in error
        assert error.count("\n") == 1


def test_no_usable_photograph_is_one_line(recipe, tmp_path, capsys):
    root = tmp_path / "photographs"
    root.mkdir()
    for number in range(3):
        (root / f"{number}.png").write_text("hello")
    assert main([str(recipe), "--data", str(root), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "1.png: not an image that Pillow can read; found no photograph among 2 to validate on\n" in error


def test_a_run_that_diverges_is_one_line_and_1(recipe, photographs, tmp_path, capsys):
    recipe.write_text("learning_rate = 1e30\n" + RECIPE)
    assert main([str(recipe), "--data", str(photographs), "--out", str(tmp_path / "out")]) == 1
    assert "perceptmetric-train: step 2: loss" in capsys.readouterr().err
