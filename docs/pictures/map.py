"""Draws `docs/pictures/map.png`: a sample, its JPEG copy, and where the metric sees the difference.

python docs/pictures/map.py
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

import perceptmetric
from perceptmetric import PerceptualDistance
from perceptmetric.cli.overlay import overlay
from perceptmetric.images import open_image

SAMPLES = Path(perceptmetric.__file__).parent / "samples"
PICTURE = Path(__file__).with_name("map.png")


def main() -> None:
    """Draws the picture; the map is drawn over the copy."""
    paths = SAMPLES / "cat.png", SAMPLES / "cat-jpeg.jpg"
    tiles = [open_image(path) for path in paths]
    tiles.append(overlay(tiles[1], PerceptualDistance().map(*paths)))
    width, height = tiles[0].size
    picture = Image.new("RGB", (2 * width + tiles[2].width, height))
    for column, tile in enumerate(tiles):
        picture.paste(tile, (column * width, 0))
    picture.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
