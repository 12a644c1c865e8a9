"""What a benchmark asks of a metric, and our own metric as one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from safetensors.torch import save
from torch import Tensor

from perceptmetric import readout as readouts
from perceptmetric.errors import InputError
from perceptmetric.perceptnet import STAGES, Autoencoder

Compare = Callable[[Tensor], Sequence[float]]

READOUTS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"paper": readouts.paper}
"""The readouts a benchmark can be run with: from two sets of activations of a stage to a distance."""


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


def perceptual(network: Autoencoder, stages: Sequence[str] = ("gdn4",), readout: str = "paper") -> Metric:
    """Our own metric, at one stage of the network or at several in one pass.

    Args:
        network: in evaluation mode.
        stages: names from `perceptmetric.perceptnet.STAGES`.
        readout: one of `READOUTS`.

    Example:
        >>> import torch
        >>> from perceptmetric.checkpoints import load
        >>> metric = perceptual(load("untrained")[0], ("input", "gdn4"))
        >>> image = torch.rand(1, 3, 32, 32)
        >>> metric.against(image)(image)
        [0.0, 0.0]
    """
    last = max(stages, key=STAGES.index)
    distance = READOUTS[readout]

    def activations(image: Tensor) -> Iterator[tuple[str, Tensor]]:
        return islice(network.stages(image), STAGES.index(last) + 1)

    def against(reference: Tensor) -> Compare:
        encoded = {stage: values for stage, values in activations(reference) if stage in stages}

        def compare(distorted: Tensor) -> list[float]:
            found = {
                stage: distance(encoded[stage], values).item()
                for stage, values in activations(distorted)
                if stage in encoded
            }
            return [found[stage] for stage in stages]

        return compare

    return Metric("perceptmetric", tuple(stages), against)


def fingerprint(network: Autoencoder) -> str:
    """The SHA-256 of a network's weights: that of its checkpoint's `model.safetensors`.

    Example:
        >>> from perceptmetric.checkpoints import load
        >>> len(fingerprint(load("untrained")[0]))
        64
    """
    weights = {name: tensor.float().cpu().contiguous() for name, tensor in network.state_dict().items()}
    return hashlib.sha256(save(weights)).hexdigest()
