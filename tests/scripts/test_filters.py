"""training/study/filters.py."""

import pytest
import torch
from PIL import Image


def test_the_filters_of_a_checkpoint_are_drawn(load_script, monkeypatch, tmp_path, capsys):
    module = load_script("training/study/filters.py")
    monkeypatch.setattr(module, "PICTURES", tmp_path)
    monkeypatch.setattr("sys.argv", ["filters.py", "untrained"])
    module.main()
    assert capsys.readouterr().out.endswith("cosine with the random start 1.00, silent units 0\n")
    with Image.open(tmp_path / "filters-untrained.png") as drawn:
        assert drawn.size == (16 * 30 * 2, 8 * 30 * 2)


def test_smooth_filters_are_told_from_noise(load_script):
    module = load_script("training/study/filters.py")
    noise = torch.randn(128, 6, 5, 5)
    assert module.smoothness(noise) == pytest.approx(0, abs=0.05)
    ramp = torch.arange(5.0).expand(128, 6, 5, 5)
    assert module.smoothness(ramp) > 0.8
