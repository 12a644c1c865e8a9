"""Does a metric put more distortion farther away? A check on anyone's photographs, without opinion scores."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from huggingface_hub.utils import tqdm
from numpy.typing import NDArray
from PIL import Image, features
from scipy import ndimage

import perceptmetric
from perceptmetric.benchmarks.agreement.report import versions
from perceptmetric.benchmarks.metrics.metric import Metric, MetricError, ours
from perceptmetric.benchmarks.metrics.peers import peers
from perceptmetric.checkpoints import fingerprint, load
from perceptmetric.errors import InputError
from perceptmetric.images import as_batch, open_image

Pixels = NDArray[np.float64]
"""(H, W, 3) floats from 0 to 255."""

SAMPLES = Path(perceptmetric.__file__).parent / "samples"
"""Photographs that come with the package."""

LUMA = np.array([0.299, 0.587, 0.114])
LEVELS = 5


@dataclass(frozen=True)
class Distortion:
    """A family of distortions at 5 levels.

    Args:
        apply: from an image (H, W, 3), 0 to 255, and a strength to the distorted image, same shape, not yet rounded.
        strengths: from the weakest level to the strongest.
        unit: what the strengths measure.
    """

    apply: Callable[[Pixels, float], Pixels]
    strengths: tuple[float, float, float, float, float]
    unit: str


def distortions() -> dict[str, Distortion]:
    """The distortions this installation can make: all, but JPEG 2000 where Pillow was built without it.

    Random ones draw the same numbers at each level, so that levels differ by their strength alone.

    Examples:
        >>> grey = np.full((8, 8, 3), 128.0)
        >>> distortions()["mean shift"].apply(grey, 15.0)[0, 0].tolist()
        [143.0, 143.0, 143.0]
    """
    table = {
        "noise": Distortion(_noise, (4, 8, 16, 24, 40), "standard deviation of 255"),
        "colour noise": Distortion(_colour_noise, (6, 12, 24, 36, 60), "standard deviation of 255, luma unchanged"),
        "impulse noise": Distortion(_impulse_noise, (0.003, 0.01, 0.03, 0.06, 0.12), "share of pixels"),
        "blur": Distortion(_blur, (0.5, 1, 1.5, 2.5, 4), "standard deviation in pixels"),
        "pixelation": Distortion(_pixelation, (2, 3, 4, 6, 8), "pixels a side"),
        "JPEG": Distortion(_jpeg, (70, 40, 20, 10, 5), "quality"),
        "quantisation": Distortion(_quantisation, (32, 20, 12, 8, 5), "levels a channel"),
        "contrast": Distortion(_contrast, (0.9, 0.75, 0.6, 0.4, 0.2), "share of the contrast left"),
        "saturation": Distortion(_saturation, (0.8, 0.6, 0.4, 0.2, 0), "share of the saturation left"),
        "mean shift": Distortion(lambda image, shift: image + shift, (8, 15, 25, 40, 60), "of 255"),
        "chromatic aberration": Distortion(_chromatic_aberration, (0.5, 1, 2, 3, 5), "pixels between red and blue"),
    }
    if features.check("jpg_2000"):
        table["JPEG 2000"] = Distortion(_jpeg2000, (40, 35, 31, 27, 23), "PSNR in dB")
    return table


@dataclass(frozen=True)
class Order:
    """How often a metric ordered two levels of one distortion rightly.

    Args:
        metric: its name.
        distortion: its name.
        right: pairs of levels in the right order, the stronger one strictly farther away.
        pairs: all pairs of levels: 10 for each photograph.
    """

    metric: str
    distortion: str
    right: int
    pairs: int


def photographs(folder: Path) -> list[Path]:
    """The JPEG and PNG files of a folder, sorted; of the package's samples only the undistorted ones.

    Raises:
        InputError: no such folder, or none in it.
    """
    suffixes = {".png"} if folder == SAMPLES else {".png", ".jpg", ".jpeg"}
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in suffixes)
    if not found:
        raise InputError(f"{folder}: found no JPEG or PNG file in it")
    return found


def severity(paths: Sequence[Path], checkpoint: str, compare: Sequence[str] = ()) -> SeverityReport:
    """How often our metric, and others, order two levels of a distortion rightly.

    Args:
        paths: photographs.
        checkpoint: of our metric, as for `perceptmetric.checkpoints.load`.
        compare: other metrics, as for `perceptmetric.benchmarks.metrics.peers.peer`.

    Raises:
        FileNotFoundError, InputError: the checkpoint or a photograph cannot be used.
    """
    network, _ = load(checkpoint)
    others, not_run = peers(compare)
    orders = ordered(paths, ours(checkpoint))
    for metric in others:
        try:
            orders += ordered(paths, metric)
        except MetricError as error:
            not_run[metric.name] = str(error)
    return SeverityReport([path.name for path in paths], checkpoint, fingerprint(network), orders, not_run)


@dataclass(frozen=True)
class SeverityReport:
    """What `severity` found.

    Args:
        images: the photographs' file names.
        checkpoint: of our metric.
        sha256: of its weights.
        orders: the results.
        not_run: the metrics that could not be run, and why.
    """

    images: list[str]
    checkpoint: str
    sha256: str
    orders: list[Order]
    not_run: dict[str, str]

    def table(self) -> str:
        """Lines for a terminal."""
        metrics = list(dict.fromkeys(order.metric for order in self.orders))
        found = {(order.metric, order.distortion): f"{order.right / order.pairs:.1%}" for order in self.orders}
        lines = [
            f"{len(self.images)} photographs, checkpoint {self.checkpoint} (SHA-256 {self.sha256[:12]}), "
            "readout default",
            ", ".join(f"{name} {number}" for name, number in versions().items()),
            f"Share of the pairs of {LEVELS} levels that are in the right order:",
            f"{'distortion':<22}" + "".join(f"{name:>15}" for name in metrics),
        ]
        for distortion in dict.fromkeys(order.distortion for order in self.orders):
            lines.append(f"{distortion:<22}" + "".join(f"{found[name, distortion]:>15}" for name in metrics))
        return "\n".join(lines + [f"{name}: not run: {reason}" for name, reason in self.not_run.items()])

    def json(self) -> str:
        """Everything measured, with the versions it was measured with."""
        content = {
            "images": self.images,
            "checkpoint": self.checkpoint,
            "checkpoint_sha256": self.sha256,
            "readout": "default",
            "versions": versions(),
            "results": [asdict(order) for order in self.orders],
            "not_run": [{"metric": name, "reason": reason} for name, reason in self.not_run.items()],
        }
        return json.dumps(content, indent=2) + "\n"


@torch.inference_mode()
def ordered(paths: Sequence[Path], metric: Metric) -> list[Order]:
    """How often the metric orders two levels of a distortion rightly, for each distortion.

    Args:
        paths: photographs.
        metric: of several stages the last is taken.

    Raises:
        FileNotFoundError, InputError: a photograph cannot be used.
        MetricError: the metric fails on it.
    """
    table = distortions()
    right = dict.fromkeys(table, 0)
    for path in tqdm(paths, desc=metric.name, unit="photograph"):
        image = np.asarray(open_image(path), dtype=np.float64)
        try:
            compare = metric.against(_batch(image))
            for name, distortion in table.items():
                distances = [
                    compare(_batch(distortion.apply(image, strength)))[-1] for strength in distortion.strengths
                ]
                right[name] += sum(weaker < stronger for weaker, stronger in combinations(distances, 2))
        except InputError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise MetricError(f"{path}: {metric.name} failed ({reason})") from error
    pairs = len(paths) * LEVELS * (LEVELS - 1) // 2
    return [Order(metric.name, name, count, pairs) for name, count in right.items()]


def _batch(image: Pixels) -> torch.Tensor:
    pixels = np.clip(np.rint(image), 0, 255).astype(np.uint8)
    return as_batch(np.ascontiguousarray(pixels.transpose(2, 0, 1)))


def _luma(image: Pixels) -> Pixels:
    grey: Pixels = image @ LUMA
    return grey[..., None]


def _noise(image: Pixels, sigma: float) -> Pixels:
    return image + sigma * np.random.default_rng(0).standard_normal(image.shape)


def _colour_noise(image: Pixels, sigma: float) -> Pixels:
    noise = sigma * np.random.default_rng(1).standard_normal(image.shape)
    return image + noise - _luma(noise)


def _impulse_noise(image: Pixels, share: float) -> Pixels:
    random = np.random.default_rng(2)
    place, value = random.random(image.shape[:2]), random.integers(0, 2, image.shape[:2]) * 255.0
    return np.where((place < share)[..., None], value[..., None], image)


def _blur(image: Pixels, sigma: float) -> Pixels:
    return np.asarray(ndimage.gaussian_filter(image, (sigma, sigma, 0)))


def _pixelation(image: Pixels, side: float) -> Pixels:
    height, width, _ = image.shape
    small = Image.fromarray(image.astype(np.uint8)).reduce(int(side))
    large = small.resize((small.width * int(side), small.height * int(side)), Image.Resampling.NEAREST)
    return np.asarray(large, dtype=np.float64)[:height, :width]


def _jpeg(image: Pixels, quality: float) -> Pixels:
    return _coded(image, "JPEG", quality=int(quality))


def _jpeg2000(image: Pixels, decibels: float) -> Pixels:
    return _coded(image, "JPEG2000", quality_mode="dB", quality_layers=[decibels], irreversible=True)


def _coded(image: Pixels, name: str, **options: object) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(image.astype(np.uint8)).save(file, name, **options)
    with Image.open(file) as decoded:
        return np.asarray(decoded.convert("RGB"), dtype=np.float64)


def _quantisation(image: Pixels, levels: float) -> Pixels:
    return np.rint(image / 255 * (levels - 1)) / (levels - 1) * 255


def _contrast(image: Pixels, share: float) -> Pixels:
    mean: Pixels = image.mean(axis=(0, 1))
    return mean + share * (image - mean)


def _saturation(image: Pixels, share: float) -> Pixels:
    grey = _luma(image)
    return grey + share * (image - grey)


def _chromatic_aberration(image: Pixels, pixels: float) -> Pixels:
    shifted = image.copy()
    for channel, sign in ((0, 0.5), (2, -0.5)):
        shifted[..., channel] = ndimage.shift(image[..., channel], (0, sign * pixels), order=1, mode="nearest")
    return shifted
