import subprocess
import sys

import pytest


def run(code):
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.usefixtures("piq")
def test_hand_made_metrics_run_where_torchvision_is_missing_and_deep_ones_say_so():
    code = """if True:
        import sys, torch
        sys.modules["torchvision"] = None  # an import of it raises ImportError
        from perceptmetric.benchmarks.metrics.peers import peer, peers
        image = torch.rand(1, 3, 64, 64)
        print(peer("gmsd").against(image)(image))
        print(peers(["lpips", "dists"]))
        assert sys.modules["torchvision"] is None
    """
    done = run(code)
    assert done.stderr == ""
    first, second = done.stdout.splitlines()
    assert first == "[0.0]"
    assert second.startswith("([], {'lpips':")
    assert second.count("needs torchvision, which cannot be imported here (") == 2
