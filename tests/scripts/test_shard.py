"""benchmarks/shard.sh."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from perceptmetric.tables import read_rows

ROOT = Path(__file__).parents[2]


def shard(*arguments, folder):
    # The command of this checkout, whatever is installed.
    program = folder / "perceptmetric"
    program.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "from perceptmetric.cli.main import main; exit(main())" "$@"\n'
    )
    program.chmod(0o755)
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    command = [ROOT / "benchmarks" / "shard.sh", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_parts_of_a_manifest_are_all_of_its_pairs(dataset, tmp_path):
    pairs = [(str(pair.reference), str(pair.distorted)) for pair in dataset.pairs]
    manifest = tmp_path / "pairs.tsv"
    manifest.write_text("".join(f"{reference}\t{distorted}\n" for reference, distorted in pairs))
    rows = []
    for part in (1, 2):
        done = shard(manifest, part, 2, tmp_path / f"{part}.csv", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        rows.append(read_rows(tmp_path / f"{part}.csv"))
        assert rows[-1]
    assert [(row["reference"], row["distorted"]) for row in rows[0] + rows[1]] == pairs


def test_a_missing_manifest_and_a_missing_argument_are_one_line_and_2(tmp_path):
    done = shard(tmp_path / "none.tsv", 1, 2, tmp_path / "out.csv", folder=tmp_path)
    assert (done.returncode, done.stderr) == (2, f"shard.sh: {tmp_path}/none.tsv: cannot be read\n")
    assert shard(tmp_path / "none.tsv", folder=tmp_path).returncode == 2
