"""Recipes: all that a checkpoint depends on apart from the photographs. A recipe is a TOML file."""

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
        objective: what the network is trained to do.
        seed: decides the first weights, the crops and the noise.
        steps: how many batches the network is trained on.
        batch: how many crops there are in a batch.
        crop: height and width in pixels of the crops.
        resize: train on the central square of each photograph, resized to `crop` pixels, instead of random crops at
            the photograph's own resolution. The study did this.
        optimizer: `adam`, or `soap`, which needs the extra `train`.
        learning_rate: its peak; the rate rises linearly over the first tenth of the steps, then falls to 0 as a
            cosine.
        clip_norm: gradients with a larger norm are scaled down to this norm. The decoder multiplies its inputs, so
            its gradients have no bound, and without clipping plain Adam diverges.
        validation_images: how many photographs, the last by path, are held back from training.
        validate_every: how many steps there are between validations; the state is saved after each.
        patience: stop after so many validations in a row without a new lowest error; 0 means never.
        bfloat16: train under autocast to bfloat16; weights, sums and validation stay float32.
        compile: train through `torch.compile`, which takes a minute to start and cuts the time of a step by a third.

    Raises:
        InputError: a value has the wrong type, or is not positive where it must be.

    Examples:
        >>> Recipe(OBJECTIVES["denoise"](sigma=0.1), steps=2000).as_dict()["objective"]
        {'name': 'denoise', 'sigma': 0.1}
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
        """The recipe in the types of JSON; the objective is a dict with its name and parameters."""
        objective = {"name": self.objective.name, **dataclasses.asdict(self.objective)}
        return {**dataclasses.asdict(self), "objective": objective}


def read_recipe(path: Path, seed: int | None = None) -> Recipe:
    r"""Reads a TOML recipe.

    Args:
        path: a file with a table `objective` (its `name` and its parameter) and any other fields of `Recipe`. It may
            name another recipe as its `base`, by a path relative to its own folder, and takes from there what it
            leaves out.
        seed: replaces the recipe's, unless None.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is not TOML, or a key is unknown, missing or has a wrong value; the message names file and key.

    Examples:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "denoise.toml"
        >>> _ = path.write_text("steps = 2000\n[objective]\nname = 'denoise'\nsigma = 0.1")
        >>> read_recipe(path, seed=1).steps
        2000
    """
    table = _read_table(path)
    if seed is not None:
        table["seed"] = seed
    try:
        return Recipe(**{**table, "objective": _objective(table.get("objective"))})
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


def _read_table(path: Path, above: tuple[Path, ...] = ()) -> dict[str, Any]:
    """A recipe's keys and, where it leaves them out, those of its base; `above` are the recipes that build on it."""
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
