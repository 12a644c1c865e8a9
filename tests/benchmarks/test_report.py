import json

import pytest

from perceptmetric import __version__
from perceptmetric.benchmarks.report import Report, Row
from perceptmetric.benchmarks.statistics import Agreement

REPORT = Report(
    "TID2013 replica", 3000, "untrained", "paper",
    [Row("perceptmetric", "gdn4", Agreement(0.71234, 0.5, 0.6, 0.65, 0.9, (0.7, 0.72))),
     Row("perceptmetric", "conv3", Agreement(-0.1, -0.2, -0.3, None, None, (-0.2, 0.0)))],
)  # fmt: skip


def test_the_table_names_data_checkpoint_and_readout():
    head, columns, *rows = REPORT.table().splitlines()
    assert head == "TID2013 replica, 3000 pairs, checkpoint untrained, readout paper"
    assert columns.split() == ["stage", "SROCC", "KROCC", "PLCC"]
    assert [row.split() for row in rows] == [
        ["gdn4", "0.7123", "0.5000", "0.6000"],
        ["conv3", "-0.1000", "-0.2000", "-0.3000"],
    ]


def test_the_json_holds_it_all(tmp_path):
    path = tmp_path / "results.json"
    REPORT.write_json(path)
    content = json.loads(path.read_text())
    assert list(content) == ["dataset", "pairs", "checkpoint", "readout", "versions", "results"]
    assert content["versions"]["perceptmetric"] == __version__
    assert content["results"][0] == {
        "metric": "perceptmetric", "stage": "gdn4", "srocc": 0.71234, "krocc": 0.5, "plcc": 0.6,
        "plcc_logistic": 0.65, "rmse": 0.9, "ci95": [0.7, 0.72],
    }  # fmt: skip
    assert content["results"][1]["plcc_logistic"] is None


def test_a_file_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        REPORT.write_json(tmp_path / "nowhere" / "results.json")
