"""What judges the outputs: metrics that no network was trained with, and the distance itself for comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from torch import Tensor

from perceptmetric import PerceptualDistance
from perceptmetric.benchmarks.metrics.peers import DISTANCES, peer

INDEPENDENT = ("haarpsi", "vsi", "mdsi")
"""Those that agree best with people among the hand-made ones, and that no loss here optimises."""

OTHERS = ("psnr", "ssim", "ms-ssim", "gmsd", "flip")
OWN = "ours"
JUDGES = (*INDEPENDENT, *OTHERS, OWN)
"""All of them, in the order of the tables."""

LOWER_IS_BETTER = {*DISTANCES, "flip", OWN}

Judge = Callable[[Tensor, Tensor], float]
"""The value of an output (1, 3, H, W) in [0, 1], given its clean image."""


def judges(names: Sequence[str] = JUDGES) -> dict[str, Judge]:
    """Judges by their names."""
    return {name: _judge(name) for name in names}


def means(clean: Tensor, output: Tensor, by: Mapping[str, Judge]) -> dict[str, float]:
    """What each judge says of outputs in the mean over images.

    Args:
        clean: floats (N, 3, H, W) in [0, 1].
        output: of the same shape; they are clipped and rounded as a file of 8 bits would be.
        by: the judges.
    """
    seen = (output.clamp(0, 1) * 255).round() / 255
    pairs = list(zip(clean.split(1), seen.split(1), strict=True))
    return {name: float(np.mean([judge(*pair) for pair in pairs])) for name, judge in by.items()}


def _judge(name: str) -> Judge:
    if name == OWN:
        metric = PerceptualDistance()
        return lambda clean, output: metric(clean, output).item()
    measured, sign = peer(name), 1 if name in LOWER_IS_BETTER else -1
    return lambda clean, output: sign * measured.against(clean)(output)[0]
