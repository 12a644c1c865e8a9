"""Draws `docs/filters.png`: what each of the 128 V1 units of the default network responds to.

A unit's receptive field is the mean gradient of its response (`conv3`, before the last normalisation) with respect to
the image, over grey images with a little noise: around grey the network is nearly linear, and the noise spreads what
max-pooling would give to a single pixel. Grey is no influence; each field is scaled to its own largest value.

python docs/filters.py
"""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from perceptmetric.checkpoints import DEFAULT, load

PICTURE = Path(__file__).with_name("filters.png")
SIDE, COLUMNS, ZOOM = 28, 16, 2


def receptive_fields() -> Tensor:
    """(128, 3, 28, 28): the mean gradient of the unit in the image's middle."""
    layers = load(DEFAULT)[0].until("conv3")
    noise = torch.randn(64, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    images = (0.5 + 0.05 * noise).requires_grad_()
    middle = layers(images)[:, :, SIDE // 8, SIDE // 8].sum(0)
    fields = [torch.autograd.grad(response, images, retain_graph=True)[0].mean(0) for response in middle]
    return torch.stack(fields)


def main() -> None:
    """Draws the picture, the strongest units first."""
    fields = receptive_fields()
    fields = fields[fields.square().sum((1, 2, 3)).argsort(descending=True)]
    fields = 0.5 + 0.5 * fields / fields.abs().amax((1, 2, 3), keepdim=True)
    tiles = torch.nn.functional.pad(fields, (1, 1, 1, 1), value=1.0).unflatten(0, (-1, COLUMNS))
    pixels = tiles.permute(0, 3, 1, 4, 2).flatten(0, 1).flatten(1, 2)
    picture = Image.fromarray((255 * pixels).round().byte().numpy())
    size = picture.width * ZOOM, picture.height * ZOOM
    picture.resize(size, Image.Resampling.NEAREST).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
