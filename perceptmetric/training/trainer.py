"""The training loop: from a recipe and a folder of photographs to a checkpoint."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.utils import tqdm
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from perceptmetric import checkpoints
from perceptmetric.errors import InputError
from perceptmetric.files import replacing, write
from perceptmetric.images import as_batch
from perceptmetric.perceptnet import Autoencoder
from perceptmetric.readout import natural_statistics
from perceptmetric.tables import write_rows
from perceptmetric.training.data import Batch, Batches, central_squares, find_photographs
from perceptmetric.training.objectives import Reconstruct
from perceptmetric.training.processes import Processes
from perceptmetric.training.recipe import Recipe
from perceptmetric.training.state import pack, unpack

STATE_FILE = "state.safetensors"
CURVE_FILE = "curve.csv"
SKIPPED_FILE = "skipped.txt"
ALONE = Processes()
VALIDATION_BATCH = 10
NATURAL_PHOTOGRAPHS = 100
"""How many of the training photographs, the first by path, the statistics of the default readout are measured on."""


class DivergedError(RuntimeError):
    """The loss is no longer a finite number; the message names step, photographs and recipe values."""


class Trainer:
    """Trains one recipe, resuming where an earlier run into the same folder was cut off.

    After every `validate_every` steps the folder holds `curve.csv` (one row a validation), the state to
    resume from, and the checkpoint with the lowest validation error so far; each file is replaced whole.
    Photographs that cannot be used are skipped and named in `skipped.txt`.
    A resumed run gives the weights of an uninterrupted one, bit for bit on a CPU with the same number of
    threads and processes.

    Args:
        recipe: what to train.
        data: folder tree of JPEG and PNG photographs; the last `recipe.validation_images` by path are
            held back for validation.
        out: folder of the checkpoint, made if need be; all processes must see the same one.
        device: `cpu`, `cuda`, ...
        processes: this process among those that share the batches.

    Raises:
        InputError: unusable photographs, or `out` holds a run of another recipe.
    """

    def __init__(
        self, recipe: Recipe, data: Path, out: Path, device: torch.device, processes: Processes = ALONE
    ) -> None:
        self.recipe = recipe
        self.out = out
        self.device = device
        self.processes = processes
        if recipe.batch % processes.count:
            raise InputError(f"batch: found {recipe.batch}, expected a multiple of the {processes.count} processes")
        paths = find_photographs(data)
        train, held_back = paths[: -recipe.validation_images], paths[-recipe.validation_images :]
        if not train:
            raise InputError(f"{data}: found {len(paths)} photographs, expected over {recipe.validation_images}")
        self.batches = Batches(
            train,
            side=recipe.crop,
            batch=recipe.batch,
            seed=recipe.seed,
            resize=recipe.resize,
            share=(processes.rank, processes.count),
        )
        self.natural = train[:NATURAL_PHOTOGRAPHS]
        validation = central_squares(held_back)
        self.held_back = validation.images
        self.skipped = dict(validation.skipped)
        self.data = {
            "folder": data.resolve().name,
            "training_images": len(train),
            "first": train[0].name,
            "last": train[-1].name,
            "validation_images": len(self.held_back),
        }
        self.network = checkpoints.untrained(recipe.seed).to(device)
        self.loss = self._loss()
        self.optimizer = optimizer(self.network, recipe)
        self.step = 0
        self.curve: list[dict[str, float]] = []
        out.mkdir(parents=True, exist_ok=True)
        if processes.rank == 0:
            for leftover in out.glob(".*.tmp"):  # of a run that was killed while it wrote
                leftover.unlink(missing_ok=True)
        if (out / STATE_FILE).exists():
            self._resume()

    def run(self) -> None:
        """Trains to the recipe's last step, or until its patience ends.

        Raises:
            DivergedError: at the first loss that is not finite.
        """
        started, waited, losses = time.monotonic(), 0.0, []
        bar = tqdm(
            total=self.recipe.steps,
            initial=self.step,
            desc=self.out.name,
            unit="step",
            disable=self.processes.rank > 0,
        )
        with bar, closing(self.batches.ahead(self.step, self.recipe.steps)) as batches:
            while not is_finished(self.recipe, self.curve):
                asked = time.monotonic()
                batch = next(batches)
                waited += time.monotonic() - asked
                losses.append(self._train_step(batch))
                seconds = time.monotonic() - started
                bar.set_postfix(loss=f"{losses[-1]:.5f}", waiting=f"{waited / seconds:.1%}", refresh=False)
                bar.update()
                if self.step % self.recipe.validate_every == 0 or self.step == self.recipe.steps:
                    loss = self.processes.mean(sum(losses) / len(losses))
                    error = self._validation_error() if self.processes.rank == 0 else math.nan
                    error = self.processes.from_first(error)
                    seconds = time.monotonic() - started
                    self._record(loss=loss, validation_error=error, seconds=seconds, waiting=waited / seconds)
                    started, waited, losses = time.monotonic(), 0.0, []

    def _loss(self) -> Callable[[Tensor, Tensor], Tensor]:
        loss: nn.Module = _Loss(self.recipe.objective, self.network)
        if self.processes.count > 1:
            loss = DistributedDataParallel(loss)
        if not self.recipe.compile:
            return loss
        compilers = (os.environ.get("CXX", "g++"), "c++", "clang++", "cl")
        if self.device.type == "cpu" and not any(map(shutil.which, compilers)):
            raise InputError(f"compile: found none of {', '.join(compilers)}; install one or set compile = false")
        return torch.compile(loss)

    def _train_step(self, batch: Batch) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, self.step)
        self.skipped.update(batch.skipped)
        images = batch.images.to(self.device, non_blocking=True) / 255
        degraded = self._degrade(images)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.bfloat16):
            loss = self.loss(degraded, images)
        self.step += 1
        value = loss.item()
        if not math.isfinite(value):
            raise DivergedError(
                f"step {self.step}: loss {value} on {', '.join(path.name for path in batch.paths)}; "
                f"lower learning_rate ({self.recipe.learning_rate}) or clip_norm ({self.recipe.clip_norm})"
            )
        train_step(loss, self.network, self.optimizer, clip_norm=self.recipe.clip_norm)
        return value

    def _degrade(self, images: Tensor) -> Tensor:
        """The images of this process degraded, with its share of the noise that one process alone would draw."""
        generator = torch.Generator().manual_seed(self.recipe.seed * 2**32 + self.step)
        if self.processes.count == 1:
            return self.recipe.objective.degrade(images, generator)
        slots = slice(self.batches.slots.start, self.batches.slots.stop)
        everyones = images.new_zeros((self.recipe.batch, *images.shape[1:]))
        everyones[slots] = images
        return self.recipe.objective.degrade(everyones, generator)[slots]

    def _validation_error(self) -> float:
        """Mean of the objective over the held-back photographs, with the same noise each time."""
        generator = torch.Generator().manual_seed(0)
        total = 0.0
        with torch.inference_mode():
            for images in self.held_back.split(VALIDATION_BATCH):
                images = images.to(self.device, memory_format=torch.channels_last) / 255
                total += self.recipe.objective(self.network, images, generator).item() * len(images)
        return total / len(self.held_back)

    def _record(self, **row: float) -> None:
        best = min((earlier["validation_error"] for earlier in self.curve), default=math.inf)
        self.skipped = self.processes.union(self.skipped)
        seen = {"step": self.step, "images": self.step * self.recipe.batch}
        self.curve.append({**seen, **row, "skipped": len(self.skipped)})
        if self.processes.rank:
            return
        if row["validation_error"] < best:
            checkpoints.save(self.network, self._config(row["validation_error"]), self.out)
        rows = ({key: f"{value:.7g}" for key, value in row.items()} for row in self.curve)
        write_rows(self.out / CURVE_FILE, rows, list(self.curve[0]))
        if self.skipped:
            write(self.out / SKIPPED_FILE, "".join(f"{reason}\n" for _, reason in sorted(self.skipped.items())))
        self._save_state()

    def _config(self, validation_error: float) -> dict[str, Any]:
        recipe = self.recipe.as_dict()
        return {
            "objective": recipe.pop("objective"),
            "seed": recipe.pop("seed"),
            "data": {**self.data, "skipped_images": len(self.skipped)},
            "training": {
                **recipe,
                "step": self.step,
                "processes": self.processes.count,
                "torch": torch.__version__,
                "device": self.device.type,
            },
            "validation_error": validation_error,
            "statistics": statistics_of(self.network, self.natural),
        }

    def _save_state(self) -> None:
        tensors, optimizer = pack(self.optimizer)
        tensors |= {name: parameter.detach().contiguous() for name, parameter in self.network.named_parameters()}
        contents = {"recipe": self.recipe.as_dict(), "curve": self.curve, "skipped": self.skipped}
        metadata = {name: json.dumps(content) for name, content in contents.items()} | {"optimizer": optimizer}
        with replacing(self.out / STATE_FILE) as temporary:
            save_file(tensors, temporary, metadata)

    def _resume(self) -> None:
        self.curve = read_curve(self.out, self.recipe)
        self.step = int(self.curve[-1]["step"])
        with safe_open(self.out / STATE_FILE, framework="pt", device=str(self.device)) as state:
            metadata = state.metadata()
            tensors: dict[str, Tensor] = {name: state.get_tensor(name) for name in state.keys()}  # noqa: SIM118
        self.skipped.update(json.loads(metadata["skipped"]))
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                parameter.copy_(tensors[name])
        unpack(self.optimizer, tensors, metadata["optimizer"])


class _Loss(nn.Module):
    """An objective with its network, as the one module that the distributed engine and the compiler want."""

    def __init__(self, objective: Reconstruct, network: Autoencoder) -> None:
        super().__init__()
        self.objective = objective
        self.network = network

    def forward(self, degraded: Tensor, images: Tensor) -> Tensor:
        return self.objective.loss(self.network, degraded, images)


def train_step(loss: Tensor, network: nn.Module, optimizer: torch.optim.Optimizer, *, clip_norm: float) -> None:
    """Moves the weights against the gradient of `loss`, whose norm is first cut down to `clip_norm`."""
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), clip_norm)
    optimizer.step()


def read_curve(out: Path, recipe: Recipe) -> list[dict[str, float]]:
    """The validations so far of the run in a folder, as `curve.csv` has them; empty if it has none.

    Raises:
        InputError: the folder holds a run of another recipe, or a broken state.
    """
    path = out / STATE_FILE
    if not path.exists():
        return []
    try:
        with safe_open(path, framework="pt") as state:
            metadata = state.metadata()
    except SafetensorError as error:
        raise InputError(f"{path}: not the state of a run ({error}); remove it to start again") from error
    if json.loads(metadata["recipe"]) != recipe.as_dict():
        raise InputError(f"{path}: found the state of another recipe, expected this one's or an empty folder")
    curve: list[dict[str, float]] = json.loads(metadata["curve"])
    return curve


def is_finished(recipe: Recipe, curve: list[dict[str, float]]) -> bool:
    """Whether a run with these validations is at the recipe's last step or at the end of its patience."""
    if not curve:
        return False
    errors = [row["validation_error"] for row in curve]
    since_best = len(errors) - 1 - errors.index(min(errors))
    return curve[-1]["step"] >= recipe.steps or (recipe.patience > 0 and since_best >= recipe.patience)


def statistics_of(network: Autoencoder, photographs: list[Path]) -> dict[str, float]:
    """The network's `perceptmetric.readout.natural_statistics` over the central squares of some photographs."""
    device = next(network.parameters()).device
    squares = central_squares(photographs).images.split(1)
    return natural_statistics(network, (as_batch(square.to(device)) for square in squares))


def optimizer(network: Autoencoder, recipe: Recipe) -> torch.optim.Optimizer:
    """Adam, or SOAP (Vyas et al., ICLR 2025): Adam along the main directions of each kernel's gradients.

    Raises:
        InputError: SOAP is not installed.
    """
    if recipe.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    try:
        from pytorch_optimizer import SOAP
    except ImportError as error:
        raise InputError(
            "optimizer: found soap without pytorch-optimizer; pip install 'perceptmetric[train]'"
        ) from error
    soap: torch.optim.Optimizer = SOAP(network.parameters(), lr=recipe.learning_rate, weight_decay=0.0)
    return soap


def learning_rate(recipe: Recipe, step: int) -> float:
    """The rate of one step: a linear rise over the first tenth of the steps, then a cosine down to zero."""
    rise = max(1, recipe.steps // 10)
    if step < rise:
        return recipe.learning_rate * (step + 1) / rise
    progress = (step - rise) / max(1, recipe.steps - rise)
    return recipe.learning_rate * (1 + math.cos(math.pi * progress)) / 2
