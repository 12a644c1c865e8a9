"""The state of an optimizer as named tensors and text that JSON can hold, and back."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

PREFIX = "optimizer"


def pack(optimizer: Optimizer) -> tuple[dict[str, Tensor], str]:
    """What an optimizer must remember from one step to the next.

    Args:
        optimizer: any whose state is tensors, numbers and text, in lists and tables.

    Returns:
        The tensors by name, and JSON that says where each belongs and how it lies in memory, since the order in which
        sums are taken, and so their last bit, can depend on it.
    """
    tensors: dict[str, Tensor] = {}

    def packed(value: Any, name: str) -> Any:
        if isinstance(value, Tensor):
            tensors[name] = value.detach().contiguous()
            return {"tensor": name, "stride": value.stride()}
        if isinstance(value, dict):
            return {"table": [[key, packed(each, f"{name}.{key}")] for key, each in value.items()]}
        if isinstance(value, list | tuple):
            return [packed(each, f"{name}.{place}") for place, each in enumerate(value)]
        return value

    return tensors, json.dumps(packed(optimizer.state_dict(), PREFIX))


def unpack(optimizer: Optimizer, tensors: dict[str, Tensor], text: str) -> None:
    """Gives an optimizer of the same kind and parameters the state that `pack` took from another."""

    def unpacked(value: Any) -> Any:
        if isinstance(value, list):
            return [unpacked(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "table" in value:
            return {key: unpacked(each) for key, each in value["table"]}
        saved = tensors[value["tensor"]]
        return torch.empty_strided(saved.shape, value["stride"], dtype=saved.dtype, device=saved.device).copy_(saved)

    optimizer.load_state_dict(unpacked(json.loads(text)))
