"""Any image a user may hold, as a batch of RGB floats; every check of an input lives here."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from perceptmetric.errors import InputError

ImageLike = str | os.PathLike[str] | Image.Image | np.ndarray | Tensor

MIN_SIDE = 4
"""Smallest height and width in pixels: one V1 position (two 2x2 poolings)."""

MAX_PIXELS = 2**26
"""A file with more pixels than this (8192x8192) is refused before it is decoded."""

EIGHT_BIT_MODES = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"}


def open_image(path: str | os.PathLike[str]) -> Image.Image:
    """Decodes an image file to RGB as a viewer shows it: upright (EXIF), grey spread, alpha over white.

    Args:
        path: a file in any format Pillow reads, 8 bits a channel; of an animation the first frame is read.

    Returns:
        A loaded Pillow image of mode RGB.

    Raises:
        FileNotFoundError: no such file.
        InputError: not an image, truncated, deeper than 8 bits a channel, or more than `MAX_PIXELS`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise InputError(f"{path}: found {image.width}x{image.height} pixels, expected at most {MAX_PIXELS}")
            return to_rgb(image, name=str(path))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(f"{path}: found too many pixels, expected at most {MAX_PIXELS}") from error
    except UnidentifiedImageError as error:
        raise InputError(f"{path}: not an image that Pillow can read") from error
    except (OSError, SyntaxError, EOFError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error


def to_rgb(image: Image.Image, *, name: str = "image") -> Image.Image:
    """A Pillow image of any 8-bit mode as RGB: upright (EXIF), grey spread, alpha over white.

    Raises:
        InputError: for a mode deeper than 8 bits a channel, whose range Pillow would clip.
    """
    if image.mode not in EIGHT_BIT_MODES:
        raise InputError(f"{name}: found Pillow mode {image.mode!r}, expected 8 bits a channel")
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def as_batch(image: ImageLike, *, check: bool = True, name: str = "image") -> Tensor:
    """Any image or batch of images as (N, 3, H, W) floats in [0, 1].

    The range is told by the dtype alone: uint8 is [0, 255], floats are [0, 1].

    Args:
        image: a path, a Pillow image, or an array or tensor of shape (3, H, W) or (N, 3, H, W), float or uint8.
        check: refuse floats outside [0, 1] and NaN. Switch it off only where a network's output may stray.
        name: what an error calls an array or tensor.

    Returns:
        Float tensor (N, 3, H, W), channels last in memory; a float tensor keeps its dtype, device and graph.

    Raises:
        FileNotFoundError, InputError: the image cannot be used; the message says why.
        TypeError: `image` is none of the kinds above.

    Examples:
        >>> as_batch(np.full((3, 8, 8), 255, np.uint8)).max().item()
        1.0
    """
    return as_floats(as_pixels(image, check=check, name=name)).contiguous(memory_format=torch.channels_last)


def as_pixels(image: ImageLike, *, check: bool = True, name: str = "image") -> Tensor:
    """The same, checked, but with uint8 left as it is: a quarter of the memory.

    Examples:
        >>> as_pixels(np.full((3, 8, 8), 255, np.uint8)).dtype
        torch.uint8
    """
    if isinstance(image, (str, os.PathLike)):
        name = os.fspath(image)
        image = open_image(image)
    if isinstance(image, Image.Image):
        pixels = np.asarray(to_rgb(image, name=name))
        batch = torch.tensor(pixels).permute(2, 0, 1)
    elif isinstance(image, np.ndarray):
        if image.dtype != np.uint8 and image.dtype.kind != "f":
            raise InputError(f"{name}: found dtype {image.dtype}, expected floats in [0, 1] or uint8")
        batch = torch.tensor(image)
    elif isinstance(image, Tensor):
        batch = image
    else:
        raise TypeError(f"{name}: found {type(image).__name__}, expected a path, Pillow image, numpy array or tensor")
    _check_shape(batch, name)
    if batch.dtype != torch.uint8 and not batch.is_floating_point():
        raise InputError(f"{name}: found dtype {batch.dtype}, expected floats in [0, 1] or uint8")
    if batch.ndim == 3:
        batch = batch[None]
    if check and batch.dtype != torch.uint8:
        _check_range(batch, name)
    return batch


def as_floats(pixels: Tensor) -> Tensor:
    """Pixels of uint8 in [0, 255] or floats as floats in [0, 1].

    Examples:
        >>> as_floats(torch.tensor([255], dtype=torch.uint8))
        tensor([1.])
    """
    return pixels / 255 if pixels.dtype == torch.uint8 else pixels


def _check_shape(batch: Tensor, name: str) -> None:
    shape = tuple(batch.shape)
    if len(shape) not in (3, 4) or shape[-3] != 3:
        hint = "; put channels first" if shape[-1:] == (3,) else ""
        raise InputError(f"{name}: found shape {shape}, expected (3, H, W) or (N, 3, H, W){hint}")
    if len(batch) == 0:
        raise InputError(f"{name}: found an empty batch, expected at least one image")
    height, width = batch.shape[-2:]
    if min(height, width) < MIN_SIDE:
        raise InputError(f"{name}: found {width}x{height} pixels, expected at least {MIN_SIDE} a side")


def _check_range(batch: Tensor, name: str) -> None:
    low, high = (bound.item() for bound in torch.aminmax(batch.detach()))
    if not (low >= 0 and high <= 1):
        hint = "; divide by 255, or pass uint8" if high > 2 else ""
        raise InputError(f"{name}: found values from {low:g} to {high:g}, expected floats in [0, 1]{hint}")
