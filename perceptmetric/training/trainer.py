"""The training loop: from a recipe and a folder of photographs to a checkpoint."""

from __future__ import annotations

import csv
import io
import json
import math
import time
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.utils import tqdm
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from perceptmetric import checkpoints
from perceptmetric.errors import InputError
from perceptmetric.files import replacing
from perceptmetric.training.data import RandomCrops, central_squares, find_photographs
from perceptmetric.training.recipe import Recipe

STATE_FILE = "state.safetensors"
CURVE_FILE = "curve.csv"
VALIDATION_BATCH = 10


class DivergedError(RuntimeError):
    """The loss is no longer a finite number; the message names step and recipe values."""


class Trainer:
    """Trains one recipe, resuming where an earlier run into the same folder was cut off.

    After every `validate_every` steps the folder holds `curve.csv` (one row a validation), the state to
    resume from, and the checkpoint with the lowest validation error so far; each file is replaced whole.
    A resumed run gives the weights of an uninterrupted one, bit for bit on a CPU with the same number of
    threads.

    Args:
        recipe: what to train.
        data: folder tree of JPEG and PNG photographs; the last `recipe.validation_images` by path are
            held back for validation.
        out: folder of the checkpoint, made if need be.
        device: `cpu`, `cuda`, ...

    Raises:
        InputError: unusable photographs, or `out` holds a run of another recipe.
    """

    def __init__(self, recipe: Recipe, data: Path, out: Path, device: torch.device) -> None:
        self.recipe = recipe
        self.out = out
        self.device = device
        paths = find_photographs(data)
        train, held_back = paths[: -recipe.validation_images], paths[-recipe.validation_images :]
        if not train:
            raise InputError(f"{data}: found {len(paths)} photographs, expected over {recipe.validation_images}")
        self.data = {
            "folder": data.resolve().name,
            "training_images": len(train),
            "first": train[0].name,
            "last": train[-1].name,
            "validation_images": len(held_back),
        }
        self.crops = RandomCrops(train, side=recipe.crop, batch=recipe.batch, seed=recipe.seed)
        self.held_back = central_squares(held_back)
        self.network = checkpoints.untrained(recipe.seed).to(device)
        self.loss = torch.compile(recipe.objective.loss) if recipe.compile else recipe.objective.loss
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=recipe.learning_rate)
        self.step = 0
        self.curve: list[dict[str, float]] = []
        out.mkdir(parents=True, exist_ok=True)
        if (out / STATE_FILE).exists():
            self._resume()

    def run(self) -> None:
        """Trains to the recipe's last step.

        Raises:
            DivergedError: at the first loss that is not finite.
        """
        started, losses = time.monotonic(), []
        with tqdm(total=self.recipe.steps, initial=self.step, desc=self.out.name, unit="step") as bar:
            while self.step < self.recipe.steps:
                losses.append(self._train_step())
                bar.set_postfix(loss=f"{losses[-1]:.5f}", refresh=False)
                bar.update()
                if self.step % self.recipe.validate_every == 0 or self.step == self.recipe.steps:
                    error = self._validation_error()
                    seconds = time.monotonic() - started
                    self._record(loss=sum(losses) / len(losses), validation_error=error, seconds=seconds)
                    started, losses = time.monotonic(), []

    def _train_step(self) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.recipe, self.step)
        images = self.crops(self.step).to(self.device, non_blocking=True)
        generator = torch.Generator().manual_seed(self.recipe.seed * 2**32 + self.step)
        degraded = self.recipe.objective.degrade(images, generator)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.bfloat16):
            loss = self.loss(self.network, degraded, images)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
        self.optimizer.step()
        self.step += 1
        value = loss.item()
        if not math.isfinite(value):
            raise DivergedError(
                f"step {self.step}: loss {value}; lower learning_rate ({self.recipe.learning_rate}) "
                f"or clip_norm ({self.recipe.clip_norm})"
            )
        return value

    def _validation_error(self) -> float:
        """Mean of the objective over the held-back photographs, with the same noise each time."""
        generator = torch.Generator().manual_seed(0)
        total = 0.0
        with torch.inference_mode():
            for images in self.held_back.split(VALIDATION_BATCH):
                images = images.to(self.device, memory_format=torch.channels_last)
                total += self.recipe.objective(self.network, images, generator).item() * len(images)
        return total / len(self.held_back)

    def _record(self, **row: float) -> None:
        best = min((earlier["validation_error"] for earlier in self.curve), default=math.inf)
        self.curve.append({"step": self.step, "images": self.step * self.recipe.batch, **row})
        if row["validation_error"] < best:
            checkpoints.save(self.network, self._config(row["validation_error"]), self.out)
        text = io.StringIO()
        writer = csv.DictWriter(text, list(self.curve[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: f"{value:.7g}" for key, value in row.items()} for row in self.curve)
        with replacing(self.out / CURVE_FILE) as temporary:
            temporary.write_text(text.getvalue(), encoding="utf-8")
        self._save_state()

    def _config(self, validation_error: float) -> dict[str, Any]:
        recipe = self.recipe.as_dict()
        return {
            "objective": recipe.pop("objective"),
            "seed": recipe.pop("seed"),
            "data": self.data,
            "training": {**recipe, "step": self.step, "torch": torch.__version__, "device": self.device.type},
            "validation_error": validation_error,
        }

    def _save_state(self) -> None:
        tensors = {}
        for name, parameter in self.network.named_parameters():
            state = self.optimizer.state[parameter]
            tensors[name] = parameter.detach()
            tensors[f"exp_avg:{name}"] = state["exp_avg"]
            tensors[f"exp_avg_sq:{name}"] = state["exp_avg_sq"]
        metadata = {"recipe": json.dumps(self.recipe.as_dict()), "curve": json.dumps(self.curve)}
        with replacing(self.out / STATE_FILE) as temporary:
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, metadata)

    def _resume(self) -> None:
        path = self.out / STATE_FILE
        try:
            with safe_open(path, framework="pt", device=str(self.device)) as state:
                metadata = state.metadata()
                tensors: dict[str, Tensor] = {name: state.get_tensor(name) for name in state.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise InputError(f"{path}: not the state of a run ({error}); remove it to start again") from error
        if json.loads(metadata["recipe"]) != self.recipe.as_dict():
            raise InputError(f"{path}: found the state of another recipe, expected this one's or an empty folder")
        self.curve = json.loads(metadata["curve"])
        self.step = int(self.curve[-1]["step"])
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                parameter.copy_(tensors[name])
                self.optimizer.state[parameter] = {
                    "step": torch.tensor(float(self.step)),
                    "exp_avg": torch.empty_like(parameter).copy_(tensors[f"exp_avg:{name}"]),
                    "exp_avg_sq": torch.empty_like(parameter).copy_(tensors[f"exp_avg_sq:{name}"]),
                }


def learning_rate(recipe: Recipe, step: int) -> float:
    """The rate of one step: a linear rise over the first tenth of the steps, then a cosine down to zero."""
    rise = max(1, recipe.steps // 10)
    if step < rise:
        return recipe.learning_rate * (step + 1) / rise
    progress = (step - rise) / max(1, recipe.steps - rise)
    return recipe.learning_rate * (1 + math.cos(math.pi * progress)) / 2
