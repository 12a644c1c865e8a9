from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch
from PIL import Image

import perceptmetric

hypothesis.settings.register_profile("default", deadline=None, max_examples=25, derandomize=True)
hypothesis.settings.load_profile("default")

SAMPLES = Path(perceptmetric.__file__).parent / "samples"


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def samples() -> Path:
    return SAMPLES


@pytest.fixture(params=["cat", "coffee", "rocket"])
def sample(request) -> Path:
    return SAMPLES / f"{request.param}.png"


@pytest.fixture(scope="session")
def photographs(tmp_path_factory) -> Path:
    """Six crops of the samples, in a folder tree of JPEG and PNG files."""
    root = tmp_path_factory.mktemp("photographs")
    (root / "deeper").mkdir()
    for number, name in enumerate(["cat", "coffee", "rocket"]):
        image = Image.open(SAMPLES / f"{name}.png")
        image.crop((0, 0, 192, 128)).save(root / f"{number}.JPG", quality=95)
        image.crop((192, 128, 384, 256)).save(root / "deeper" / f"{number}.png")
    return root


@pytest.fixture(scope="session")
def tid2013_root(tmp_path_factory) -> Path:
    """TID2013's layout with 16x16 images: the higher the level, the more noise and the lower the score."""
    root = tmp_path_factory.mktemp("tid2013")
    (root / "reference_images").mkdir()
    (root / "distorted_images").mkdir()
    random = np.random.default_rng(0)
    lines = []
    for reference in range(1, 26):
        clean = random.integers(60, 196, (16, 16, 3))
        suffix = "bmp" if reference == 25 else "BMP"  # as published: one name in lower case
        Image.fromarray(clean.astype(np.uint8)).save(root / "reference_images" / f"I{reference:02d}.{suffix}")
        for kind in range(1, 25):
            for level in range(1, 6):
                amplitude = level * 10 + kind / 3
                noisy = clean + np.rint(random.choice([-1, 1], clean.shape) * amplitude)
                name = f"{reference:02d}_{kind:02d}_{level}.bmp"
                Image.fromarray(noisy.astype(np.uint8)).save(root / "distorted_images" / f"i{name}")
                lines.append(f"{9 - amplitude / 8:.5f} I{name}\n")
    (root / "mos_with_names.txt").write_text("".join(lines))
    return root
