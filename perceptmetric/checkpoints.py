"""Trained networks and their configs, read by name, from a folder or from the Hub, and written; no pickle is used."""

from __future__ import annotations

import hashlib
import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from safetensors.torch import save as to_safetensors

from perceptmetric import hub
from perceptmetric.errors import InputError
from perceptmetric.files import replacing, write
from perceptmetric.perceptnet import Autoencoder

DEFAULT = "denoise"
"""The checkpoint that `distance` and `PerceptualDistance()` use."""

UNTRAINED = "untrained"
"""The name of the network before training (random weights of seed 0), with which every table compares."""

WEIGHTS_FILE = "model.safetensors"
CONFIG_FILE = "config.json"
ARCHITECTURE = "perceptnet-autoencoder"


def bundled_names() -> list[str]:
    """The names of the checkpoints that come with the package, sorted.

    Examples:
        >>> bundled_names()
        ['deblur', 'denoise', 'reconstruct', 'sparse']
    """
    return sorted(path.name for path in _bundled().iterdir() if (path / WEIGHTS_FILE).is_file())


def load(checkpoint: str | os.PathLike[str], revision: str | None = None) -> tuple[Autoencoder, dict[str, Any]]:
    """Reads a checkpoint.

    Args:
        checkpoint: a bundled name (see `bundled_names`), `untrained`, a folder with `model.safetensors` and
            `config.json`, or a repository of the Hugging Face Hub with these files (`owner/name`), tried in this order.
        revision: a branch, tag or commit of the Hub repository.

    Returns:
        The network, in evaluation mode and float32, and its config.

    Raises:
        InputError: there is no such checkpoint, it cannot be downloaded, or its files hold another network.

    Examples:
        >>> network, config = load("deblur")
        >>> config["objective"]
        {'name': 'deblur', 'sigma': 0.5}
    """
    if checkpoint == UNTRAINED:
        return untrained(seed=0).eval(), _read_config(_bundled() / UNTRAINED / CONFIG_FILE, UNTRAINED)
    folder, name = _locate(checkpoint, revision)
    config = _read_config(folder / CONFIG_FILE, f"{name}/{CONFIG_FILE}")
    network = Autoencoder()
    try:
        network.load_state_dict(load_file(folder / WEIGHTS_FILE))
    except FileNotFoundError as error:
        raise InputError(f"{name}/{WEIGHTS_FILE}: no such file, expected a checkpoint's weights") from error
    except (SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"{name}/{WEIGHTS_FILE}: not the weights of a {ARCHITECTURE} ({reason})") from error
    return network.eval(), config


def save(
    network: Autoencoder,
    config: dict[str, Any],
    folder: str | os.PathLike[str],
    *,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Writes a checkpoint, `model.safetensors` and `config.json`, which `load` reads back.

    Args:
        network: of any precision and on any device.
        config: anything that JSON can hold; `architecture` is added.
        folder: where to write; it is made if it does not exist.
        dtype: the weights are rounded to this precision in the file.

    Raises:
        OSError: a file cannot be written.

    Examples:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> save(untrained(seed=3), {"seed": 3}, folder)
        >>> load(folder)[1]
        {'architecture': 'perceptnet-autoencoder', 'seed': 3}
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.to("cpu", dtype).contiguous() for name, tensor in network.state_dict().items()}
    with replacing(folder / WEIGHTS_FILE) as temporary:
        save_file(weights, temporary)
    write(folder / CONFIG_FILE, json.dumps({"architecture": ARCHITECTURE, **config}, indent=2) + "\n")


def untrained(seed: int) -> Autoencoder:
    """A network with the random weights that training starts from.

    Args:
        seed: of the weights; the global random state does not change.

    Examples:
        >>> torch.equal(untrained(seed=1).encoder.conv3.weight, untrained(seed=1).encoder.conv3.weight)
        True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Autoencoder()


def fingerprint(network: Autoencoder) -> str:
    """The SHA-256 of a network's weights, written as a `model.safetensors` of float32.

    Args:
        network: of any precision and on any device.

    Returns:
        64 hexadecimal digits.

    Examples:
        >>> len(fingerprint(untrained(seed=0)))
        64
    """
    weights = {name: tensor.float().cpu().contiguous() for name, tensor in network.state_dict().items()}
    return hashlib.sha256(to_safetensors(weights)).hexdigest()


def _bundled() -> Path:
    return Path(str(resources.files("perceptmetric"))) / "weights"


def _locate(checkpoint: str | os.PathLike[str], revision: str | None) -> tuple[Path, str]:
    """The folder that holds a checkpoint, and what errors call the checkpoint."""
    if isinstance(checkpoint, str) and checkpoint in bundled_names():
        folder = _bundled() / checkpoint
    elif Path(checkpoint).is_dir():
        folder = Path(checkpoint)
    elif isinstance(checkpoint, str) and hub.is_repository(checkpoint):
        return hub.download(checkpoint, [WEIGHTS_FILE, CONFIG_FILE], revision), f"Hub repository {checkpoint}"
    else:
        names = ", ".join([*bundled_names(), UNTRAINED])
        raise InputError(
            f"checkpoint {checkpoint}: found neither a folder nor a bundled name ({names}), "
            "and a Hub repository is owner/name"
        )
    if revision is not None:
        raise InputError(f"revision {revision}: checkpoint {checkpoint} is not a Hub repository and has none")
    return folder, str(folder)


def _read_config(path: Path, name: str) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{name}: no such file, expected a checkpoint's config") from error
    except ValueError as error:
        raise InputError(f"{name}: not JSON ({error})") from error
    architecture = config.get("architecture") if isinstance(config, dict) else None
    if architecture != ARCHITECTURE:
        raise InputError(f"{name}: found architecture {architecture!r}, expected {ARCHITECTURE!r}")
    return dict(config)
