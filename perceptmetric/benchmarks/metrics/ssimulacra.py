"""SSIMULACRA 2.1, made for judging image codecs, from the package `ssimulacra2`.

Source: Sneyers: SSIMULACRA 2, https://github.com/cloudinary/ssimulacra2, 2022.
"""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from torch import Tensor

from perceptmetric.benchmarks.metrics.metric import Compare, Metric, MetricError
from perceptmetric.benchmarks.metrics.packages import package

NAME = "ssimulacra2"

SMALLEST = 256
"""Pixels a side from which on the package works at all 6 scales; below, its scores are not SSIMULACRA2's."""


def negative_score() -> Metric:
    """The negative of SSIMULACRA2's score, which is 100 for identical images and has no lower end.

    It reads 8 bits of sRGB from files; the images are handed over as files in memory.

    Raises:
        MetricError: the package is not installed; when measuring, a side is under 256 pixels.

    Examples:
        >>> import torch
        >>> image = torch.rand(1, 3, 256, 256)
        >>> negative_score().against(image)(image)  # doctest: +SKIP
        [-100.0]
    """
    score: Any = package("ssimulacra2", NAME).compute_ssimulacra2

    def against(reference: Tensor) -> Compare:
        height, width = reference.shape[-2:]
        if min(height, width) < SMALLEST:
            raise MetricError(f"found {width}x{height} pixels, expected at least {SMALLEST} a side for ssimulacra2")
        first = _file(reference)

        def compare(distorted: Tensor) -> list[float]:
            return [-float(score(io.BytesIO(first), io.BytesIO(_file(distorted))))]

        return compare

    return Metric(NAME, ("",), against)


def _file(image: Tensor) -> bytes:
    """A BMP file: without compression, so quickly written and read."""
    pixels = image[0].detach().cpu().mul(255).round().byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "BMP")
    return file.getvalue()
