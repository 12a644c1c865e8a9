import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from perceptmetric import PerceptualDistance, distance
from perceptmetric.cli import main

COMMAND = str(Path(sys.executable).with_name("perceptmetric"))


def test_the_command_prints_what_the_function_returns(samples):
    paths = [str(samples / name) for name in ("cat.png", "cat-jpeg.jpg", "coffee.png")]
    result = subprocess.run([COMMAND, *paths], capture_output=True, text=True, check=True)
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert result.stderr == ""
    assert [path for _, path in lines] == paths[1:]
    for value, path in lines:
        assert float(value) == pytest.approx(distance(paths[0], path), abs=1e-6)


def test_a_checkpoint_may_be_named(samples, capsys):
    paths = [str(samples / name) for name in ("cat.png", "cat-jpeg.jpg")]
    assert main([*paths, "--checkpoint", "reconstruct"]) == 0
    expected = PerceptualDistance.from_pretrained("reconstruct")(*paths).item()
    assert float(capsys.readouterr().out.split()[0]) == pytest.approx(expected, abs=1e-6)


@pytest.fixture
def bad(tmp_path, samples):
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "truncated.png").write_bytes((samples / "cat.png").read_bytes()[:9999])
    (tmp_path / "folder.png").mkdir()
    Image.new("RGB", (3, 3)).save(tmp_path / "small.png")
    Image.new("RGB", (100, 100)).save(tmp_path / "size.png")
    Image.new("I;16", (384, 256)).save(tmp_path / "deep.png")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("missing.png", "no such file"),
        ("folder.png", "no such file"),
        ("text.png", "not an image that Pillow can read"),
        ("truncated.png", "cannot be read (image file is truncated"),
        ("size.png", "found 100x100 pixels, expected 384x256"),
        ("small.png", "found 3x3 pixels, expected at least 4 a side"),
        ("deep.png", "found Pillow mode 'I;16', expected 8 bits a channel"),
    ],
)
def test_bad_input_is_one_line_that_names_it(name, problem, bad, samples, capsys):
    assert main([str(samples / "cat.png"), str(bad / name)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"perceptmetric: {bad / name}: {problem}")
    assert captured.err.count("\n") == 1


def test_an_unknown_checkpoint_is_named(samples, capsys):
    assert main([str(samples / "cat.png"), str(samples / "cat.png"), "--checkpoint", "nonesuch"]) == 2
    assert capsys.readouterr().err.startswith("perceptmetric: checkpoint nonesuch: found neither")


def test_no_traceback_from_the_process(bad, samples):
    result = subprocess.run(
        [COMMAND, str(samples / "cat.png"), str(bad / "truncated.png")], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr


def test_the_import_pulls_in_nothing_heavy_beyond_torch():
    heavy = ["scipy", "requests", "matplotlib", "perceptmetric.training", "perceptmetric.benchmarks"]
    program = f"import perceptmetric, sys; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
