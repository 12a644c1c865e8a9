"""Imports the packages that metrics come from; each is an extra, and none is loaded before it is asked for."""

from __future__ import annotations

import importlib
from types import ModuleType

from perceptmetric.benchmarks.metrics.metric import MetricError


def package(name: str, extra: str) -> ModuleType:
    """The module of that name.

    Args:
        name: as `import` takes it.
        extra: what brings it: `pip install 'perceptmetric[extra]'`.

    Raises:
        MetricError: it is not installed, or cannot be imported.

    Examples:
        >>> package("math", "none").pi
        3.14...
        >>> package("nonesuch", "flip")
        Traceback (most recent call last):
        ...
        perceptmetric.benchmarks.metrics.metric.MetricError: nonesuch cannot be imported (No module named
        'nonesuch'); pip install 'perceptmetric[flip]'
    """
    try:
        import numpy as np  # here, because the command's --help imports this module

        with np.printoptions():  # colour-science changes how NumPy prints
            return importlib.import_module(name)
    except ImportError as error:
        raise not_installed(name, extra, str(error)) from error


def not_installed(name: str, extra: str, reason: str) -> MetricError:
    """The one line that says what is missing and how to get it.

    Examples:
        >>> not_installed("piq", "peers", "no module of that name")
        MetricError("piq cannot be imported (no module of that name); pip install 'perceptmetric[peers]'")
    """
    return MetricError(f"{name} cannot be imported ({reason.splitlines()[0]}); pip install 'perceptmetric[{extra}]'")
