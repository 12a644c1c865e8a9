"""A name or a folder -> a trained network and its config, and back. Weights are safetensors, never pickle."""

from __future__ import annotations

import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from perceptmetric.errors import InputError
from perceptmetric.files import replacing
from perceptmetric.perceptnet import Autoencoder

DEFAULT = "denoise-0.1"
"""The checkpoint `distance` and `PerceptualDistance()` use."""

UNTRAINED = "untrained"
"""The name of the network before training (random start, seed 0): the row every table compares with."""

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
ARCHITECTURE = "perceptnet-autoencoder"


def bundled_names() -> list[str]:
    """The checkpoints that come with the package, sorted."""
    return sorted(path.name for path in _bundled().iterdir() if (path / CONFIG_FILE).is_file())


def load(checkpoint: str | os.PathLike[str]) -> tuple[Autoencoder, dict[str, Any]]:
    """A network in evaluation mode and its config.

    Args:
        checkpoint: a bundled name (see `bundled_names`), `untrained`, or a folder with
            `model.safetensors` and `config.json`.

    Raises:
        InputError: no such checkpoint, or its files do not hold this network.

    Example:
        >>> network, config = load("denoise-0.1")
        >>> config["objective"]
        {'name': 'denoise', 'sigma': 0.1}
    """
    if checkpoint == UNTRAINED:
        return untrained(seed=0).eval(), {"architecture": ARCHITECTURE, "objective": None, "seed": 0}
    folder = _folder(checkpoint)
    config = _read_config(folder / CONFIG_FILE)
    network = Autoencoder()
    path = folder / WEIGHTS_FILE
    try:
        network.load_state_dict(load_file(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file, expected the weights of checkpoint {checkpoint}") from error
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"{path}: not the weights of a {ARCHITECTURE} ({reason})") from error
    return network.eval(), config


def save(network: Autoencoder, config: dict[str, Any], folder: str | os.PathLike[str]) -> None:
    """Writes `model.safetensors` and `config.json` into `folder`, which is made if need be.

    Args:
        network: its weights are written as float32.
        config: anything JSON can hold; `architecture` is added.
        folder: the checkpoint's folder; `load(folder)` reads it back.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.float().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with replacing(folder / WEIGHTS_FILE) as temporary:
        save_file(weights, temporary)
    with replacing(folder / CONFIG_FILE) as temporary:
        temporary.write_text(json.dumps({"architecture": ARCHITECTURE, **config}, indent=2) + "\n", encoding="utf-8")


def untrained(seed: int) -> Autoencoder:
    """A network at its random start; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Autoencoder()


def _bundled() -> Path:
    return Path(str(resources.files("perceptmetric"))) / "weights"


def _folder(checkpoint: str | os.PathLike[str]) -> Path:
    bundled = _bundled() / checkpoint
    if isinstance(checkpoint, str) and checkpoint in bundled_names():
        return bundled
    if Path(checkpoint).is_dir():
        return Path(checkpoint)
    names = ", ".join([*bundled_names(), UNTRAINED])
    raise InputError(f"checkpoint {checkpoint}: found neither a folder nor a bundled name ({names})")


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file, expected the checkpoint's config") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})") from error
    found = config.get("architecture") if isinstance(config, dict) else None
    if found != ARCHITECTURE:
        raise InputError(f"{path}: found architecture {found!r}, expected {ARCHITECTURE!r}")
    return dict(config)
