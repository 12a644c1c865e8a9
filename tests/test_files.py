import pytest

from perceptmetric.files import replacing, write


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
