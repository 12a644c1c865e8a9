"""Imports PIQ where torchvision is missing or broken.

PIQ imports torchvision for its deep metrics and FID only, and needs five names of it at import. Where torchvision
cannot be imported (it is not installed, or does not fit the installed torch), empty stand-ins for these names take its
place while PIQ is imported, and are removed afterwards.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from perceptmetric.benchmarks.metrics.metric import MetricError

# A failed import of torchvision leaves parts of itself behind.
TORCHVISION = ("torchvision", "torchvision.models", "torchvision.models.inception")


def import_piq() -> ModuleType:
    """PIQ, whether torchvision can be imported or not.

    Raises:
        MetricError: PIQ is not installed, or cannot be imported.

    Examples:
        >>> import_piq().psnr  # doctest: +SKIP
        <function psnr at 0x...>
    """
    if "piq" in sys.modules:
        return sys.modules["piq"]
    stand_ins = _stand_ins() if why_missing() else {}
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


def why_missing() -> str:
    """Why torchvision cannot be imported; empty if it can.

    Examples:
        >>> isinstance(why_missing(), str)
        True
    """
    try:
        importlib.import_module("torchvision.models")
    except (ImportError, RuntimeError, AttributeError, OSError) as error:
        for name in TORCHVISION:
            if sys.modules.get(name):
                del sys.modules[name]
        return str(error).splitlines()[0]
    return ""


def _stand_ins() -> dict[str, ModuleType]:
    from torch import nn

    torchvision, models, inception = modules = [ModuleType(name) for name in TORCHVISION]
    torchvision.models = models  # type: ignore[attr-defined]
    models.inception = inception  # type: ignore[attr-defined]
    models.vgg16 = models.vgg19 = None  # type: ignore[attr-defined]
    for letter in "ACE":
        setattr(inception, f"Inception{letter}", type(f"Inception{letter}", (nn.Module,), {}))
    return dict(zip(TORCHVISION, modules, strict=True))
