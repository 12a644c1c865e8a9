"""Draws `docs/pictures/map.png`: a sample, a JPEG copy of it, and the copy with the map of their distance over it.

python docs/pictures/map.py
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

import perceptmetric
from perceptmetric import PerceptualDistance
from perceptmetric.cli import overlay
from perceptmetric.images import open_image

SAMPLES = Path(perceptmetric.__file__).parent / "samples"
PICTURE = Path(__file__).with_name("map.png")


def main() -> None:
    """Draws the three side by side."""
    paths = SAMPLES / "cat.png", SAMPLES / "cat-jpeg.jpg"
    tiles = [open_image(path) for path in paths]
    tiles.append(overlay.draw(tiles[1], PerceptualDistance().map(*paths)))
    width, height = tiles[0].size
    picture = Image.new("RGB", (2 * width + tiles[2].width, height))
    for column, tile in enumerate(tiles):
        picture.paste(tile, (column * width, 0))
    picture.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
