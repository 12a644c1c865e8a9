import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hub_server
import hypothesis
import numpy as np
import pytest
import torch
from PIL import Image

import perceptmetric

# Read when huggingface_hub is imported: no test reaches the real Hub or the user's cache and token.
HUB = hub_server.HubServer()
os.environ |= {"HF_ENDPOINT": HUB.url, "HF_HOME": tempfile.mkdtemp(), "HF_HUB_DISABLE_XET": "1"}
for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE"):
    os.environ.pop(variable, None)

hypothesis.settings.register_profile("default", deadline=None, max_examples=25, derandomize=True)
hypothesis.settings.load_profile("default")

SAMPLES = Path(perceptmetric.__file__).parent / "samples"


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[hub_server.HubServer]:
    """An empty Hub on 127.0.0.1, an empty cache, and nobody logged in."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    HUB.reset()
    yield HUB
    HUB.reset()


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
