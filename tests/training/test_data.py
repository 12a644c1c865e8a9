import numpy as np
import pytest
import torch
from PIL import Image

from perceptmetric import InputError
from perceptmetric.training import data
from perceptmetric.training.data import RandomCrops, central_squares, find_photographs


def test_photographs_are_found_in_any_tree_whatever_the_case(photographs):
    names = [path.relative_to(photographs).as_posix() for path in find_photographs(photographs)]
    assert names == ["0.JPG", "1.JPG", "2.JPG", "deeper/0.png", "deeper/1.png", "deeper/2.png"]


def test_no_folder_and_an_empty_folder_are_named(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such folder"):
        find_photographs(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"found no file named \.jpeg, \.jpg, \.png"):
        find_photographs(tmp_path)


@pytest.fixture
def coded(tmp_path):
    """Images whose first two channels hold each pixel's row and column, the third the image's number."""
    paths = []
    for number in range(5):
        rows, columns = np.mgrid[:20, :30]
        pixels = np.stack([rows, columns, np.full_like(rows, number)], 2).astype(np.uint8)
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def test_crops_are_whole_pieces_of_the_images_mirrored_half_the_time(coded):
    crops = RandomCrops(coded, side=8, batch=40, seed=0)(0)
    assert crops.shape == (40, 3, 8, 8)
    assert crops.is_contiguous(memory_format=torch.channels_last)
    pixels = (crops * 255).round()
    assert (pixels[:, 0].diff(dim=1) == 1).all()
    assert (pixels[:, 1].diff(dim=2).abs() == 1).all()
    mirrored = (pixels[:, 1].diff(dim=2) == -1).all((1, 2))
    assert 8 < mirrored.sum() < 32
    assert len(pixels[:, 0, 0, 0].unique()) > 8
    assert len(pixels[:, 1].amin((1, 2)).unique()) > 12


def test_an_epoch_shows_each_photograph_once_in_an_order_of_its_own(coded):
    crops = RandomCrops(coded, side=8, batch=4, seed=3)
    shown = torch.cat([(crops(step) * 255).round()[:, 2, 0, 0] for step in range(10)]).int().tolist()
    epochs = [shown[i : i + 5] for i in range(0, 40, 5)]
    assert all(sorted(epoch) == [0, 1, 2, 3, 4] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 4


def test_a_batch_depends_on_seed_and_step_alone(coded):
    crops = RandomCrops(coded, side=8, batch=4, seed=0)
    in_order = [crops(step) for step in range(6)]
    assert torch.equal(RandomCrops(coded, side=8, batch=4, seed=0)(5), in_order[5])
    assert not torch.equal(RandomCrops(coded, side=8, batch=4, seed=1)(5), in_order[5])


def test_a_full_cache_changes_nothing(coded, monkeypatch):
    expected = RandomCrops(coded, side=8, batch=20, seed=0)(0)
    monkeypatch.setattr(data, "CACHE_BYTES", 20 * 30 * 3 * 2)
    crops = RandomCrops(coded, side=8, batch=20, seed=0)
    assert torch.equal(crops(0), expected)
    assert len(crops._cache) == 2


def test_a_photograph_smaller_than_a_crop_is_named(coded):
    with pytest.raises(InputError, match=r"\d\.png: found 30x20 pixels, expected at least 21 a side"):
        RandomCrops(coded, side=21, batch=1, seed=0)(0)


def test_central_squares_are_the_centre(tmp_path):
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, 100:200] = 255
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    squares = central_squares([tmp_path / "wide.png"])
    assert squares.shape == (1, 3, 256, 256)
    assert (squares[..., 8:-8] == 1).all()
