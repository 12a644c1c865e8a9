"""Modules that need an extra are left out where it is not installed."""

from importlib.util import find_spec

_NEEDS = {
    "perceptmetric/integrations/torchmetrics.py": "torchmetrics",
    "perceptmetric/integrations/onnx.py": "onnxscript",
}
collect_ignore = [module for module, package in _NEEDS.items() if find_spec(package) is None]
