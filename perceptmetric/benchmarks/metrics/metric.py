"""What a benchmark asks of a metric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from perceptmetric.errors import InputError

if TYPE_CHECKING:  # the command's --help need not wait for torch
    from torch import Tensor

Compare = Callable[["Tensor"], Sequence[float]]
"""From a distorted image to its distances from one reference, one for each stage."""

Measure = Callable[["Tensor"], Any]
"""From a distorted image to its distance from one reference: a tensor of one value with a gradient, or a number."""


class MetricError(InputError):
    """A metric cannot be used here, or not on these images; the message says why.

    Examples:
        >>> raise MetricError("needs torchvision")
        Traceback (most recent call last):
        ...
        perceptmetric.benchmarks.metrics.metric.MetricError: needs torchvision
    """


@dataclass(frozen=True)
class Origin:
    """The weights and the readout behind a distance, which a report names.

    Args:
        checkpoint: its name, folder or Hub repository.
        sha256: of its weights, as `perceptmetric.checkpoints.fingerprint` gives it.
        readout: `default` or `paper`.

    Examples:
        >>> Origin("denoise", "0" * 64, "default").readout
        'default'
    """

    checkpoint: str
    sha256: str
    readout: str


@dataclass(frozen=True)
class Metric:
    """A full-reference metric as a benchmark sees it.

    Args:
        name: what its rows are called.
        stages: the stages it gives a distance for, one row each; `("",)` for a metric without stages.
        against: takes a reference, (1, 3, H, W) floats in [0, 1] with values of 8 bits, and gives a function from a
            distorted image of that size to its distances, one for each stage, larger is worse. Whatever needs to be
            computed only once for a reference is computed here.
        origin: the weights and readout of our own metric; None for any other.
        measure: like `against`, for images of any values in [0, 1], which are not rounded to 8 bits. The distance, at
            the last stage, is as the metric itself gives it: a tensor with a gradient if the metric has one. None if
            only `against` can be had.

    Examples:
        >>> import torch
        >>> def against(reference: Tensor) -> Compare:
        ...     return lambda distorted: [torch.dist(reference, distorted).item()]
        >>> Metric("Euclidean", ("",), against).against(torch.zeros(1, 3, 1, 3))(torch.ones(1, 3, 1, 3))
        [3.0]
    """

    name: str
    stages: tuple[str, ...]
    against: Callable[[Tensor], Compare]
    origin: Origin | None = None
    measure: Callable[[Tensor], Measure] | None = None


def of_one_stage(name: str, measure: Callable[[Tensor], Measure]) -> Metric:
    """A metric whose distance is the same for values of 8 bits and for any others.

    Args:
        name: what its row is called.
        measure: as for the class.

    Examples:
        >>> import torch
        >>> metric = of_one_stage("Euclidean", lambda reference: lambda distorted: torch.dist(reference, distorted))
        >>> metric.against(torch.zeros(1, 3, 1, 3))(torch.ones(1, 3, 1, 3))
        [3.0]
    """

    def against(reference: Tensor) -> Compare:
        value = measure(reference)
        return lambda distorted: [float(value(distorted))]

    return Metric(name, ("",), against, measure=measure)
