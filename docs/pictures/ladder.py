"""Draws `docs/pictures/ladder.png`: a sample with more and more noise, blur and JPEG, and the distance under each.

python docs/pictures/ladder.py
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

import perceptmetric
from perceptmetric import distance

SAMPLE = Path(perceptmetric.__file__).parent / "samples" / "cat.png"
PICTURE = Path(__file__).with_name("ladder.png")
FACE = (110, 50, 270, 190)
"""What is shown of the sample: left, top, right and bottom in pixels."""
CAPTION = 22
"""Height of a caption in pixels."""


def noisy(image: Image.Image, sigma: float) -> Image.Image:
    """The image with Gaussian noise of standard deviation sigma, for an image range of [0, 1]."""
    noise = np.random.default_rng(0).normal(0, 255 * sigma, np.asarray(image).shape)
    return Image.fromarray(np.clip(np.rint(np.asarray(image) + noise), 0, 255).astype(np.uint8))


def blurred(image: Image.Image, sigma: float) -> Image.Image:
    """The image blurred by a Gaussian of sigma pixels."""
    return image.filter(ImageFilter.GaussianBlur(sigma))


def compressed(image: Image.Image, quality: float) -> Image.Image:
    """The image after JPEG compression with a quality from 1 to 95."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(quality))
    return Image.open(file).convert("RGB")


LADDERS = (
    ("noise, sigma {:g}", noisy, (0.02, 0.05, 0.1, 0.2)),
    ("blur, sigma {:g} px", blurred, (0.5, 1, 2, 4)),
    ("JPEG, quality {:g}", compressed, (75, 25, 10, 3)),
)


def main() -> None:
    """Draws the picture."""
    original = Image.open(SAMPLE).convert("RGB")
    width, height = FACE[2] - FACE[0], FACE[3] - FACE[1] + CAPTION
    picture = Image.new("RGB", (5 * width, len(LADDERS) * height), "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(size=12)
    for row, (caption, distort, strengths) in enumerate(LADDERS):
        tiles = [(original, "original")]
        tiles += [(distort(original, strength), caption.format(strength)) for strength in strengths]
        for column, (image, text) in enumerate(tiles):
            left, top = column * width, row * height
            picture.paste(image.crop(FACE), (left, top))
            label = f"{text}: {distance(original, image):.3f}"
            draw.text((left + 4, top + height - CAPTION + 4), label, fill="black", font=font)
    picture.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
