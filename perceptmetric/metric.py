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

from perceptmetric import checkpoints, hub, model_card, tiles
from perceptmetric import readout as readouts
from perceptmetric.errors import InputError
from perceptmetric.fast.kernels import suits, wants_gradient
from perceptmetric.images import MIN_SIDE, ImageLike, as_floats, as_pixels
from perceptmetric.perceptnet import Autoencoder
from perceptmetric.readout import Encoded, Readout

TID2013_PIXELS_PER_DEGREE = 32.0
"""How large the observers of TID2013 saw its images, the setting in which the default readout was compared with people.
Most of them sat at 19-inch screens of 1152x864 pixels; they chose the distance themselves, and 60 cm is assumed."""


@dataclass(frozen=True)
class Encoding:
    """What a metric keeps of a batch of images, so that it can compare them without encoding them again.

    Args:
        parts: what the metric's readout keeps of them; the first dimension of each is N.
        size: (H, W) of the images in pixels.
        seen: (H, W) of the images that the network saw, after resampling.
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

    The distance is 0 for identical images, symmetric, and differentiable everywhere. With the default readout,
    unrelated images of any size are about 1 apart. The network is frozen: its weights are buffers, so no optimiser
    changes them. It stays in evaluation mode, and computes in its own precision (float32 unless the module is cast)
    even under autocast.

    Args:
        network: a trained autoencoder, which is copied; the bundled default where None.
        statistics: what `perceptmetric.readout.natural_statistics` measures of `network`; the default readout needs
            them, unless `config` holds them.
        config: what else is known of `network`, as `perceptmetric.checkpoints.load` returns it; `save_pretrained`
            writes it again.
        readout: `default` (`perceptmetric.readout.Default`, which agrees best with people) or `paper`
            (`perceptmetric.readout.Paper`, exactly the study's).
        stage: the stage that `paper` compares, one of `perceptmetric.perceptnet.STAGES`; where None `gdn4`, the
            encoder's output. The default readout takes no stage.
        pixels_per_degree: how many pixels of the images fill one degree of the visual field,
            `viewing distance / pixel pitch * tan(1 degree)`. For any other value than that of TID2013 (32) the images
            are resampled to it (bilinear, antialiased).
        check: refuse NaN and floats outside [0, 1]. Switch it off in a training loop, where the output of a network
            may leave the range a little; on CUDA this also saves a synchronisation.

    Shape:
        Two images, each a path, a Pillow image, an array or a tensor (`perceptmetric.images.ImageLike`): uint8 in
        [0, 255] or floats in [0, 1], (3, H, W) or (N, 3, H, W). Both have the same height and width, at least 4 pixels
        each. Output: floats (N,).

    Raises:
        InputError: an image cannot be used, the sizes differ, or the default readout was given no statistics.
        ValueError: there is no such readout or stage, or `pixels_per_degree` is not a positive number.

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
        config: Mapping[str, Any] | None = None,
        readout: str = "default",
        stage: str | None = None,
        pixels_per_degree: float = TID2013_PIXELS_PER_DEGREE,
        check: bool = True,
    ) -> None:
        super().__init__()
        if not 0 < pixels_per_degree < math.inf:
            raise ValueError(f"pixels_per_degree: found {pixels_per_degree}, expected a positive number")
        if network is None:
            network, config = checkpoints.load(checkpoints.DEFAULT)
        known = {key: value for key, value in (config or {}).items() if key not in ("readout", "stage")}
        if statistics is not None:
            known["statistics"] = dict(statistics)
        known["readout"] = readout
        if stage is not None:
            known["stage"] = stage
        self.check = check
        self.pixels_per_degree = pixels_per_degree
        self.readout = _frozen(readouts.build(readout, network, stage, known.get("statistics")))
        # Saved in full precision, whatever this module is cast to; in a tuple, so that it is no part of this module.
        self._checkpoint = copy.deepcopy(network), known
        self.eval()

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the network's weights, as `perceptmetric.checkpoints.fingerprint` computes it.

        Two metrics have the same fingerprint where their networks have the same weights, whatever their readouts.

        Examples:
            >>> PerceptualDistance().fingerprint == PerceptualDistance(readout="paper").fingerprint
            True
        """
        return checkpoints.fingerprint(self._checkpoint[0])

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
                `model.safetensors` and `config.json`, or a Hub repository with these files (`owner/name`). Cache,
                token, endpoint and offline mode are those of huggingface_hub.
            revision: a branch, tag or commit of the Hub repository.
            readout: as for the class; where None, the readout and the stage that the checkpoint was saved with.
            stage: as for the class.
            pixels_per_degree: as for the class.
            check: as for the class.

        Raises:
            InputError: there is no such checkpoint, it cannot be downloaded, or it is broken.
            ValueError: as for the class.

        Examples:
            >>> metric = PerceptualDistance.from_pretrained("reconstruct", readout="paper", stage="conv3")
        """
        network, config = checkpoints.load(checkpoint, revision)
        if readout is None:
            readout, stage = config.get("readout", "default"), stage or config.get("stage")
        return cls(
            network, config=config, readout=readout, stage=stage, pixels_per_degree=pixels_per_degree, check=check
        )

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Writes the metric's checkpoint: `model.safetensors`, `config.json` and a model card, `README.md`.

        Args:
            folder: is made if it does not exist; `from_pretrained(folder)` reads the same metric back.

        Raises:
            OSError: a file cannot be written.

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
        """Uploads what `save_pretrained` writes to the Hugging Face Hub, in one commit.

        Args:
            repo_id: `owner/name`; the repository is made if it does not exist.
            private: whether a new repository is private; where None, as its owner has set.
            branch: an existing branch; `main` where None.
            commit_message: the message of the commit; huggingface_hub's own where None.

        Returns:
            The address of the commit.

        Raises:
            InputError: the name is not of the form `owner/name`, or the Hub refuses the upload, for example because
                there is no token.
        """
        with tempfile.TemporaryDirectory() as folder:
            self._save(folder, repository=repo_id)
            return hub.upload(folder, repo_id, private=private, branch=branch, commit_message=commit_message)

    def forward(self, a: ImageLike, b: ImageLike) -> Tensor:
        """The distances (N,) of images, pair by pair, or of one image and all images of a batch.

        Args:
            a: as for the class.
            b: as for the class.
        """
        first, second = self._pixels(a, "first image"), self._pixels(b, "second image")
        if not (self._can_be_cut(first.values) and self._can_be_cut(second.values)):
            return self.compare(self._encode(first), self._encode(second))
        _check_pair(first, second)
        with torch.no_grad(), _own_precision("cpu"):
            seen_first, seen_second = self._as_seen(first).values, self._as_seen(second).values
            return self.readout.reduce(*tiles.terms(self.readout, seen_first, seen_second, self._floats))

    def encode(self, image: ImageLike) -> Encoding:
        """What `compare` needs of an image, so that a reference with many distorted versions is encoded once.

        It holds the activations of the whole image: with the default readout 33 bytes for each pixel in float32, and
        63 while it is computed. Calling the metric itself on two images, without a gradient, holds no activations
        beyond those of a tile.

        Args:
            image: as for the class.

        Raises:
            InputError: the image cannot be used.

        Examples:
            >>> len(PerceptualDistance().encode(torch.rand(2, 3, 32, 32)))
            2
        """
        return self._encode(self._pixels(image, "image"))

    def compare(self, a: Encoding, b: Encoding) -> Tensor:
        """The distances (N,) of encoded images, pair by pair, or of one image and all images of a batch.

        Args:
            a: what `encode` returned.
            b: likewise.

        Raises:
            InputError: the sizes of the images differ, or their numbers differ and neither is 1.

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
            a: as for the class.
            b: as for the class.

        Returns:
            Floats (N, 1, H, W), not negative. With the default readout the mean over an image is its distance; with
            `paper` the sum is the distance squared.

        Raises:
            InputError: as for the class.

        Examples:
            >>> metric, a, b = PerceptualDistance(), torch.rand(3, 32, 32), torch.rand(3, 32, 32)
            >>> torch.allclose(metric.map(a, b).mean(), metric(a, b))
            True
        """
        first = self._encode(self._pixels(a, "first image"))
        second = self._encode(self._pixels(b, "second image"))
        _check_pair(first, second)
        pixel = first.size[0] / first.seen[0], first.size[1] / first.seen[1]
        with _own_precision(first.parts[0].device.type):
            return self.readout.map(first.parts, second.parts, first.size, pixel)

    def train(self, mode: bool = True) -> PerceptualDistance:
        """Stays in evaluation mode, whatever `mode` says, so that a module that holds the metric can be trained."""
        return super().train(False)

    def extra_repr(self) -> str:
        """The arguments that `print` shows."""
        _, config = self._checkpoint
        arguments: dict[str, Any] = {key: config[key] for key in ("readout", "stage") if key in config}
        arguments |= {"pixels_per_degree": self.pixels_per_degree, "check": self.check}
        return ", ".join(f"{key}={value!r}" for key, value in arguments.items())

    def _save(self, folder: str | os.PathLike[str], *, repository: str | None) -> None:
        network, config = self._checkpoint
        checkpoints.save(network, config, folder)
        model_card.write(folder, config, repository)

    def _pixels(self, image: ImageLike, name: str) -> _Pixels:
        if isinstance(image, (str, os.PathLike)):
            name = os.fspath(image)
        values = as_pixels(image, check=self.check, name=name)
        if not isinstance(image, Tensor):
            # A tensor stays where it is: if that is another device than the metric's, torch's error names both.
            values = values.to(next(self.buffers(), values).device)
        return _Pixels(values, (values.shape[-2], values.shape[-1]), name)

    def _can_be_cut(self, pixels: Tensor) -> bool:
        """Whether images can be compared tile by tile: on CPU, in float32 or float64, and without a gradient."""
        return not wants_gradient(pixels) and suits(pixels, self._dtype(pixels))

    def _dtype(self, pixels: Tensor) -> torch.dtype:
        """What the network computes in: the precision of its weights or, before its first layer, that of the images."""
        own = pixels.dtype if pixels.is_floating_point() else torch.get_default_dtype()
        return next((weights.dtype for weights in self.buffers()), own)

    def _floats(self, pixels: Tensor) -> Tensor:
        """The pixels as the network takes them: floats of its precision, channels last in memory."""
        return as_floats(pixels).to(self._dtype(pixels)).contiguous(memory_format=torch.channels_last)

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
    """Images as the user gave them, checked: uint8 or floats (N, 3, H, W)."""

    values: Tensor
    size: tuple[int, int]
    name: str

    def __len__(self) -> int:
        return len(self.values)


def _own_precision(device: str) -> torch.autocast:
    """Switches the caller's autocast off: in bfloat16 the difference of two similar images is lost in rounding."""
    return torch.autocast(device, enabled=False)


def _at_least_float32(part: Tensor) -> Tensor:
    """In half precision the difference of two similar images would be lost in rounding."""
    return part.to(torch.promote_types(part.dtype, torch.float32))


def _frozen(module: Readout) -> Readout:
    """The module with its parameters turned into buffers, which no optimiser and no `requires_grad_()` changes."""
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
        a: a path, a Pillow image, or an array or tensor (3, H, W) or (N, 3, H, W), with uint8 in [0, 255] or floats in
            [0, 1].
        b: likewise, of the same height and width.
        check: refuse NaN and floats outside [0, 1].

    Returns:
        0 for identical images, more for differences that are more visible: a float for two single images that are not
        tensors, otherwise floats (N,), differentiable, on the device of the tensors.

    Raises:
        FileNotFoundError: no such file.
        InputError: an image cannot be used, or the sizes differ; the message names the image.

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
