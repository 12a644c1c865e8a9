"""Distances are a promise: each of these has stood since it was written, and a change of one is named in CHANGELOG.md.

    python tests/test_golden.py

writes `golden.json` anew beside this file.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from perceptmetric import PerceptualDistance
from perceptmetric.checkpoints import bundled_names

TABLE = Path(__file__).with_name("golden.json")
READOUTS = ("default", "paper")


def scene() -> np.ndarray:
    """A picture (120, 150, 3) of 8 bits with edges, gratings, ramps and colour."""
    y, x = np.mgrid[0:120, 0:150].astype(np.float64)
    waves = np.stack([np.sin(x / 7 + y / 11), np.cos(x / 5 - y / 9), np.sin(x * y / 400)], -1)
    edge = np.where((x - 75) ** 2 + (y - 60) ** 2 < 900, 40.0, 0.0)[..., None]
    return np.rint(128 + edge + waves * [70, 60, 50] + (x / 150 * 30 - 15)[..., None]).clip(0, 255).astype(np.uint8)


def pairs() -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Noise, a blur of neighbours, and a shift of colour; none needs a random generator."""
    image = scene().astype(np.float64)
    y, x = np.mgrid[0:120, 0:150]
    noise = 24 * np.sin(12.9898 * x + 78.233 * y + 37.719 * np.arange(3)[:, None, None] ** 2).transpose(1, 2, 0)
    blurred = sum(np.roll(image, shift, (0, 1)) for shift in ((0, 0), (0, 1), (1, 0), (1, 1))) / 4
    distorted = {"noise": image + noise, "blur": blurred, "colour": image + np.array([14, -6, -20])}
    return {name: (_batch(image), _batch(other)) for name, other in distorted.items()}


def _batch(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.rint(image).clip(0, 255).astype(np.uint8)).permute(2, 0, 1)


def measured() -> dict[str, dict[str, float]]:
    actual = {}
    for checkpoint in bundled_names():
        for readout in READOUTS:
            metric = PerceptualDistance.from_pretrained(checkpoint, readout=readout)
            actual[f"{checkpoint}, {readout}"] = {name: metric(*pair).item() for name, pair in pairs().items()}
    return actual


@pytest.mark.parametrize("name", json.loads(TABLE.read_text()) if TABLE.is_file() else ["golden.json is not there"])
def test_golden_distances(name):
    checkpoint, readout = name.split(", ")
    metric = PerceptualDistance.from_pretrained(checkpoint, readout=readout)
    actual = {pair: metric(*images).item() for pair, images in pairs().items()}
    assert actual == pytest.approx(json.loads(TABLE.read_text())[name], rel=1e-4)


def test_every_bundled_checkpoint_is_pinned():
    assert set(json.loads(TABLE.read_text())) == {f"{name}, {how}" for name in bundled_names() for how in READOUTS}


if __name__ == "__main__":
    TABLE.write_text(json.dumps(measured(), indent=2) + "\n")
