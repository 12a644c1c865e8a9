"""Scores the runs of a sweep at all 19 stages of TID2013 or its replica, and draws the study's two figures.

    python training/study/study.py --runs DIR --root DIR

DIR holds what `perceptmetric-train sweep` leaves: the runs of `training/recipes/*.toml`, and those of other settings
(`training/recipes/SETTING/SETTING-*.toml`), which come into the table but not into the figures. Runs that are not
finished are left out, and what is in the table from the same weights is not scored again. Writes
`training/study/results/study.csv` (a row for each run and for the untrained network), and into `docs/` `figure1.png` (SROCC
at the encoder's output against the objective's strength) and `figure2.png` (SROCC stage by stage, for the strength of
each objective that has most seeds). Without --runs it draws the table that is there.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perceptmetric.benchmarks.agreement.scoring import score
from perceptmetric.benchmarks.agreement.statistics import srocc
from perceptmetric.benchmarks.datasets import Dataset, tid2013
from perceptmetric.benchmarks.metrics.metric import staged
from perceptmetric.checkpoints import CONFIG_FILE, UNTRAINED, WEIGHTS_FILE, fingerprint, load
from perceptmetric.perceptnet import STAGES, Autoencoder
from perceptmetric.tables import read_rows, write_rows
from perceptmetric.training.objectives import OBJECTIVES
from perceptmetric.training.recipe import Recipe
from perceptmetric.training.trainer import CURVE_FILE, is_finished

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESULTS = Path(__file__).with_name("results")
FIGURES = Path(__file__).parents[2] / "docs" / "pictures"
TABLE_FILE = "study.csv"
CODE = "gdn4"
PANELS = {
    "denoise": "sigma of the noise",
    "deblur": "sigma of the blur, pixels",
    "sparse": "lambda",
}


@dataclass(frozen=True)
class Run:
    """A finished run, as its folder tells it.

    Args:
        name: the folder's.
        network: its best checkpoint.
        columns: what the table says of it before it is scored.
    """

    name: str
    network: Autoencoder
    columns: dict[str, Any]


def main() -> None:
    """Scores what is not yet scored, writes the table after each run, and draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", metavar="DIR", type=Path, help="folders of finished runs, as sweep leaves them")
    parser.add_argument("--root", metavar="DIR", type=Path, help="TID2013 as published")
    options = parser.parse_args()
    if bool(options.runs) != bool(options.root):
        parser.error("--runs and --root: found one of the two, expected both or neither")
    if options.runs:
        score_all(tid2013(options.root), [untrained(), *finished_runs(options.runs)], RESULTS)
    draw(read_table(RESULTS), FIGURES)


def untrained() -> Run:
    """The row every figure compares with."""
    network, config = load(UNTRAINED)
    return Run(
        UNTRAINED,
        network,
        {"run": UNTRAINED, "setting": "", "objective": UNTRAINED, "seed": config["seed"], "steps": 0},
    )


def finished_runs(folder: Path) -> list[Run]:
    """The runs in a folder that are at their end, by name."""
    runs = []
    for config_file in sorted(folder.glob(f"*/{CONFIG_FILE}")):
        out = config_file.parent
        if not ((out / WEIGHTS_FILE).is_file() and (out / CURVE_FILE).is_file()):
            continue
        config = json.loads(config_file.read_text(encoding="utf-8"))
        curve = read_curve(out)
        if is_finished(_recipe(config), curve):
            runs.append(Run(out.name, load(out)[0], _columns(out.name, config, curve)))
    return runs


def read_curve(out: Path) -> list[dict[str, float]]:
    """The validations of a run."""
    return [{key: float(value) for key, value in row.items()} for row in read_rows(out / CURVE_FILE)]


def setting(run: str, objective: str) -> str:
    """What stands before the objective in the name of a run: empty for those of the study itself.

    Examples:
        >>> setting("longer-denoise-0.1-seed0", "denoise"), setting("denoise-0.1-seed0", "denoise")
        ('longer', '')
    """
    return run.partition(objective)[0].rstrip("-")


def _recipe(config: dict[str, Any]) -> Recipe:
    """As much of the recipe as decides when a run is finished."""
    name, *parameters = config["objective"].values()
    training = config["training"]
    return Recipe(OBJECTIVES[name](*parameters), steps=training["steps"], patience=training.get("patience", 0))


def _columns(name: str, config: dict[str, Any], curve: list[dict[str, float]]) -> dict[str, Any]:
    objective, *parameters = config["objective"].values()
    error = config["validation_error"]
    # The error of `sparse` holds its penalty too; the others' is the mean squared error of the rebuilt photographs.
    rmse = "" if objective == "sparse" else f"{math.sqrt(error):.5f}"
    return {
        "run": name,
        "setting": setting(name, objective),
        "objective": objective,
        "parameter": parameters[0] if parameters else "",
        "seed": config["seed"],
        "steps": int(curve[-1]["step"]),
        "images": int(curve[-1]["images"]),
        "best_step": config["training"]["step"],
        "validation_error": f"{error:.7g}",
        "rmse": rmse,
    }


HEAD = ("run", "setting", "objective", "parameter", "seed", "steps", "images", "best_step", "validation_error", "rmse")
COLUMNS = (*HEAD, "dataset", "pairs", "weights_sha256", *STAGES)


def score_all(dataset: Dataset, runs: list[Run], results: Path) -> None:
    """Scores the runs whose weights are not in the table of `results`, and writes it after each.

    Rows of runs that are not there this time stay.
    """
    rows = {row["run"]: row for row in read_table(results)}
    for run in runs:
        known = {"dataset": dataset.name, "pairs": str(len(dataset.pairs)), "weights_sha256": fingerprint(run.network)}
        row = rows.get(run.name, {})
        if any(row.get(key) != value for key, value in known.items()):
            print(f"{run.name}:")
            distances = score(dataset, staged(run.network, STAGES))
            scores = {stage: srocc(-distances[i], dataset.quality) for i, stage in enumerate(STAGES)}
            row = {stage: f"{value:.4f}" for stage, value in scores.items()}
        rows[run.name] = {**row, **run.columns, **known}
        write_table(list(rows.values()), results)


def read_table(results: Path) -> list[dict[str, Any]]:
    """The rows so far, as text; none if there is no table."""
    path = results / TABLE_FILE
    return read_rows(path) if path.is_file() else []


def write_table(rows: list[dict[str, Any]], results: Path) -> None:
    """Writes `study.csv`: by setting, objective, strength and seed, the untrained network first."""
    order = [UNTRAINED, *OBJECTIVES]
    rows = sorted(
        rows, key=lambda row: (row["setting"], order.index(row["objective"]), _strength(row), int(row["seed"]))
    )
    results.mkdir(parents=True, exist_ok=True)
    write_rows(results / TABLE_FILE, rows, COLUMNS)


def _strength(row: dict[str, Any]) -> float:
    return float(row.get("parameter") or 0)


def by_strength(rows: list[dict[str, Any]], objective: str) -> dict[float, list[dict[str, Any]]]:
    """The rows of an objective for each of its strengths, by seed; `reconstruct` is every objective's strength 0."""
    found: dict[float, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: (_strength(row), int(row["seed"]))):
        if row["objective"] in (objective, "reconstruct"):
            found.setdefault(_strength(row), []).append(row)
    return found


def mean_and_deviation(rows: list[dict[str, Any]], stage: str) -> tuple[float, float]:
    """Of the SROCC at a stage over seeds; the sample's standard deviation, 0 for one seed."""
    values = [float(row[stage]) for row in rows]
    return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def of_the_study(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the study itself, without those of other settings."""
    return [row for row in rows if not row["setting"]]


def draw(rows: list[dict[str, Any]], results: Path) -> None:
    """Draws both figures."""
    rows = of_the_study(rows)
    for name, figure in (("figure1.png", figure1(rows)), ("figure2.png", figure2(rows))):
        figure.savefig(results / name, dpi=150)


def figure1(rows: list[dict[str, Any]]) -> Figure:
    """SROCC at the encoder's output against the strength of three objectives.

    The line is the first seed, which every strength has; bars are mean and deviation where there are several.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.4), layout="constrained")
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for axes, (objective, label) in zip(panels, PANELS.items(), strict=True):
        points = by_strength(rows, objective)
        places = range(len(points))
        first = [float(some[0][CODE]) for some in points.values()]
        axes.plot(places, first, "o-", color="C0", markersize=4, label="trained, seed 0")
        spread = {
            place + 0.15: mean_and_deviation(some, CODE) for place, some in enumerate(points.values()) if len(some) > 1
        }
        if spread:
            means, deviations = zip(*spread.values(), strict=True)
            axes.errorbar(
                list(spread), means, deviations, fmt="s", color="C1", capsize=3, markersize=4, label="all seeds"
            )
        _baseline(axes, rows, CODE)
        axes.set_xticks(places, [f"{strength:g}" for strength in points])
        axes.set_xlabel(f"{label}; 0: reconstruct")
        axes.set_title(objective)
    panels[0].set_ylabel(_axis(rows, CODE))
    panels[0].legend(frameon=False, fontsize=8)
    return figure


def figure2(rows: list[dict[str, Any]]) -> Figure:
    """SROCC stage by stage for each objective, at its strength with most seeds; among those, the best first seed."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    axes = figure.subplots()
    places = range(len(STAGES))
    for number, objective in enumerate(OBJECTIVES):
        own = [row for row in rows if row["objective"] == objective]
        if not own:
            continue
        strengths = by_strength(own, objective)
        best = max(strengths, key=lambda strength: (len(strengths[strength]), float(strengths[strength][0][CODE])))
        means, deviations = zip(*(mean_and_deviation(strengths[best], stage) for stage in STAGES), strict=True)
        label = f"{objective} {best:g}" if best else objective
        axes.errorbar(
            places, means, deviations, fmt="os^D"[number] + "-", color=f"C{number}", markersize=4, label=label
        )
    for row in rows:
        if row["objective"] == UNTRAINED:
            axes.plot(places, [float(row[stage]) for stage in STAGES], "--", color="0.4", label=UNTRAINED)
    axes.axvline(STAGES.index(CODE), color="0.85", linewidth=6, zorder=0)
    axes.set_xticks(places, STAGES, rotation=45)
    axes.set_xlabel("stage; grey: the encoder's output")
    axes.set_ylabel(_axis(rows))
    axes.legend(frameon=False, fontsize=8)
    return figure


def _baseline(axes: Any, rows: list[dict[str, Any]], stage: str) -> None:
    for row in rows:
        if row["objective"] == UNTRAINED:
            axes.axhline(float(row[stage]), linestyle="--", color="0.4", label=UNTRAINED)


def _axis(rows: list[dict[str, Any]], stage: str = "") -> str:
    names = " and ".join(sorted({row["dataset"] for row in rows}))
    return f"SROCC on the {names}" + (f" at {stage}" if stage else "")


if __name__ == "__main__":
    main()
