"""Draws `docs/pictures/report.png`: the page of `perceptmetric --report` on changed copies of the samples, in Chromium.

python docs/pictures/report.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

import perceptmetric
from perceptmetric.images import open_image

SAMPLES = Path(perceptmetric.__file__).parent / "samples"
PICTURE = Path(__file__).with_name("report.png")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=5000",
    "--window-size=1300,900",
)  # fmt: skip
COMMAND = Path(sys.executable).with_name("perceptmetric")


def main() -> None:
    """Measures the copies, opens the report and photographs it."""
    browser = next(filter(None, map(shutil.which, BROWSERS)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for sample in ("cat", "coffee", "rocket"):
            save_copies(folder, sample, open_image(SAMPLES / f"{sample}.png"))
        measure = [str(COMMAND), "references", "distorted", "--report", "report", "--fail-above", "0.5"]
        subprocess.run(measure, cwd=folder, capture_output=True, check=False)  # noqa: S603  # code 1: some are above
        options = [f"--user-data-dir={folder}/browser", f"--screenshot={folder}/shot.png", *SWITCHES]
        page = (folder / "report" / "index.html").as_uri()
        subprocess.run([browser, *options, page], capture_output=True, check=True)  # noqa: S603  # this machine's own
        Image.open(folder / "shot.png").convert("RGB").save(PICTURE, optimize=True)


def save_copies(root: Path, name: str, image: Image.Image) -> None:
    """Saves an image to `references`, and copies of it to `distorted`: in JPEG and WebP, blurred, and with noise."""
    noise = np.random.default_rng(0).normal(0, 10, (image.height, image.width, 3))
    copies: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "jpeg-20.jpg": (image, {"quality": 20}),
        "jpeg-90.jpg": (image, {"quality": 90}),
        "webp-40.webp": (image, {"quality": 40}),
        "blur.png": (image.filter(ImageFilter.GaussianBlur(1.5)), {}),
        "noise.png": (Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8)), {}),
    }
    for copy, (changed, options) in copies.items():
        for folder in ("references", "distorted"):
            (root / folder / name).mkdir(parents=True, exist_ok=True)
        image.save((root / "references" / name / copy).with_suffix(".png"))
        changed.save(root / "distorted" / name / copy, **options)


if __name__ == "__main__":
    main()
