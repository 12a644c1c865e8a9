"""`PerceptualDistance`, the metric as a module, and `distance`, the metric as a function."""

from __future__ import annotations

import copy
import math
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, overload

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from perceptmetric import checkpoints, hub, tiles
from perceptmetric import readout as readouts
from perceptmetric.errors import InputError
from perceptmetric.fast.kernels import suits
from perceptmetric.images import MIN_SIDE, ImageLike, as_floats, as_pixels
from perceptmetric.perceptnet import Autoencoder
from perceptmetric.readout import Encoded, Readout

TID2013_PIXELS_PER_DEGREE = 32.0
"""TID2013's setting, from which the default readout's agreement with people is known: most of its observers sat at
19-inch screens of 1152x864 pixels at a distance of their own choice, of which we take 60 cm."""


@dataclass(frozen=True)
class Encoding:
    """An image, or a batch of them, as a metric sees it.

    Args:
        parts: what the metric's readout keeps of them; the first dimension of each is N.
        size: (H, W) of the images in pixels.
        seen: (H, W) at the resolution the network saw them at.
        name: what an error calls them.
    """

    parts: Encoded
    size: tuple[int, int]
    seen: tuple[int, int]
    name: str

    def __len__(self) -> int:
        return len(self.parts[0])


class PerceptualDistance(nn.Module):
    """How different two images look to a model of the path from retina to V1.

    0 for identical images, symmetric and differentiable everywhere. With the default readout about 1 for
    unrelated images, whatever their size. The network is frozen (its weights are buffers, which no optimiser
    meets), stays in evaluation mode, and computes in its own precision (float32 unless the module is cast) also
    under autocast.

    Args:
        network: a trained autoencoder, of which a copy is kept; the bundled default where None.
        statistics: for the default readout of a `network`: what `perceptmetric.readout.natural_statistics` gives.
        readout: `default` (`perceptmetric.readout.Default`, which agrees best with people) or `paper`
            (`perceptmetric.readout.Paper`, exactly the study's).
        stage: for `paper` alone, one of `perceptmetric.perceptnet.STAGES`; where None `gdn4`, the encoder's output.
        pixels_per_degree: pixels of the images in a degree of visual angle, which is how large they are seen:
            `distance / pixel pitch * tan(1 degree)`. The images are resampled (bilinear, antialiased) to the
            setting of TID2013 unless it is this one.
        check: refuse floats outside [0, 1] and NaN. Switch it off where a network's output may stray a
            little, as in a training loop; it also spares CUDA a synchronisation.

    Shape:
        Two images, each anything of `perceptmetric.images.ImageLike` (path, Pillow image, array or
        tensor; uint8 in [0, 255] or floats in [0, 1]); (3, H, W) or (N, 3, H, W), of one size, at least
        4x4 pixels. Output: floats (N,).

    Raises:
        InputError: an image cannot be used, or the sizes differ.
        ValueError: no such readout or stage, no statistics of the network, or a size of no degrees.

    Examples:
        >>> metric = PerceptualDistance()
        >>> sharp = torch.rand(2, 3, 32, 32)
        >>> metric(sharp, sharp)
        tensor([0., 0.])
        >>> output = sharp.clone().requires_grad_()
        >>> loss = metric(output, sharp).mean()
        >>> loss.backward()
    """

    def __init__(
        self,
        network: Autoencoder | None = None,
        *,
        statistics: Mapping[str, float] | None = None,
        readout: str = "default",
        stage: str | None = None,
        pixels_per_degree: float = TID2013_PIXELS_PER_DEGREE,
        check: bool = True,
    ) -> None:
        super().__init__()
        if not 0 < pixels_per_degree < math.inf:
            raise ValueError(f"pixels_per_degree: found {pixels_per_degree}, expected a positive number")
        config: dict[str, Any] = {}
        if network is None:
            network, config = checkpoints.load(checkpoints.DEFAULT)
        if statistics is not None:
            config = {**config, "statistics": dict(statistics)}
        self.check = check
        self.pixels_per_degree = pixels_per_degree
        self.readout = _frozen(readouts.build(readout, network, stage, config.get("statistics")))
        # What `save_pretrained` writes; in a tuple, so that the decoder does not become a part of this module.
        config = {**config, "readout": readout, **({} if stage is None else {"stage": stage})}
        self._checkpoint = copy.deepcopy(network), config
        self.eval()

    @classmethod
    def from_pretrained(
        cls,
        checkpoint: str | os.PathLike[str] = checkpoints.DEFAULT,
        *,
        revision: str | None = None,
        readout: str | None = None,
        stage: str | None = None,
        pixels_per_degree: float = TID2013_PIXELS_PER_DEGREE,
        check: bool = True,
    ) -> PerceptualDistance:
        """The metric of a bundled checkpoint, of one in a folder, or of one on the Hugging Face Hub.

        Args:
            checkpoint: a name of `perceptmetric.checkpoints.bundled_names()`, `untrained`, a folder with
                `model.safetensors` and `config.json`, or a Hub repository that holds them (`owner/name`). Cache,
                token, endpoint and offline mode are those of huggingface_hub.
            revision: branch, tag or commit of a Hub repository.
            readout: as for the class; where None, readout and stage are those the checkpoint was saved with.
            stage: as for the class.
            pixels_per_degree: as for the class.
            check: as for the class.

        Raises:
            InputError: no such checkpoint, it cannot be fetched, or it is broken.
            ValueError: as for the class.

        Examples:
            >>> metric = PerceptualDistance.from_pretrained("reconstruct", readout="paper", stage="conv3")
        """
        network, config = checkpoints.load(checkpoint, revision)
        if readout is None:
            readout, stage = config.get("readout", "default"), stage or config.get("stage")
        metric = cls(
            network,
            statistics=config.get("statistics"),
            readout=readout,
            stage=stage,
            pixels_per_degree=pixels_per_degree,
            check=check,
        )
        metric._checkpoint = network, {**config, **metric._checkpoint[1]}
        return metric

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Writes the metric's checkpoint: `model.safetensors`, `config.json` and a model card, `README.md`.

        Args:
            folder: made if need be; `from_pretrained(folder)` reads the same metric back.

        Examples:
            >>> folder = tempfile.mkdtemp()
            >>> PerceptualDistance(readout="paper", stage="conv3").save_pretrained(folder)
            >>> PerceptualDistance.from_pretrained(folder).extra_repr()
            "readout='paper', stage='conv3', pixels_per_degree=32.0, check=True"
        """
        self._save(folder, repository=None)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        branch: str | None = None,
        commit_message: str | None = None,
    ) -> str:
        """Pushes what `save_pretrained` writes to the Hugging Face Hub, in one commit.

        Args:
            repo_id: `owner/name`; made if need be.
            private: whether a new repository is private; the owner's default where None.
            branch: `main` where None; it must exist.
            commit_message: huggingface_hub's own where None.

        Returns:
            The commit's address.

        Raises:
            InputError: the Hub does not take it, for want of a token or else.
        """
        with tempfile.TemporaryDirectory() as folder:
            self._save(folder, repository=repo_id)
            return hub.upload(folder, repo_id, private=private, branch=branch, commit_message=commit_message)

    def forward(self, a: ImageLike, b: ImageLike) -> Tensor:
        """The distances (N,) of two images or batches, of one and many, or of many and one."""
        first, second = self._pixels(a, "first image"), self._pixels(b, "second image")
        needs_graph = torch.is_grad_enabled() and (first.values.requires_grad or second.values.requires_grad)
        if needs_graph or not all(suits(self._floats(image.values[:1, :, :1, :1])) for image in (first, second)):
            return self.compare(self._encode(first), self._encode(second))
        _check_pair(first, second)
        with torch.no_grad(), _own_precision("cpu"):
            seen = [self._as_seen(image).values for image in (first, second)]
            return self.readout.pool(*tiles.terms(self.readout, seen[0], seen[1], self._floats))

    def encode(self, image: ImageLike) -> Encoding:
        """What `compare` needs of an image: a reference that meets many others is encoded once.

        The activations of the whole image are kept: with the default readout 33 bytes for each pixel in float32, and
        63 while it works. The metric itself, given two images without a graph, works tile by tile
        and keeps none.

        Args:
            image: as for the metric itself.

        Raises:
            InputError: the image cannot be used.
        """
        return self._encode(self._pixels(image, "image"))

    def compare(self, a: Encoding, b: Encoding) -> Tensor:
        """The distances (N,) of what `encode` gave: each with its counterpart, or one with all others.

        Raises:
            InputError: the sizes of the images differ, or their numbers do and neither is 1.

        Examples:
            >>> metric = PerceptualDistance()
            >>> reference = metric.encode(torch.rand(3, 32, 32))
            >>> metric.compare(reference, metric.encode(torch.rand(5, 3, 32, 32))).shape
            torch.Size([5])
        """
        _check_pair(a, b)
        with _own_precision(a.parts[0].device.type):
            return self.readout.compare(a.parts, b.parts)

    def map(self, a: ImageLike, b: ImageLike) -> Tensor:
        """Where two images differ, pixel by pixel.

        Args:
            a: as for the metric itself.
            b: as for the metric itself.

        Returns:
            Floats (N, 1, H, W), not negative. With the default readout their mean over an image is its distance;
            with `paper` their sum is its distance squared.

        Raises:
            InputError: as for the metric itself.

        Examples:
            >>> metric, a, b = PerceptualDistance(), torch.rand(3, 32, 32), torch.rand(3, 32, 32)
            >>> torch.allclose(metric.map(a, b).mean(), metric(a, b))
            True
        """
        first, second = (self._encode(self._pixels(*image)) for image in ((a, "first image"), (b, "second image")))
        _check_pair(first, second)
        pixel = first.size[0] / first.seen[0], first.size[1] / first.seen[1]
        with _own_precision(first.parts[0].device.type):
            return self.readout.map(first.parts, second.parts, first.size, pixel)

    def train(self, mode: bool = True) -> PerceptualDistance:
        """Does nothing but stay in evaluation mode: the metric is not trained along with its caller."""
        return super().train(False)

    def extra_repr(self) -> str:
        """The arguments, for `print`."""
        _, config = self._checkpoint
        arguments: dict[str, Any] = {key: config[key] for key in ("readout", "stage") if key in config}
        arguments |= {"pixels_per_degree": self.pixels_per_degree, "check": self.check}
        return ", ".join(f"{key}={value!r}" for key, value in arguments.items())

    def _save(self, folder: str | os.PathLike[str], *, repository: str | None) -> None:
        network, config = self._checkpoint
        checkpoints.save(network, config, folder)
        hub.write_card(folder, config, repository)

    def _pixels(self, image: ImageLike, name: str) -> _Pixels:
        if isinstance(image, (str, os.PathLike)):
            name = os.fspath(image)
        values = as_pixels(image, check=self.check, name=name)
        if not isinstance(image, Tensor):
            # A tensor on another device is its caller's slip: torch's error names both devices.
            values = values.to(self._weights(values).device)
        return _Pixels(values, (values.shape[-2], values.shape[-1]), name)

    def _weights(self, otherwise: Tensor) -> Tensor:
        return next(self.buffers(), otherwise)

    def _floats(self, pixels: Tensor) -> Tensor:
        """As the network takes them: floats of its precision, channels last."""
        floats = as_floats(pixels)
        return floats.to(self._weights(floats).dtype).contiguous(memory_format=torch.channels_last)

    def _encode(self, image: _Pixels) -> Encoding:
        with _own_precision(image.values.device.type):
            seen = self._floats(self._as_seen(image).values)
            parts = self.readout.encode(seen)
        return Encoding(tuple(map(_at_least_float32, parts)), image.size, (seen.shape[-2], seen.shape[-1]), image.name)

    def _as_seen(self, image: _Pixels) -> _Pixels:
        zoom = TID2013_PIXELS_PER_DEGREE / self.pixels_per_degree
        if zoom == 1:
            return image
        height, width = (round(side * zoom) for side in image.size)
        if min(height, width) < MIN_SIDE:
            raise InputError(
                f"{image.name}: found {width}x{height} pixels as seen, expected at least {MIN_SIDE} a side"
            )
        values = F.interpolate(self._floats(image.values), (height, width), mode="bilinear", antialias=True)
        return replace(image, values=values)


@dataclass(frozen=True)
class _Pixels:
    """Images as they came, checked: uint8 or floats (N, 3, H, W)."""

    values: Tensor
    size: tuple[int, int]
    name: str

    def __len__(self) -> int:
        return len(self.values)


def _own_precision(device: str) -> torch.autocast:
    """Switches the caller's autocast off: the difference of two similar images drowns in bfloat16's rounding."""
    return torch.autocast(device, enabled=False)


def _at_least_float32(part: Tensor) -> Tensor:
    """In half precision the difference of two similar images would drown in rounding."""
    return part.to(torch.promote_types(part.dtype, torch.float32))


def _frozen(module: Readout) -> Readout:
    """The module with its parameters turned to buffers: no optimiser, no `requires_grad_()` can reach them."""
    for part in module.modules():
        for name, parameter in list(part.named_parameters(recurse=False)):
            delattr(part, name)
            part.register_buffer(name, parameter.detach())
    return module


def _check_pair(a: Encoding | _Pixels, b: Encoding | _Pixels) -> None:
    if a.size != b.size:
        (height, width), (expected_height, expected_width) = b.size, a.size
        raise InputError(
            f"{b.name}: found {width}x{height} pixels, expected {expected_width}x{expected_height} as {a.name} has"
        )
    numbers = len(a), len(b)
    if numbers[0] != numbers[1] and 1 not in numbers:
        raise InputError(f"{b.name}: found {numbers[1]} images, expected {numbers[0]} as in {a.name}, or one with many")


@overload
def distance(a: Tensor, b: ImageLike, *, check: bool = True) -> Tensor: ...
@overload
def distance(a: ImageLike, b: Tensor, *, check: bool = True) -> Tensor: ...
@overload
def distance(
    a: str | os.PathLike[str] | Image.Image, b: str | os.PathLike[str] | Image.Image, *, check: bool = True
) -> float: ...
@overload
def distance(a: ImageLike, b: ImageLike, *, check: bool = True) -> float | Tensor: ...
def distance(a: ImageLike, b: ImageLike, *, check: bool = True) -> float | Tensor:
    """How different two images look, by the bundled default of `PerceptualDistance`.

    Args:
        a: a path, a Pillow image, or an array or tensor (3, H, W) or (N, 3, H, W); uint8 in [0, 255] or
            floats in [0, 1].
        b: likewise, of the same height and width.
        check: refuse floats outside [0, 1] and NaN.

    Returns:
        A float for two single images of which none is a tensor, else a tensor (N,), differentiable, on
        the tensors' device. 0 for identical images, larger for more visible differences.

    Raises:
        FileNotFoundError: no such file.
        InputError: an image cannot be used, or the sizes differ; the message names it.

    Examples:
        >>> image = np.random.default_rng(0).integers(0, 256, (3, 64, 64), np.uint8)
        >>> distance(image, image)
        0.0
        >>> distance(torch.rand(4, 3, 64, 64), torch.rand(4, 3, 64, 64)).shape
        torch.Size([4])
    """
    tensors = [image for image in (a, b) if isinstance(image, Tensor)]
    device = tensors[0].device if tensors else torch.device("cpu")
    distances: Tensor = _default_metric(device, check)(a, b)
    single = not tensors and all(not isinstance(image, np.ndarray) or image.ndim == 3 for image in (a, b))
    return distances.item() if single else distances


@lru_cache
def _default_metric(device: torch.device, check: bool) -> PerceptualDistance:
    return PerceptualDistance(check=check).to(device)
