import pytest

from perceptmetric import InputError
from perceptmetric.benchmarks.datasets import own

TABLE = "reference,distorted,score,distortion\nr.png,deeper/a.png,3,blur\nr.png,b.png,4.5,noise\n"


@pytest.fixture
def root(tmp_path, image):
    for name in ("r.png", "deeper/a.png", "b.png"):
        image(tmp_path / "mine" / name)
    (tmp_path / "mine" / "scores.csv").write_text(TABLE)
    return tmp_path / "mine"


def test_a_table_is_read(root):
    dataset = own(root)
    assert (dataset.name, dataset.opinion) == ("mine", "MOS")
    assert [(pair.distorted.name, pair.score, pair.kind) for pair in dataset.pairs] == [
        ("a.png", 3, "blur"),
        ("b.png", 4.5, "noise"),
    ]
    assert own(root, opinion="DMOS").quality.tolist() == [-3, -4.5]


def test_types_may_be_left_out_and_a_byte_order_mark_is_no_matter(root):
    (root / "scores.csv").write_text("\ufeffdistorted, score, reference\nb.png, 2, r.png\n", encoding="utf-8")
    (pair,) = own(root).pairs
    assert (pair.score, pair.kind) == (2, "all")


def test_the_table_may_name_conditions_and_be_called_pairs(root):
    (root / "scores.csv").rename(root / "pairs.csv")
    text = "reference,distorted,score,condition\nr.png,deeper/a.png,3,strong blur\nr.png,b.png,4.5,weak blur\n"
    (root / "pairs.csv").write_text(text)
    assert own(root).conditions == ["strong blur", "weak blur"]
    (root / "scores.csv").write_text(TABLE)
    assert own(root).kinds == ["blur", "noise"]  # scores.csv goes first


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("reference,distorted\nr.png,b.png\n", r"scores\.csv: found no column 'score', expected reference,distorted"),
        ("reference,distorted,score\nr.png,b.png\n", r"scores\.csv: line 2: found other cells than the header's"),
        ("reference,distorted,score\nr.png,b.png,1,2\n", r"line 2: found other cells"),
        ("reference,distorted,score\nr.png,,1\n", r"line 2: found other cells"),
        ("reference,distorted,score\nr.png,b.png,good\n", r"line 2: found 'good', expected a number"),
        ("reference,distorted,score\nr.png,c.png,1\n", r"c\.png: no such file"),
        ("reference,distorted,score\nr.png,b.png,1\nr.png,b.png,2\n", r"b\.png: found two scores"),
        ("reference,distorted,score\n", r"mine: found no pair"),
        ("", r"found no column 'reference'"),
    ],
)
def test_a_broken_table_is_named(root, text, problem):
    (root / "scores.csv").write_text(text)
    with pytest.raises(InputError, match=problem):
        own(root)


def test_a_table_that_is_not_utf8_is_named(root):
    (root / "scores.csv").write_bytes(TABLE.encode("utf-16"))
    with pytest.raises(InputError, match=r"scores\.csv: not a CSV file in UTF-8"):
        own(root)


def test_no_table_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"scores\.csv: no such file, expected columns reference,distorted,score"):
        own(tmp_path)
