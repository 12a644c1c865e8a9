import subprocess
import sys

import pytest

from perceptmetric.command import keep_freed_memory

FAULTS = """
import resource
from perceptmetric.command import keep_freed_memory

if {keep}:
    assert keep_freed_memory()
bytearray(2**24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    bytearray(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep):
    command = [sys.executable, "-c", FAULTS.format(keep=keep)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.xdist_group("measured")
@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_the_next_block_gets_the_memory_of_the_last():
    assert faults(keep=True) < 100 < faults(keep=False)


def test_elsewhere_nothing_happens(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False
