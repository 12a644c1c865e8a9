"""Asks what moves a score from run to run: how far each network sees the finest noise against four times coarser noise.

    python training/study/fine_detail.py --data PHOTOGRAPHS

Measures the untrained network and every run in `training/study/checkpoints/` on the photographs held back from training,
their central squares at 256x256, and writes `training/study/results/fine_detail.csv`. No opinion score is used: the scores
to set beside it are in `study.csv`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from perceptmetric.checkpoints import UNTRAINED, fingerprint, load
from perceptmetric.images import as_batch
from perceptmetric.tables import write_rows
from perceptmetric.training.data import central_squares, find_photographs
from perceptmetric.training.recipe import Recipe

CHECKPOINTS = Path(__file__).with_name("checkpoints")
TABLE = Path(__file__).with_name("results") / "fine_detail.csv"
DEVIATION = 0.04
COARSER = 4


def main() -> None:
    """Measures the runs and writes the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the photographs of the training")
    held_back = find_photographs(parser.parse_args().data)[-Recipe.validation_images :]
    images = as_batch(central_squares(held_back).images)
    rows = []
    runs: list[str | Path] = [UNTRAINED, *sorted(folder for folder in CHECKPOINTS.iterdir() if folder.is_dir())]
    for run in runs:
        network, _ = load(run)
        gain = fine_detail(network.encoder, images)
        rows.append({"run": Path(run).name, "weights_sha256": fingerprint(network), "fine_to_coarse": f"{gain:.4f}"})
        print(f"{Path(run).name}: {gain:.3f}")
    write_rows(TABLE, rows, list(rows[-1]))


@torch.inference_mode()
def fine_detail(encode: nn.Module, images: Tensor) -> float:
    """How far noise of one pixel moves the code of images (N, 3, H, W) against noise of four, of the same energy.

    The geometric mean over the images of the ratio of the two distances (root of the sum of squared differences).
    """
    generator = torch.Generator().manual_seed(0)
    ratios = []
    for image in images.split(1):
        code = encode(image)
        fine, coarse = (torch.dist(encode(image + noise(image, size, generator)), code) for size in (1, COARSER))
        ratios.append(fine / coarse)
    return torch.stack(ratios).log().mean().exp().item()


def noise(images: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """Gaussian noise for images (N, 3, H, W), a value each `size` pixels and smooth between them."""
    *shape, height, width = images.shape
    values = torch.randn((*shape, height // size, width // size), generator=generator)
    smooth = F.interpolate(values, size=(height, width), mode="bicubic") if size > 1 else values
    return DEVIATION * smooth / smooth.square().mean().sqrt()


if __name__ == "__main__":
    main()
