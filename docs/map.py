"""Draws `docs/map.png`: a sample, its JPEG copy, and where the metric sees the difference.

python docs/map.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

import perceptmetric
from perceptmetric import PerceptualDistance

SAMPLES = Path(perceptmetric.__file__).parent / "samples"
PICTURE = Path(__file__).with_name("map.png")


def main() -> None:
    """Draws the picture; the map is white where its root is largest."""
    paths = SAMPLES / "cat.png", SAMPLES / "cat-jpeg.jpg"
    amplitude = PerceptualDistance().map(*paths)[0, 0].sqrt().numpy()
    grey = np.rint(255 * amplitude / amplitude.max()).astype(np.uint8)
    tiles = [Image.open(path).convert("RGB") for path in paths] + [Image.fromarray(grey).convert("RGB")]
    width, height = tiles[0].size
    picture = Image.new("RGB", (len(tiles) * width, height))
    for column, tile in enumerate(tiles):
        picture.paste(tile, (column * width, 0))
    picture.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
