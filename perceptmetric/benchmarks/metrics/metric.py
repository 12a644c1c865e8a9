"""What a benchmark asks of a metric, and our own metric as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from torch import Tensor

from perceptmetric.checkpoints import load
from perceptmetric.errors import InputError
from perceptmetric.fast.layers import stages as stages_of
from perceptmetric.metric import PerceptualDistance
from perceptmetric.perceptnet import STAGES, Autoencoder
from perceptmetric.readout import euclidean

OURS = "perceptmetric"

Compare = Callable[[Tensor], Sequence[float]]


class MetricError(InputError):
    """A metric cannot be used, or not on these images; the message says why."""


@dataclass(frozen=True)
class Metric:
    """A full-reference metric as a benchmark sees it.

    Args:
        name: what its rows are called.
        stages: the stages it gives a distance for, one row each; `("",)` for a metric without stages.
        against: takes a reference, (1, 3, H, W) floats in [0, 1] with values of 8 bits, and gives a function from a
            distorted image of that size to its distances, one for each stage, larger is worse. What is to be
            computed once for a reference is computed here.
    """

    name: str
    stages: tuple[str, ...]
    against: Callable[[Tensor], Compare]


def ours(checkpoint: str, readout: str = "default", stages: Sequence[str] = ("gdn4",), device: str = "cpu") -> Metric:
    """Our own metric.

    Args:
        checkpoint: as for `perceptmetric.checkpoints.load`.
        readout: `default`, or `paper` at one or several stages.
        stages: for `paper`, names from `perceptmetric.perceptnet.STAGES`.
        device: where it runs.

    Examples:
        >>> import torch
        >>> image = torch.rand(1, 3, 32, 32)
        >>> ours("untrained").against(image)(image)
        [0.0]
    """
    if readout == "paper":
        return staged(load(checkpoint)[0].to(device), stages)
    metric = PerceptualDistance.from_pretrained(checkpoint, readout=readout, check=False).to(device)

    def against(reference: Tensor) -> Compare:
        encoded = metric.encode(reference)
        return lambda distorted: metric.compare(encoded, metric.encode(distorted)).tolist()

    return Metric(OURS, ("",), against)


def staged(network: Autoencoder, stages: Sequence[str] = ("gdn4",)) -> Metric:
    """The study's readout at several stages in one pass.

    Args:
        network: in evaluation mode.
        stages: names from `perceptmetric.perceptnet.STAGES`.

    Examples:
        >>> import torch
        >>> from perceptmetric.checkpoints import load
        >>> metric = staged(load("untrained")[0], ("input", "gdn4"))
        >>> image = torch.rand(1, 3, 32, 32)
        >>> metric.against(image)(image)
        [0.0, 0.0]
    """
    last = max(stages, key=STAGES.index)

    def activations(image: Tensor) -> Iterator[tuple[str, Tensor]]:
        return islice(stages_of(network, image), STAGES.index(last) + 1)

    def against(reference: Tensor) -> Compare:
        encoded = {stage: values for stage, values in activations(reference) if stage in stages}

        def compare(distorted: Tensor) -> list[float]:
            found = {
                stage: euclidean(encoded[stage], values).item()
                for stage, values in activations(distorted)
                if stage in encoded
            }
            return [found[stage] for stage in stages]

        return compare

    return Metric(OURS, tuple(stages), against)
