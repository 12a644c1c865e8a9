"""A recipe: everything that decides a checkpoint but the photographs. One readable TOML file each."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perceptmetric.errors import InputError
from perceptmetric.training.objectives import OBJECTIVES, Reconstruct

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAY_BE_ZERO = ("seed", "patience")
OPTIMIZERS = ("adam", "soap")


@dataclass(frozen=True)
class Recipe:
    """How one checkpoint is trained.

    Args:
        objective: what the network is asked for.
        seed: of the weights, the crops and the noise.
        steps: batches in all.
        batch: crops in a batch.
        crop: side in pixels of what the network trains on.
        resize: train on the central square of each photograph resized to `crop` pixels a side, as the study did,
            in place of random crops at its own size.
        optimizer: `adam`, or `soap`, which needs the extra `train`.
        learning_rate: the optimizer's at its peak; it rises linearly over the first tenth of the steps and falls
            to zero along a cosine.
        clip_norm: bound on the norm of the gradient. The multiplicative decoder is unbounded: without it
            plain Adam diverges.
        validation_images: how many photographs, the last by name, are held back from training.
        validate_every: steps from one validation (and saved state) to the next.
        patience: end after this many validations in a row without a new lowest error; 0 is never.
        bfloat16: train under autocast to bfloat16; weights, sums and validation stay float32.
        compile: train through `torch.compile`, which takes a minute to start and then takes two thirds of the time.

    Raises:
        InputError: a value is not of its kind or not positive.
    """

    objective: Reconstruct
    seed: int = 0
    steps: int = 12_000
    batch: int = 32
    crop: int = 64
    resize: bool = False
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    clip_norm: float = 0.5
    validation_images: int = 50
    validate_every: int = 1000
    patience: int = 0
    bfloat16: bool = False
    compile: bool = False

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self)[1:]:
            value = getattr(self, field.name)
            if isinstance(field.default, bool):
                if not isinstance(value, bool):
                    raise InputError(f"{field.name}: found {value!r}, expected true or false")
            elif isinstance(field.default, str):
                if value not in OPTIMIZERS:
                    raise InputError(f"{field.name}: found {value!r}, expected one of {', '.join(OPTIMIZERS)}")
            else:
                _check_number(field.name, value, type(field.default), zero_allowed=field.name in MAY_BE_ZERO)

    def as_dict(self) -> dict[str, Any]:
        """The recipe as JSON can hold it; the objective as its name and parameters."""
        objective = {"name": self.objective.name, **dataclasses.asdict(self.objective)}
        return {**dataclasses.asdict(self), "objective": objective}


def read_recipe(path: Path, seed: int | None = None) -> Recipe:
    """Reads a TOML recipe.

    Args:
        path: a file with a table `objective` (`name` and its parameter) and any field of `Recipe`. What it
            leaves out comes from the file it names as `base`, a path from its own folder.
        seed: in place of the recipe's.

    Raises:
        FileNotFoundError: no such file.
        InputError: not TOML, an unknown key, a missing or a wrong value; the message names file and key.
    """
    table = _read_table(path)
    if seed is not None:
        table["seed"] = seed
    try:
        return Recipe(**{**table, "objective": _objective(table.get("objective"))})
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


def _read_table(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """The keys of a recipe over those of its base; `above` are the recipes whose base it is."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if path.resolve() in above:
        raise InputError(f"{path}: found itself among its bases")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
    base = table.pop("base", None)
    known = {field.name for field in dataclasses.fields(Recipe)}
    if unknown := sorted(set(table) - known):
        raise InputError(f"{path}: found {', '.join(unknown)}, expected only base, {', '.join(sorted(known))}")
    if base is None:
        return table
    if not isinstance(base, str):
        raise InputError(f"{path}: base: found {base!r}, expected the path of a recipe")
    return {**_read_table(path.parent / base, (*above, path.resolve())), **table}


def _objective(table: Any) -> Reconstruct:
    names = ", ".join(OBJECTIVES)
    if not isinstance(table, dict) or table.get("name") not in OBJECTIVES:
        raise InputError(f"objective: found {table!r}, expected a table whose name is one of {names}")
    kind = OBJECTIVES[table["name"]]
    parameters = {key: value for key, value in table.items() if key != "name"}
    expected = [field.name for field in dataclasses.fields(kind)]
    if sorted(parameters) != sorted(expected):
        raise InputError(f"objective {kind.name}: found {sorted(parameters)}, expected the parameters {expected}")
    for key, value in parameters.items():
        _check_number(f"objective.{key}", value, float)
    return kind(**parameters)


def _check_number(name: str, value: Any, kind: type[Any], *, zero_allowed: bool = False) -> None:
    kinds = (int, float) if kind is float else kind
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise InputError(f"{name}: found {value!r}, expected a number of type {kind.__name__}")
    if not (value > 0 or (zero_allowed and value == 0)) or value == float("inf"):
        raise InputError(f"{name}: found {value!r}, expected a {'non-negative' if zero_allowed else 'positive'} number")
