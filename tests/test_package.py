"""What comes with the package as a whole: its import, its types, its papers."""

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from perceptmetric import __version__

ROOT = Path(__file__).parents[1]


def python(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_the_import_pulls_in_nothing_heavy_beyond_torch():
    heavy = [
        "scipy", "requests", "matplotlib", "huggingface_hub", "torchvision",
        "perceptmetric.training", "perceptmetric.benchmarks",
    ]  # fmt: skip
    program = f"import perceptmetric, sys; print([name for name in {heavy} if name in sys.modules])"
    assert python(program) == "[]\n"


@pytest.mark.xdist_group("measured")
def test_the_import_takes_under_three_tenths_of_a_second_beyond_torchs_own():
    program = (
        "import time, torch, numpy; start = time.process_time(); import perceptmetric; "
        "print(time.process_time() - start)"
    )
    assert min(float(python(program)) for _ in range(3)) < 0.3


def test_the_types_are_announced():
    assert (files("perceptmetric") / "py.typed").is_file()


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == __version__
    assert citation["preferred-citation"]["identifiers"][0]["value"] == "arXiv:2508.10450"
