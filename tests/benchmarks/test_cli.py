import json

import pytest

from perceptmetric.benchmarks.cli import main
from perceptmetric.perceptnet import STAGES


def test_tid2013_prints_the_default_with_a_progress_bar(tid2013_root, tmp_path, capfd):
    path = tmp_path / "results.json"
    assert main(["tid2013", "--root", str(tid2013_root), "--json", str(path)]) == 0
    captured = capfd.readouterr()
    assert captured.out.startswith("TID2013, 3000 pairs, checkpoint denoise-0.1, readout paper\n")
    assert captured.out.splitlines()[2].startswith("gdn4")
    assert "3000/3000" in captured.err
    (result,) = json.loads(path.read_text())["results"]
    # In the made-up set more noise always means a lower score.
    assert result["srocc"] > 0.95


@pytest.mark.slow
def test_layers_gives_all_19_stages(tid2013_root, capsys):
    assert main(["tid2013", "--root", str(tid2013_root), "--layers", "--checkpoint", "untrained"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]] == list(STAGES)


def test_bad_input_is_one_line(tid2013_root, tmp_path, capsys):
    for arguments, problem in (
        (["--root", str(tmp_path)], "mos_with_names.txt: no such file"),
        (["--root", str(tid2013_root), "--checkpoint", "nonesuch"], "checkpoint nonesuch: found neither"),
        (["--root", str(tid2013_root), "--json", str(tmp_path / "no" / "x.json")], "x.json: no such folder to write"),
    ):
        assert main(["tid2013", *arguments]) == 2
        error = capsys.readouterr().err
        assert error.startswith("perceptmetric-bench: ")
        assert problem in error
        assert error.count("\n") == 1
