"""benchmarks/gpu.sh, where there is no GPU."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="takes minutes on a GPU")
def test_the_dry_run_does_every_step():
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "METRICS": "perceptmetric"}
    done = subprocess.run(["benchmarks/gpu.sh"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert any(" passed" in line and "3 skipped" in line for line in lines)
    assert '"metric": "perceptmetric", "side": 192' in done.stdout
    assert "crops/s" in done.stdout
    assert lines[-2].startswith("2,")
