"""The metrics others use, on the same pairs: those of PIQ, and any function of the user's own."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from perceptmetric.benchmarks.metrics.metric import Compare, Metric, MetricError
from perceptmetric.errors import InputError

HAND_MADE = {
    "psnr": "psnr",
    "ssim": "ssim",
    "ms-ssim": "multi_scale_ssim",
    "fsimc": "fsim",  # chromatic unless told otherwise
    "vsi": "vsi",
    "gmsd": "gmsd",
    "ms-gmsd": "multi_scale_gmsd",
    "haarpsi": "haarpsi",
    "mdsi": "mdsi",
    "vifp": "vif_p",
    "dss": "dss",
    "sr-sim": "srsim",
}
"""Metrics without weights, and what PIQ calls them. All run at PIQ's own settings, on values from 0 to 255.

One pair at a time: PIQ's SR-SIM scales its saliency by the extremes of the whole batch, so that a pair's value depends
on its neighbours there.
"""

DEEP = {"lpips": "LPIPS", "dists": "DISTS"}
"""Metrics whose weights PIQ fetches from its own releases, beside the VGG-16 of torchvision."""

DISTANCES = {"gmsd", "ms-gmsd", "mdsi", "lpips", "dists"}
"""Those of which a larger value is worse; the others are similarities, of which the negative is the distance."""

NAMES = (*HAND_MADE, *DEEP)

# A failed import of torchvision leaves parts of itself behind.
TORCHVISION = ("torchvision", "torchvision.models", "torchvision.models.inception")


def peer(name: str) -> Metric:
    """One of `NAMES`, or a user's own as `package.module:callable`.

    The callable takes a reference and a distorted image, each (1, 3, H, W) floats in [0, 1], and gives a
    number, larger is worse. Where larger is better, let it have an attribute `higher_is_better = True`,
    as the metrics of torchmetrics have.

    Raises:
        InputError: no such metric.
        MetricError: it cannot run here; the message says why.

    Examples:
        >>> import torch
        >>> image = torch.zeros(1, 3, 8, 8)
        >>> peer("torch:dist").against(image)(image + 1)  # the Euclidean distance
        [13.856...]
    """
    if ":" in name:
        return _own(name)
    if name in HAND_MADE:
        return _pairwise(name, _hand_made(name), sign=1 if name in DISTANCES else -1)
    if name in DEEP:
        return _pairwise(name, _deep(name), sign=1)
    raise InputError(f"{name}: no such metric, expected one of {', '.join(NAMES)}, or package.module:callable")


def peers(names: Sequence[str]) -> tuple[list[Metric], dict[str, str]]:
    """Those of some metrics that can run here, and why the others cannot.

    Raises:
        InputError: a name is no metric's.
    """
    ready, not_run = [], {}
    for name in dict.fromkeys(names):
        try:
            ready.append(peer(name))
        except MetricError as error:
            not_run[name] = str(error)
    return ready, not_run


def _pairwise(name: str, measure: Callable[[Tensor, Tensor], Any], sign: int) -> Metric:
    def against(reference: Tensor) -> Compare:
        return lambda distorted: [sign * float(measure(reference, distorted))]

    return Metric(name, ("",), against)


def _hand_made(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    function = getattr(_piq(), HAND_MADE[name])

    def measure(reference: Tensor, distorted: Tensor) -> Tensor:
        # The distorted image comes first: VIFp and MDSI are not symmetric.
        value: Tensor = function(_values(distorted), _values(reference), data_range=255.0)
        return value

    return measure


def _values(image: Tensor) -> Tensor:
    """From [0, 1] to the whole numbers from 0 to 255 that the file held."""
    return (image * 255).round().contiguous()


def _deep(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    if reason := _why_no_torchvision():
        raise MetricError(f"needs torchvision, which cannot be imported here ({reason})")
    forced = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"  # tensors alone, never a pickle's code
    try:
        network = getattr(_piq(), DEEP[name])()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise MetricError(f"its weights cannot be loaded ({reason})") from error
    finally:
        os.environ.pop("TORCH_FORCE_WEIGHTS_ONLY_LOAD")
        if forced is not None:
            os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = forced
    return lambda reference, distorted: network(distorted.contiguous(), reference.contiguous())


def _own(name: str) -> Metric:
    module, _, attribute = name.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # as for `python -m`: the current folder counts
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise MetricError(f"cannot be imported ({reason})") from error
    if not callable(found):
        raise MetricError(f"found {type(found).__name__}, expected something to call")
    return _pairwise(name, found, sign=-1 if getattr(found, "higher_is_better", False) else 1)


def _piq() -> ModuleType:
    """PIQ, whether torchvision can be imported or not.

    PIQ imports torchvision for its deep metrics and FID alone: five names. Where the import fails (it is
    not installed, or does not fit the installed torch), empty stand-ins of these names take its place while
    PIQ is imported, and are gone afterwards.

    Raises:
        MetricError: PIQ is not installed, or cannot be imported.
    """
    if "piq" in sys.modules:
        return sys.modules["piq"]
    stand_ins = _stand_ins() if _why_no_torchvision() else {}
    before = {name: sys.modules[name] for name in stand_ins if name in sys.modules}
    sys.modules.update(stand_ins)
    try:
        return importlib.import_module("piq")
    except ImportError as error:
        raise MetricError(f"piq cannot be imported ({error}); pip install 'perceptmetric[peers]'") from error
    finally:
        for name in stand_ins:
            del sys.modules[name]
        sys.modules.update(before)


def _why_no_torchvision() -> str:
    """Why torchvision cannot be imported; empty if it can."""
    try:
        importlib.import_module("torchvision.models")
    except (ImportError, RuntimeError, AttributeError, OSError) as error:
        for name in TORCHVISION:
            if sys.modules.get(name):
                del sys.modules[name]
        return str(error).splitlines()[0]
    return ""


def _stand_ins() -> dict[str, ModuleType]:
    torchvision, models, inception = modules = [ModuleType(name) for name in TORCHVISION]
    torchvision.models = models  # type: ignore[attr-defined]
    models.inception = inception  # type: ignore[attr-defined]
    models.vgg16 = models.vgg19 = None  # type: ignore[attr-defined]
    for letter in "ACE":
        setattr(inception, f"Inception{letter}", type(f"Inception{letter}", (nn.Module,), {}))
    return dict(zip(TORCHVISION, modules, strict=True))
