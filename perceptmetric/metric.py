"""`PerceptualDistance`, the metric as a module, and `distance`, the metric as a function."""

from __future__ import annotations

import copy
import os
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from perceptmetric import checkpoints, hub, readout
from perceptmetric.errors import InputError
from perceptmetric.images import ImageLike, as_batch
from perceptmetric.perceptnet import Autoencoder, stride


@dataclass(frozen=True)
class Encoding:
    """An image, or a batch of them, as a metric sees it.

    Args:
        activations: (N, C, h, w) floats; at `gdn4` (N, 128, ceil(H / 4), ceil(W / 4)).
        size: (H, W) of the images in pixels.
        name: what an error calls them.
    """

    activations: Tensor
    size: tuple[int, int]
    name: str


class PerceptualDistance(nn.Module):
    """How different two images look: the distance between their activations at one stage of PerceptNet.

    0 for identical images, symmetric, without upper bound, and differentiable everywhere. It adds up
    over the image: images twice as large in area are about sqrt(2) times as far apart. The network is
    frozen (its weights are buffers, which no optimiser meets), stays in evaluation mode, and computes in its
    own precision (float32 unless the module is cast) also under autocast. The study's readout:
    `perceptmetric.readout.paper`.

    Args:
        network: a trained autoencoder, of which a copy is kept; the bundled default where None.
        stage: one of `perceptmetric.perceptnet.STAGES`; `gdn4` is the encoder's output, like V1.
        check: refuse floats outside [0, 1] and NaN. Switch it off where a network's output may stray a
            little, as in a training loop; it also spares CUDA a synchronisation.

    Shape:
        Two images, each anything of `perceptmetric.images.ImageLike` (path, Pillow image, array or
        tensor; uint8 in [0, 255] or floats in [0, 1]); (3, H, W) or (N, 3, H, W), of one size, at least
        4x4 pixels. Output: floats (N,).

    Raises:
        InputError: an image cannot be used, or the sizes differ.
        ValueError: no such stage.

    Example:
        >>> metric = PerceptualDistance()
        >>> sharp = torch.rand(2, 3, 32, 32)
        >>> metric(sharp, sharp)
        tensor([0., 0.])
        >>> output = sharp.clone().requires_grad_()
        >>> loss = metric(output, sharp).mean()
        >>> loss.backward()
    """

    def __init__(self, network: Autoencoder | None = None, *, stage: str = "gdn4", check: bool = True) -> None:
        super().__init__()
        config: dict[str, Any] = {}
        if network is None:
            network, config = checkpoints.load(checkpoints.DEFAULT)
        self.stage = stage
        self.check = check
        self.layers = _frozen(copy.deepcopy(network.until(stage)))
        # What `save_pretrained` writes; in a tuple, so that the decoder does not become a part of this module.
        self._checkpoint = copy.deepcopy(network), config
        self.eval()

    @classmethod
    def from_pretrained(
        cls,
        checkpoint: str | os.PathLike[str] = checkpoints.DEFAULT,
        *,
        revision: str | None = None,
        stage: str | None = None,
        check: bool = True,
    ) -> PerceptualDistance:
        """The metric of a bundled checkpoint, of one in a folder, or of one on the Hugging Face Hub.

        Args:
            checkpoint: a name of `perceptmetric.checkpoints.bundled_names()`, `untrained`, a folder with
                `model.safetensors` and `config.json`, or a Hub repository that holds them (`owner/name`). Cache,
                token, endpoint and offline mode are those of huggingface_hub.
            revision: branch, tag or commit of a Hub repository.
            stage: as for the class; where None, the one the checkpoint was saved with, else `gdn4`.
            check: as for the class.

        Raises:
            InputError: no such checkpoint, it cannot be fetched, or it is broken.
            ValueError: no such stage.

        Example:
            >>> metric = PerceptualDistance.from_pretrained("reconstruct", stage="conv3")
        """
        network, config = checkpoints.load(checkpoint, revision)
        metric = cls(network, stage=stage or config.get("stage", "gdn4"), check=check)
        metric._checkpoint = network, config
        return metric

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Writes the metric's checkpoint: `model.safetensors`, `config.json` and a model card, `README.md`.

        Args:
            folder: made if need be; `from_pretrained(folder)` reads the same metric back.

        Example:
            >>> folder = tempfile.mkdtemp()
            >>> PerceptualDistance(stage="conv3").save_pretrained(folder)
            >>> PerceptualDistance.from_pretrained(folder).stage
            'conv3'
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
        return self.compare(self._encode(a, "first image"), self._encode(b, "second image"))

    def encode(self, image: ImageLike) -> Encoding:
        """What `compare` needs of an image: a reference that meets many others is encoded once.

        Args:
            image: as for the metric itself.

        Raises:
            InputError: the image cannot be used.
        """
        return self._encode(image, "image")

    def compare(self, a: Encoding, b: Encoding) -> Tensor:
        """The distances (N,) of what `encode` gave: each with its counterpart, or one with all others.

        Raises:
            InputError: the sizes of the images differ, or their numbers do and neither is 1.

        Example:
            >>> metric = PerceptualDistance()
            >>> reference = metric.encode(torch.rand(3, 32, 32))
            >>> metric.compare(reference, metric.encode(torch.rand(5, 3, 32, 32))).shape
            torch.Size([5])
        """
        _check_pair(a, b)
        with _own_precision(a):
            return readout.paper(a.activations, b.activations)

    def map(self, a: ImageLike, b: ImageLike) -> Tensor:
        """Where two images differ: the squared distance pixel by pixel.

        Args:
            a: as for the metric itself.
            b: as for the metric itself.

        Returns:
            Floats (N, 1, H, W), not negative; their sum over an image is its distance squared.

        Raises:
            InputError: as for the metric itself.

        Example:
            >>> metric, a, b = PerceptualDistance(), torch.rand(3, 32, 32), torch.rand(3, 32, 32)
            >>> torch.allclose(metric.map(a, b).sum().sqrt(), metric(a, b))
            True
        """
        first, second = self._encode(a, "first image"), self._encode(b, "second image")
        _check_pair(first, second)
        with _own_precision(first):
            return readout.paper_map(first.activations, second.activations, size=first.size, stride=stride(self.stage))

    def train(self, mode: bool = True) -> PerceptualDistance:
        """Does nothing but stay in evaluation mode: the metric is not trained along with its caller."""
        return super().train(False)

    def extra_repr(self) -> str:
        """The arguments, for `print`."""
        return f"stage={self.stage!r}, check={self.check}"

    def _save(self, folder: str | os.PathLike[str], *, repository: str | None) -> None:
        network, config = self._checkpoint
        config = {**config, "stage": self.stage}
        checkpoints.save(network, config, folder)
        hub.write_card(folder, config, repository)

    def _encode(self, image: ImageLike, name: str) -> Encoding:
        if isinstance(image, (str, os.PathLike)):
            name = os.fspath(image)
        batch = as_batch(image, check=self.check, name=name)
        weights = next(self.buffers(), batch)
        # A tensor on another device is its caller's slip: torch's error names both devices.
        batch = batch.to(weights.dtype) if isinstance(image, Tensor) else batch.to(weights)
        height, width = batch.shape[-2:]
        with torch.autocast(batch.device.type, enabled=False):
            return Encoding(self.layers(batch), (height, width), name)


def _own_precision(encoding: Encoding) -> torch.autocast:
    """Switches the caller's autocast off: the difference of two similar images drowns in bfloat16's rounding."""
    return torch.autocast(encoding.activations.device.type, enabled=False)


def _frozen(module: nn.Module) -> nn.Module:
    """The module with its parameters turned to buffers: no optimiser, no `requires_grad_()` can reach them."""
    for part in module.modules():
        for name, parameter in list(part.named_parameters(recurse=False)):
            delattr(part, name)
            part.register_buffer(name, parameter.detach())
    return module


def _check_pair(a: Encoding, b: Encoding) -> None:
    if a.size != b.size:
        (height, width), (expected_height, expected_width) = b.size, a.size
        raise InputError(
            f"{b.name}: found {width}x{height} pixels, expected {expected_width}x{expected_height} as {a.name} has"
        )
    numbers = len(a.activations), len(b.activations)
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

    Example:
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
