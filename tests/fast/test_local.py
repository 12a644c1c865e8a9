import pytest
import torch
import torch.nn.functional as F

from perceptmetric.fast.kernels import PLACES
from perceptmetric.fast.local import without_local_mean


@pytest.mark.parametrize("width", [1, 7, PLACES + 1])
def test_the_local_mean_is_taken_from_what_was_there(width):
    x = torch.rand(2, 5, 40, width)
    expected = 3 * (x - F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False))
    with torch.no_grad():
        torch.testing.assert_close(without_local_mean(x.clone(), 3.0), expected)
