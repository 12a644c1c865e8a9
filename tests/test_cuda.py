"""On a GPU, where there is one: precision, the compiler, CUDA graphs, and that nothing waits for the card.

Without one, what a CPU can do of it runs there (`benchmarks/gpu.sh` is dry-run that way).
"""

import pytest
import torch

from perceptmetric import PerceptualDistance

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
needs_cuda = pytest.mark.skipif(DEVICE == "cpu", reason="no CUDA")


@pytest.fixture
def images():
    a = torch.rand(2, 3, 64, 48, device=DEVICE)
    return a, (a + 0.1 * torch.randn_like(a)).clamp(0, 1)


@pytest.fixture(scope="module")
def metric():
    return PerceptualDistance(check=False).to(DEVICE)


def test_a_device_gives_the_distances_of_the_cpu(metric, images):
    expected = PerceptualDistance()(*(image.cpu() for image in images))
    torch.testing.assert_close(metric(*images).cpu(), expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_near(dtype, metric, images):
    half = PerceptualDistance(check=False).to(DEVICE, dtype)(*images)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, metric(*images), rtol=0.05, atol=0.01)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_autocast_changes_nothing(dtype, metric, images):
    expected = metric(*images)
    with torch.autocast(DEVICE, dtype):
        assert torch.equal(metric(*images), expected)


@needs_cuda
def test_the_compiled_metric_gives_the_same(metric, images):
    torch.testing.assert_close(torch.compile(metric)(*images), metric(*images), rtol=1e-3, atol=1e-5)


@needs_cuda
def test_a_graph_can_be_replayed(metric, images):
    stream = torch.cuda.Stream()
    with torch.no_grad():
        with torch.cuda.stream(stream):
            metric(*images)  # what is computed once is computed before the graph
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            distances = metric(*images)
        images[1].copy_(images[0])
        graph.replay()
    assert distances.tolist() == [0.0, 0.0]


@needs_cuda
def test_nothing_waits_for_the_card(metric, images):
    output = images[0].clone().requires_grad_()
    metric(output, images[1]).mean().backward()
    torch.cuda.set_sync_debug_mode("error")
    try:
        metric(output, images[1]).mean().backward()
    finally:
        torch.cuda.set_sync_debug_mode("default")
