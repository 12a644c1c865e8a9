import pytest

from perceptmetric.benchmarks.metrics.metric import MetricError
from perceptmetric.benchmarks.metrics.packages import package


def test_an_import_that_fails_halfway_is_one_line_too(tmp_path, monkeypatch):
    (tmp_path / "broken_metric.py").write_text("raise ImportError('libcuda.so: not there\\nand more')")
    monkeypatch.syspath_prepend(tmp_path)
    expected = r"^broken_metric cannot be imported \(libcuda.so: not there\); pip install 'perceptmetric\[flip\]'$"
    with pytest.raises(MetricError, match=expected):
        package("broken_metric", "flip")
