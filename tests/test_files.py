import csv

import pytest

from perceptmetric.files import replacing, write, write_rows


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "target"
    target.write_text("old")

    def write_half():
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        write_half()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_new_file_is_there_only_after_the_block(tmp_path):
    target = tmp_path / "target"
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    write(tmp_path / "results.json", "whole")
    assert (tmp_path / "results.json").read_text() == "whole"
    with pytest.raises(OSError, match="nowhere"):
        write(tmp_path / "nowhere" / "results.json", "")


def test_rows_are_read_back_by_csv(tmp_path):
    write_rows(
        tmp_path / "t.csv", [{"name": 'a "quoted", name', "score": 0.5}, {"name": "no score"}], ["name", "score"]
    )
    with (tmp_path / "t.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == [
            {"name": 'a "quoted", name', "score": "0.5"},
            {"name": "no score", "score": ""},
        ]


def test_a_row_with_a_key_that_is_no_column_leaves_the_old_table(tmp_path):
    (tmp_path / "t.csv").write_text("old")
    with pytest.raises(ValueError, match="srocc"):
        write_rows(tmp_path / "t.csv", [{"name": "a", "srocc": 1}], ["name"])
    assert (tmp_path / "t.csv").read_text() == "old"
