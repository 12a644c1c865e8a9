"""The distance as a `torchmetrics.Metric`, averaged over batches and processes; it needs the extra `torchmetrics`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from perceptmetric.metric import PerceptualDistance


class MeanPerceptualDistance(Metric):
    """The mean distance over all pairs of images since the last `reset`.

    Args:
        metric: what measures the distance of a pair; `PerceptualDistance()` where None.
        **kwargs: passed on to `torchmetrics.Metric`.

    Shape:
        `update` takes two batches (N, 3, H, W) of the same shape, floats in [0, 1] or uint8 in [0, 255]. The shape may
        change from one update to the next. `compute` returns a scalar, NaN if there was no update.

    Raises:
        InputError: a batch cannot be used.

    Examples:
        >>> mean = MeanPerceptualDistance()
        >>> image = torch.rand(2, 3, 32, 32)
        >>> mean.update(image, image)
        >>> mean.compute()
        tensor(0.)
    """

    is_differentiable = True
    higher_is_better = False
    full_state_update = False
    plot_lower_bound = 0.0

    total: Tensor
    pairs: Tensor

    def __init__(self, metric: PerceptualDistance | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.metric = PerceptualDistance() if metric is None else metric
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("pairs", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Adds the distances of a batch to the mean.

        Args:
            preds: the images to judge, (N, 3, H, W).
            target: the images that they should look like, (N, 3, H, W).

        Raises:
            InputError: a batch cannot be used, or the shapes differ.
        """
        distances = self.metric(preds, target)
        self.total = self.total + distances.sum()
        self.pairs = self.pairs + len(distances)

    def compute(self) -> Tensor:
        """The mean distance, a scalar."""
        return self.total / self.pairs
