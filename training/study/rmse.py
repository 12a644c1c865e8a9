"""How well reconstruction rebuilds the photographs held back from training, beside the best its decoder could do.

    python training/study/rmse.py --data PHOTOGRAPHS

Measures the untrained network and every run of `reconstruct` in `training/study/checkpoints/`, and writes
`training/study/results/rmse.csv`. The images are the central squares at 256x256, resized bicubically, as in training, and
bilinearly, as Keras does unless told otherwise, which is softer; the error is in units of the image range [0, 1].
Pooled is the root of the mean squared error over all images, mean the mean over images of each root. The decoder ends
in nearest up-sampling by 2 and layers that see one place, so that what it draws is constant on 2x2 pixels: no weights
can be better than the mean of each such block.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL.Image import Resampling
from torch import Tensor

from perceptmetric.checkpoints import UNTRAINED, fingerprint, load
from perceptmetric.images import as_batch
from perceptmetric.tables import write_rows
from perceptmetric.training.data import RESAMPLING, central_squares, find_photographs
from perceptmetric.training.recipe import Recipe

CHECKPOINTS = Path(__file__).with_name("checkpoints")
TABLE = Path(__file__).with_name("results") / "rmse.csv"
BLOCKS = "blocks"


def main() -> None:
    """Measures the runs and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the photographs of the training")
    held_back = find_photographs(parser.parse_args().data)[-Recipe.validation_images :]
    squares = {
        resampling.name.lower(): central_squares(held_back, resampling).images
        for resampling in (RESAMPLING, Resampling.BILINEAR)
    }
    rows = [{"run": BLOCKS, **measured(blocks, squares)}]
    runs: list[str | Path] = [UNTRAINED, *sorted(CHECKPOINTS.glob("*reconstruct-seed*"))]
    for run in runs:
        network, _ = load(run)
        rows.append({"run": Path(run).name, "weights_sha256": fingerprint(network), **measured(network, squares)})
        print(rows[-1])
    write_rows(TABLE, rows, list(rows[-1]))


def measured(rebuild: Callable[[Tensor], Tensor], squares: dict[str, Tensor]) -> dict[str, str]:
    """The errors on each version of the images, by the names of the table's columns."""
    return {
        f"{version}_{kind}": f"{value:.5f}"
        for version, images in squares.items()
        for kind, value in zip(("pooled", "mean"), errors(rebuild, images), strict=True)
    }


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
