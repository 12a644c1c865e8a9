"""PerceptNet, a model of the path from retina to V1, and the decoder that mirrors it.

Encoder: Hepburn et al., "PerceptNet: A human visual system inspired neural network for estimating
perceptual distance", ICIP 2020. Autoencoder: Hernández-Cámara et al., "From Images to Perception:
Emergence of Perceptual Properties by Reconstructing Images", CCN 2025, arXiv 2508.10450.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from perceptmetric.normalization import DivisiveNormalization, InverseDivisiveNormalization

ENCODER_STAGES = ("gdn1", "conv1", "pool1", "gdn2", "conv2", "pool2", "gdn3", "conv3", "gdn4")
DECODER_STAGES = ("igdn1", "conv4", "igdn2", "up1", "conv5", "igdn3", "up2", "conv6", "igdn4")
STAGES = ("input", *ENCODER_STAGES, *DECODER_STAGES)
"""The 19 stages of the autoencoder, in the order the data passes them; `gdn4` is the encoder's output."""


def stride(stage: str) -> int:
    """How many pixels of the image lie from one place of a stage to the next, along either side.

    Examples:
        >>> stride("input"), stride("gdn2"), stride("gdn4"), stride("igdn4")
        (1, 2, 4, 1)
    """
    passed = STAGES[: STAGES.index(stage) + 1]
    halvings = sum(name.startswith("pool") for name in passed) - sum(name.startswith("up") for name in passed)
    return 1 << halvings


class PerceptNet(nn.Sequential):
    """The encoder, from retina to V1 (36,368 parameters). Every layer is an attribute under its stage's name.

    | stage | layer | stands for |
    |---|---|---|
    | gdn1 | normalisation, each channel on its own | light adaptation |
    | conv1 | 1x1, 3 to 3 | opponent colour |
    | pool1 | max-pool 2 | |
    | gdn2 | normalisation over 3 channels | Von Kries adaptation |
    | conv2 | 5x5, 3 to 6 | centre-surround cells of the LGN |
    | pool2 | max-pool 2 | |
    | gdn3 | normalisation over 6 channels | LGN normalisation |
    | conv3 | 5x5, 6 to 128 | oriented filters of V1 |
    | gdn4 | normalisation over 128 channels | V1 normalisation |

    Shape:
        (N, 3, H, W) floats in [0, 1] to (N, 128, ceil(H / 4), ceil(W / 4)).

    Examples:
        >>> import torch
        >>> PerceptNet()(torch.rand(1, 3, 64, 48)).shape
        torch.Size([1, 128, 16, 12])
    """

    def __init__(self) -> None:
        # ceil_mode: the last rows and columns of a size that 2 does not divide count as well.
        layers = (
            DivisiveNormalization(3, per_channel=True),
            nn.Conv2d(3, 3, 1),
            nn.MaxPool2d(2, ceil_mode=True),
            DivisiveNormalization(3),
            nn.Conv2d(3, 6, 5, padding="same"),
            nn.MaxPool2d(2, ceil_mode=True),
            DivisiveNormalization(6),
            nn.Conv2d(6, 128, 5, padding="same"),
            DivisiveNormalization(128),
        )
        super().__init__(OrderedDict(zip(ENCODER_STAGES, layers, strict=True)))


class Decoder(nn.Sequential):
    """The mirror of `PerceptNet` (36,243 parameters): pooling becomes nearest up-sampling, division multiplication.

    Shape:
        (N, 128, H, W) floats to (N, 3, 4 H, 4 W).

    Examples:
        >>> import torch
        >>> Decoder()(torch.rand(1, 128, 16, 12)).shape
        torch.Size([1, 3, 64, 48])
    """

    def __init__(self) -> None:
        layers = (
            InverseDivisiveNormalization(128),
            nn.Conv2d(128, 6, 5, padding="same"),
            InverseDivisiveNormalization(6),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(6, 3, 5, padding="same"),
            InverseDivisiveNormalization(3),
            nn.Upsample(scale_factor=2),
            nn.Conv2d(3, 3, 1),
            InverseDivisiveNormalization(3, per_channel=True),
        )
        super().__init__(OrderedDict(zip(DECODER_STAGES, layers, strict=True)))


class Autoencoder(nn.Module):
    """`PerceptNet` and its decoder, trained together to rebuild photographs (72,611 parameters).

    Shape:
        (N, 3, H, W) floats in [0, 1] to the rebuilt (N, 3, H, W), not clamped.

    Examples:
        >>> import torch
        >>> network = Autoencoder()
        >>> network(torch.rand(1, 3, 30, 50)).shape
        torch.Size([1, 3, 30, 50])
        >>> [name for name, _ in network.stages(torch.rand(1, 3, 32, 32))] == list(STAGES)
        True
    """

    def __init__(self) -> None:
        super().__init__()
        self.encoder = PerceptNet()
        self.decoder = Decoder()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as the images are

    def forward(self, images: Tensor) -> Tensor:
        """The images rebuilt, (N, 3, H, W)."""
        return self.decode(self.encoder(images), images.shape)

    def decode(self, code: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The image behind the encoder's output, cut to the last two sizes of `shape` (they need not divide by 4)."""
        image: Tensor = self.decoder(code)
        return image[..., : shape[-2], : shape[-1]]

    def stages(self, images: Tensor) -> Iterator[tuple[str, Tensor]]:
        """The name and the activations of each stage in `STAGES`, each computed when it is asked for."""
        activations = images
        yield STAGES[0], activations
        for part in (self.encoder, self.decoder):
            for name, layer in part.named_children():
                activations = layer(activations)
                yield name, activations

    def until(self, stage: str) -> nn.Sequential:
        """The layers up to and including `stage` as one module that shares this network's weights.

        Args:
            stage: one of `STAGES`; `input` gives the identity.

        Raises:
            ValueError: for any other name.
        """
        if stage not in STAGES:
            raise ValueError(f"stage: found {stage!r}, expected one of {', '.join(STAGES)}")
        layers = [*self.encoder.named_children(), *self.decoder.named_children()]
        return nn.Sequential(OrderedDict(layers[: STAGES.index(stage)]))
