"""From any image a user may have to a batch of RGB floats. All checks of images are made here."""

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
"""Smallest height and width in pixels: one place of the encoder's output, which is pooled twice by 2."""

MAX_PIXELS = 2**26
"""A file with more pixels than this (8192x8192) is refused before it is decoded."""

EIGHT_BIT_MODES = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"}
"""Pillow's modes of at most 8 bits a channel; it converts these to RGB without clipping."""


def open_image(path: str | os.PathLike[str]) -> Image.Image:
    """Decodes an image file to RGB, as `to_rgb` does.

    Args:
        path: a file in any format that Pillow reads, with 8 bits a channel; of an animation the first frame is read.

    Returns:
        A Pillow image of mode RGB, loaded into memory.

    Raises:
        FileNotFoundError: no such file.
        InputError: the file is no image, is cut off, has more than 8 bits a channel or more than `MAX_PIXELS` pixels.

    Examples:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "grey.png"
        >>> Image.new("L", (8, 6), 128).save(file)
        >>> open_image(file).getpixel((0, 0))
        (128, 128, 128)
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
    """A Pillow image as RGB, the way a viewer shows it.

    It is turned upright (EXIF), grey fills all three channels, and transparent pixels show white behind them.

    Args:
        image: of any mode with at most 8 bits a channel (`EIGHT_BIT_MODES`).
        name: what an error calls it.

    Raises:
        InputError: the mode has more than 8 bits a channel; Pillow would clip its range.

    Examples:
        >>> to_rgb(Image.new("RGBA", (4, 4), (0, 0, 0, 0))).getpixel((0, 0))
        (255, 255, 255)
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

    The dtype alone decides the range: uint8 means [0, 255] and floats mean [0, 1].

    Args:
        image: a path, a Pillow image, or an array or tensor of shape (3, H, W) or (N, 3, H, W), floats or uint8.
        check: refuse NaN and floats outside [0, 1]. Switch it off for the output of a network that may leave the range.
        name: what an error calls an array or tensor.

    Returns:
        Floats (N, 3, H, W), channels last in memory. A tensor of floats keeps its dtype, device and graph.

    Raises:
        FileNotFoundError: no such file.
        InputError: the image cannot be used; the message says why.
        TypeError: `image` is of another type.

    Examples:
        >>> as_batch(np.full((3, 8, 8), 255, np.uint8)).max().item()
        1.0
    """
    return as_floats(as_pixels(image, check=check, name=name)).contiguous(memory_format=torch.channels_last)


def as_pixels(image: ImageLike, *, check: bool = True, name: str = "image") -> Tensor:
    """The same images, checked, but with uint8 left as uint8, which takes a quarter of the memory.

    Args:
        image: as for `as_batch`.
        check: as for `as_batch`.
        name: as for `as_batch`.

    Returns:
        Uint8 in [0, 255] or floats in [0, 1], (N, 3, H, W).

    Raises:
        FileNotFoundError: no such file.
        InputError: the image cannot be used; the message says why.
        TypeError: `image` is of another type.

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
    """Pixels as floats in [0, 1]: uint8 is divided by 255, floats stay as they are.

    Args:
        pixels: uint8 in [0, 255] or floats in [0, 1], of any shape.

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
