"""How well checkpoints rebuild the photographs held back from training, beside the best their decoder could do.

    python training/rmse.py --data PHOTOGRAPHS CHECKPOINT...

The images are the central squares at 256x256, resized bicubically, as in training, and bilinearly, as Keras does unless
told otherwise, which is softer; the error is in units of the image range [0, 1]. Pooled is the root of the mean squared
error over all images, the other column the mean over images of each root. The decoder ends in nearest up-sampling by 2
and layers that see one place, so that what it draws is constant on 2x2 pixels: no weights can be better than the mean
of each such block.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL.Image import Resampling
from torch import Tensor

from perceptmetric import checkpoints
from perceptmetric.images import as_batch
from perceptmetric.training.data import RESAMPLING, central_squares, find_photographs
from perceptmetric.training.recipe import Recipe


def main() -> None:
    """Prints a line for each checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the photographs of the training")
    parser.add_argument("checkpoints", metavar="CHECKPOINT", nargs="+")
    options = parser.parse_args()
    held_back = find_photographs(options.data)[-Recipe.validation_images :]
    rows = {"mean of each 2x2 block": blocks} | {name: checkpoints.load(name)[0] for name in options.checkpoints}
    for resampling in (RESAMPLING, Resampling.BILINEAR):
        images = central_squares(held_back, resampling).images
        for name, rebuild in rows.items():
            pooled, mean = errors(rebuild, images)
            print(f"{resampling.name.lower()}, {name}: pooled {pooled:.4f}, mean of roots {mean:.4f}")


def blocks(images: Tensor) -> Tensor:
    """The images with each block of 2x2 pixels replaced by its mean."""
    return F.interpolate(F.avg_pool2d(images, 2), scale_factor=2)


@torch.inference_mode()
def errors(rebuild: Callable[[Tensor], Tensor], images: Tensor) -> tuple[float, float]:
    """Root of the mean squared error of uint8 images (N, 3, H, W), and the mean of each image's root."""
    batches = (as_batch(image) for image in images.split(1))
    squares = torch.stack([F.mse_loss(rebuild(batch), batch) for batch in batches])
    return squares.mean().sqrt().item(), squares.sqrt().mean().item()


if __name__ == "__main__":
    main()
