"""What a pair of 512x384 images costs on CPU: as a metric and as a loss, beside its limit and its peers.

Everything is measured in turn, in one process, in processor time (all threads together), which other work on the
machine disturbs little; memory in a process for each. The unit is one pass of the encoder over each image of a pair.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

from perceptmetric.benchmarks.metrics.metric import Metric
from perceptmetric.benchmarks.metrics.peers import peers
from perceptmetric.benchmarks.speed import memory
from perceptmetric.checkpoints import DEFAULT, load
from perceptmetric.fast.layers import run
from perceptmetric.fast.torch_private import onednn_product
from perceptmetric.metric import PerceptualDistance, distance

HEIGHT, WIDTH = 384, 512
BATCHES = (1, 8, 32)
REPETITIONS = 3
MATRIX = 2048
LARGE = 8192
PAIR = "encoder, a pair"
PRODUCT = "matrix product"
LOSS, VGG_LOSS, LARGE_PAIR = "loss", "loss of a VGG16 trunk", f"a pair of {LARGE}x{LARGE}"


@dataclass(frozen=True)
class Cost:
    """What one thing takes.

    Args:
        name: of the thing.
        pairs: the cost in encoder pairs, the median over the repetitions. None where not measured.
        matrix_share: operations a second (as torch counts those of convolutions and matrix products) as a share of
            a product of two 2048x2048 matrices. None where nothing is counted.
        peak_bytes: what the process held more at its peak than before, the images included. None where not measured.
    """

    name: str
    pairs: float | None
    matrix_share: float | None = None
    peak_bytes: int | None = None


def costs(names: Sequence[str], checkpoint: str = DEFAULT) -> list[Cost]:
    """Everything, cheapest limit first.

    Args:
        names: of peers, as for `perceptmetric.benchmarks.metrics.peers.peer`; one that cannot run is left out here, and
            reported by `perceptmetric.benchmarks.speed.speed`.
        checkpoint: of our metric.
    """
    works = _works(names, checkpoint)
    seconds = interleaved(works)
    unit = seconds[PAIR]
    counts = {name: operations(work) for name, work in works.items()}
    rate = counts[PRODUCT] / seconds[PRODUCT]
    peaks = {name: memory.measured(__name__, name, checkpoint) for name in (LOSS, VGG_LOSS, LARGE_PAIR)}
    rows = [
        Cost(name, taken / unit, counts[name] / taken / rate if counts[name] else None, peaks.get(name))
        for name, taken in seconds.items()
    ]
    return [*rows, Cost(LARGE_PAIR, None, None, peaks[LARGE_PAIR])]


def table(rows: Sequence[Cost]) -> str:
    """Lines for a terminal."""
    width = max(len(row.name) for row in rows)
    lines = [f"{'512x384, batch 1 unless named':<{width}}{'encoder pairs':>15}{'matrix share':>14}{'peak MiB':>10}"]
    for row in rows:
        pairs = "-" if row.pairs is None else f"{row.pairs:.2f}"
        share = "-" if row.matrix_share is None else f"{row.matrix_share:.1%}"
        peak = "-" if row.peak_bytes is None else f"{row.peak_bytes / 2**20:.0f}"
        lines.append(f"{row.name:<{width}}{pairs:>15}{share:>14}{peak:>10}")
    return "\n".join(lines)


def interleaved(works: dict[str, Callable[[], object]], repetitions: int = REPETITIONS) -> dict[str, float]:
    """The median processor seconds of each, done in turn.

    Examples:
        >>> sorted(interleaved({"nothing": lambda: None, "a sum": lambda: sum(range(9))}))
        ['a sum', 'nothing']
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values():
        work()
    for _ in range(repetitions):
        for name, work in works.items():
            start = time.process_time()
            work()
            times[name].append(time.process_time() - start)
    return {name: sorted(found)[len(found) // 2] for name, found in times.items()}


class VGG16Loss(nn.Module):
    """The usual perceptual loss: squared differences of VGG16's responses at five depths. Weights are random.

    Simonyan & Zisserman, ICLR 2015, configuration D without its fully connected layers.

    Examples:
        >>> VGG16Loss()(torch.zeros(1, 3, 32, 32), torch.zeros(1, 3, 32, 32)).item()
        0.0
    """

    def __init__(self) -> None:
        super().__init__()
        sizes: tuple[tuple[int, ...], ...] = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256))
        sizes += ((256, 512, 512, 512), (512, 512, 512, 512))
        self.blocks = nn.ModuleList(
            nn.Sequential(
                *([nn.MaxPool2d(2)] if number else []),
                *(layer for ends in pairwise(size) for layer in (nn.Conv2d(*ends, 3, padding=1), nn.ReLU())),
            )
            for number, size in enumerate(sizes)
        )
        self.requires_grad_(False)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """The loss, a scalar."""
        with torch.no_grad():
            aims = self._responses(target)
        return torch.stack([(x - y).square().mean() for x, y in zip(self._responses(output), aims, strict=True)]).sum()

    def _responses(self, x: Tensor) -> list[Tensor]:
        responses = []
        for block in self.blocks:
            x = block(x)
            responses.append(x)
        return responses


def _works(names: Sequence[str], checkpoint: str) -> dict[str, Callable[[], object]]:
    encoder = load(checkpoint)[0].encoder.requires_grad_(False)
    default, paper = (PerceptualDistance.from_pretrained(checkpoint, readout=name) for name in ("default", "paper"))
    pixels = {number: _images(number) for number in BATCHES}
    a, b = pixels[1], _images(1, seed=1)
    matrices = torch.rand(2, MATRIX, MATRIX)

    def without_graph(work: Callable[[], object]) -> Callable[[], object]:
        return torch.no_grad()(work)

    works: dict[str, Callable[[], object]] = {
        PRODUCT: lambda: matrices[0] @ matrices[1],
        "matrix product, oneDNN's": without_graph(lambda: onednn_product(matrices[0].mT[None, :, None], matrices[1])),
        PAIR: without_graph(lambda: (run(encoder, a), run(encoder, b))),
        "encoder, a pair, layer by layer": without_graph(lambda: (encoder(a), encoder(b))),
    }
    for number, images in pixels.items():
        works[f"encoder, batch {number}"] = without_graph(partial(run, encoder, images))
        works[f"encoder, batch {number}, layer by layer"] = without_graph(partial(encoder, images))
        works[f"default readout, batch {number}"] = partial(default, images, images.flip(-1))
    works["paper readout"] = lambda: paper(a, b)
    works["default readout, reference encoded once"] = without_graph(_against(default, a, b))
    for metric in peers(names)[0]:
        works[metric.name] = without_graph(partial(_both, metric, a, b))
    return works | {LOSS: _backward(default, a, b), VGG_LOSS: _backward(VGG16Loss(), a, b)}


def _both(metric: Metric, reference: Tensor, distorted: Tensor) -> None:
    metric.against(reference)(distorted)


def _against(metric: PerceptualDistance, reference: Tensor, distorted: Tensor) -> Callable[[], object]:
    with torch.no_grad():
        encoded = metric.encode(reference)
    return lambda: metric.compare(encoded, metric.encode(distorted))


def _backward(loss: nn.Module, output: Tensor, target: Tensor) -> Callable[[], object]:
    output = output.clone().requires_grad_()

    def work() -> None:
        loss(output, target).sum().backward()

    return work


def _images(number: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(number, 3, HEIGHT, WIDTH, generator=generator)
    return images.contiguous(memory_format=torch.channels_last)


def operations(work: Callable[[], object]) -> int:
    """Multiplications and additions of the convolutions and matrix products in a piece of work.

    Examples:
        >>> operations(lambda: torch.ones(2, 3) @ torch.ones(3, 5))
        60
    """
    # The one operation of `perceptmetric.fast` that torch does not count by itself.
    others = {torch.ops.aten.mkldnn_convolution: _convolution}
    with FlopCounterMode(display=False, custom_mapping=others) as counter:
        work()
    return int(counter.get_total_flops())


def _convolution(images: list[int], kernels: list[int], *_: object, out_shape: list[int], **__: object) -> int:
    return int(conv_flop_count(images, kernels, out_shape))


def _in_own_process(name: str, checkpoint: str) -> None:
    if name == LARGE_PAIR:
        generator = np.random.default_rng(0)
        small = torch.rand(1, 3, 64, 64)
        distance(small, small)
        with memory.peak():
            a, b = (generator.integers(0, 256, (3, LARGE, LARGE), np.uint8) for _ in range(2))
            distance(a, b)
        return
    loss = VGG16Loss() if name == VGG_LOSS else PerceptualDistance.from_pretrained(checkpoint)
    small = torch.rand(1, 3, 64, 64)
    _backward(loss, small, small.flip(-1))()  # what the libraries take on their first use is not the image's
    with memory.peak():
        _backward(loss, _images(1), _images(1, seed=1))()


if __name__ == "__main__":
    _in_own_process(*sys.argv[1:])
