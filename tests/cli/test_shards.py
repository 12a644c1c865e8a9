import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from perceptmetric.cli.main import main
from perceptmetric.cli.result import Result
from perceptmetric.cli.resumable import ResumableTable, read_lines, read_table
from perceptmetric.cli.shards import known_rows, merge_shards, shard_path

COMMAND = [sys.executable, "-c", "import sys; from perceptmetric.cli.main import main; sys.exit(main())"]
HEADER = "reference,distorted,denoise\n"


@pytest.fixture
def folders(tmp_path):
    """Two folders of tiny images."""
    generator = np.random.default_rng(0)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        for number in range(12):
            pixels = generator.integers(0, 256, (8, 8, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{number:03d}.png")
    return tmp_path / "a", tmp_path / "b"


@pytest.fixture
def ranks(folders, tmp_path, monkeypatch, capsys):
    """Runs the command once for each of several ranks, one after another; gives their exit codes and stderr."""

    def run(*arguments, ranks=3):
        monkeypatch.setenv("WORLD_SIZE", str(ranks))
        codes = []
        for rank in range(ranks):
            monkeypatch.setenv("RANK", str(rank))
            codes.append(main([*(arguments or map(str, folders)), "--out", str(tmp_path / "t.csv")]))
        return codes, capsys.readouterr().err

    return run


def listed(path):
    return [tuple(Path(cell).name for cell in row[:2]) for row in list(read_lines(path))[1:]]


def expected(*numbers):
    return [(f"{number:03d}.png", f"{number:03d}.png") for number in numbers]


def test_a_table_of_other_pairs_becomes_one_of_the_pairs_asked_for(ranks, folders, tmp_path):
    for folder in folders:
        (folder / "007.png").rename(folder / "hidden")
    codes, said = ranks()
    assert codes == [0, 0, 0]
    assert "t.csv: 7 of 11 pairs are to come from other processes" in said
    whole = list(range(12))
    whole.remove(7)
    assert listed(tmp_path / "t.csv") == expected(*whole)
    for folder in folders:
        (folder / "hidden").rename(folder / "007.png")
        (folder / "003.png").unlink()
        (folder / "005.png").unlink()
    codes, said = ranks()
    assert codes == [0, 0, 0]
    assert "t.csv: leaves out lines of pairs that were not asked for (2)" in said
    assert listed(tmp_path / "t.csv") == expected(0, 1, 2, 4, 6, 7, 8, 9, 10, 11)
    assert ranks() == ([0, 0, 0], "")


def test_a_list_with_a_pair_twice_gives_it_two_lines_also_when_resumed(ranks, folders, tmp_path, monkeypatch):
    names = [str(folders[0] / f"{number:03d}.png") for number in (0, 1, 2, 1, 1, 3, 0)]
    for _ in range(2):
        assert ranks(names[0], *names)[0] == [0, 0, 0]
        assert [row[1] for row in read_table(tmp_path / "t.csv", ["denoise"])] == names
        (tmp_path / "t.csv").unlink()


def test_a_pair_that_cannot_be_measured_is_in_the_table_and_the_last_process_says_so(ranks, folders, tmp_path):
    whole = (folders[1] / "004.png").read_bytes()
    (folders[1] / "004.png").write_bytes(b"")
    for _ in range(2):
        codes, said = ranks()
        assert codes[-1] == 2
        assert f"{folders[1]}/004.png: not an image" in said
        assert listed(tmp_path / "t.csv") == expected(*range(12))
        rows = read_table(tmp_path / "t.csv", ["denoise"])
        assert [row[1] for row in rows if not row[2]] == [f"{folders[1]}/004.png"]
    (folders[1] / "004.png").write_bytes(whole)
    assert ranks()[0][-1] == 0
    assert all(row[2] for row in read_table(tmp_path / "t.csv", ["denoise"]))


def test_a_process_that_is_not_the_last_ends_with_0_so_that_torchrun_lets_the_others_go_on(ranks, folders):
    (folders[1] / "000.png").write_bytes(b"")
    assert ranks()[0] == [0, 0, 2]


def test_unmatched_names_are_said_by_one_process(ranks, folders):
    (folders[1] / "000.png").unlink()
    codes, said = ranks()
    assert codes == [0, 0, 2]
    assert said.count("no counterpart of") == 1


def test_something_else_is_not_replaced_by_the_merged_table(ranks, tmp_path):
    (tmp_path / "t.csv").write_text("my notes\n")
    codes, said = ranks()
    assert codes == [2, 2, 2]
    assert "t.csv: found the columns my notes, expected reference,distorted,denoise" in said
    assert (tmp_path / "t.csv").read_text() == "my notes\n"


def test_distances_win_over_a_pair_that_could_not_be_measured(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(f"{HEADER}a,b,\nc,d,\n")
    shard_path(path, 0, 2).write_text(f"{HEADER}a,b,0.5\ne,f,\n")
    shard_path(path, 1, 2).write_text(f"{HEADER}a,b,\ne,f,0.25\ng,h,\n")
    rows = {pair: row[2] for pair, row in known_rows(path, 2, ["denoise"]).items()}
    assert rows == {("a", "b"): "0.5", ("e", "f"): "0.25", ("g", "h"): ""}


names = st.sampled_from("abcd")


@given(st.lists(st.lists(st.tuples(names, names)), min_size=1, max_size=4), st.lists(st.tuples(names, names)))
def test_the_merged_table_has_exactly_the_pairs_asked_for_or_says_what_is_missing(shards, asked_for):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        for rank, pairs in enumerate(shards):
            with ResumableTable(shard_path(path, rank, len(shards) + 1), ["x"]) as table:
                for pair in pairs:
                    table.append(Result(*pair, (0.5,)))
        missing = set(asked_for) - {pair for pairs in shards for pair in pairs}
        assert merge_shards(path, len(shards) + 1, asked_for, ["x"]).missing == len(missing)
        assert path.exists() == (not missing)
        if not missing:
            assert [(row[0], row[1]) for row in read_table(path, ["x"])] == asked_for


@pytest.mark.slow
def test_processes_killed_at_any_moment_while_the_pairs_change_give_exactly_the_pairs_asked_for(folders, tmp_path):
    path = tmp_path / "t.csv"
    chance = random.Random()  # noqa: S311
    hidden = set()
    for last in (False, False, True):
        for number in (chance.randrange(12) for _ in range(3)):
            for folder in folders:
                here, there = (folder / f"{number:03d}.png", folder / f".{number:03d}.png")
                (there.rename(here) if number in hidden else here.rename(there))
            hidden ^= {number}
        processes = [
            subprocess.Popen(
                [*COMMAND, *map(str, folders), "--out", str(path)],
                env={**os.environ, "RANK": str(rank), "WORLD_SIZE": "2"},
            )
            for rank in range(2)
        ]
        if not last:
            kill_at_some_line(processes, path, chance.randint(1, 8))
        codes = [process.wait() for process in processes]
    assert codes == [0, 0]
    assert listed(path) == expected(*sorted(set(range(12)) - hidden))
    assert all(row[2] for row in read_table(path, ["denoise"]))


def kill_at_some_line(processes, path, lines):
    """Kills the processes as soon as one of them has written so many lines, unless they end before."""
    shards = [shard_path(path, rank, 2) for rank in range(2)]
    before = [shard.read_bytes().count(b"\n") if shard.exists() else 0 for shard in shards]
    while any(process.poll() is None for process in processes):
        now = [shard.read_bytes().count(b"\n") if shard.exists() else 0 for shard in shards]
        if max(after - earlier for after, earlier in zip(now, before, strict=True)) >= lines:
            break
        time.sleep(0.002)
    for process in processes:
        process.send_signal(signal.SIGKILL)
