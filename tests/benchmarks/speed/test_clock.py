import time

import pytest

from perceptmetric.benchmarks.speed.clock import interleaved

pytestmark = pytest.mark.xdist_group("measured")


def test_work_is_measured_in_processor_time():
    def busy():
        end = time.process_time() + 0.02
        while time.process_time() < end:
            pass

    seconds = interleaved({"idle": lambda: time.sleep(0.05), "busy": busy}, 3)
    assert seconds["idle"] < 0.01 < seconds["busy"]
