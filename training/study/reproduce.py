"""Writes the tables of `docs/explanation/study.md`, each between two marks with its name.

python training/study/reproduce.py
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from perceptmetric.files import write
from perceptmetric.perceptnet import STAGES
from perceptmetric.tables import read_rows

RESULTS = Path(__file__).with_name("results")
PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "study.md"
MARKS = "<!-- {}: written by training/study/reproduce.py -->\n", "<!-- end of {} -->\n"
CODE = "gdn4"
SHOWN = ("conv2", "gdn3", "conv3", "gdn4", "igdn1", "conv4", "igdn4")
HALF = {"longer": "", "longest": "longer-"}
STRENGTHS = {"denoise": "denoise, sigma", "deblur": "deblur, sigma in pixels", "sparse": "sparse, lambda"}

Row = dict[str, str]


def main() -> None:
    """Writes the tables into the page."""
    write(PAGE, filled(PAGE.read_text(encoding="utf-8")))


def filled(page: str) -> str:
    """The page with every table as the results have it."""
    study, blurred = read("study.csv"), read("blurred.csv")
    tables = {
        "seeds": seeds(study),
        "strengths": strengths(study),
        "stages": stages(study),
        "longer": longer(study),
        "deblurring": deblurring(study, blurred),
        "rmse": rmse(study, read("rmse.csv")),
        "finest": finest(study, blurred),
        "detail": detail(study, read("fine_detail.csv")),
    }
    for name, table in tables.items():
        start, end = (mark.format(name) for mark in MARKS)
        before, rest = page.split(start)
        page = before + start + table + end + rest.split(end)[1]
    return page


def read(name: str) -> list[Row]:
    """The rows of a table of results."""
    return read_rows(RESULTS / name)


def seeds(study: Sequence[Row]) -> str:
    """SROCC at the encoder's output seed by seed, for each strength that has several."""
    several = [runs for runs in by_strength(study).values() if len(runs) > 1]
    lines = []
    for runs in several:
        scores = [float(run[CODE]) for run in runs]
        spread = f"{statistics.mean(scores):.3f} ± {statistics.stdev(scores):.3f}"
        lines.append([label(runs[0]), *map(with_peak, runs), spread])
    return markdown(["", *(f"seed {run['seed']}" for run in several[0]), "mean and deviation"], lines)


def with_peak(run: Row) -> str:
    """The score at the encoder's output, and the highest of all stages where that is another."""
    peak = highest(run)
    return f"{of(run)}" + (f" ({peak} {of(run, peak)})" if peak != CODE else "")


def strengths(study: Sequence[Row]) -> str:
    """SROCC at the encoder's output of the first seed against the strength of each objective, the highest in bold."""
    first = [runs[0] for runs in by_strength(study).values()]
    lines = []
    for objective, name in STRENGTHS.items():
        runs = [run for run in first if run["objective"] in ("reconstruct", objective)]
        best = max(runs, key=lambda run: float(run[CODE]))
        lines.append([name, *(run["parameter"] or "0" for run in runs)])
        lines.append(["SROCC", *(f"**{of(run)}**" if run is best else of(run) for run in runs)])
    return markdown(lines[0], lines[1:])


def stages(study: Sequence[Row]) -> str:
    """SROCC at the stages around the encoder's output for the first seed of each strength with several, highest bold.

    The untrained network is the first row.
    """
    runs = [run for run in study if run["objective"] == "untrained"]
    runs += [runs[0] for runs in by_strength(study).values() if len(runs) > 1]
    lines = []
    for run in runs:
        peak = highest(run)
        cells = [f"**{of(run, stage)}**" if stage == peak else of(run, stage) for stage in SHOWN]
        lines.append([label(run), *cells, peak])
    return markdown(["seed 0", *SHOWN, "highest of all"], lines)


def longer(study: Sequence[Row]) -> str:
    """What twice the steps change at the encoder's output, and at the stage that moves most.

    All are means over the seeds that were trained for both; with several, the deviation of the change over them.
    """
    pairs = twice_trained(study)
    lines = []
    for runs in pairs.values():
        (once, twice), n = zip(*runs, strict=True), len(runs)
        changes = [change(*pair, CODE) for pair in runs]
        spread = f" ± {statistics.stdev(changes):.3f}" if n > 1 else ""
        moves = {stage: statistics.mean(change(*pair, stage) for pair in runs) for stage in STAGES}
        moved = max(moves, key=lambda stage: abs(moves[stage]))
        cells = [label(once[0]), once[0]["steps"], str(n), mean(once), mean(twice)]
        lines.append([*cells, f"{statistics.mean(changes):+.3f}{spread}", f"{moved} {moves[moved]:+.3f}"])
    return markdown(["", "steps", "seeds", "once", "twice the steps", "change", "largest change of any stage"], lines)


def twice_trained(study: Sequence[Row]) -> dict[tuple[str, str, str], list[tuple[Row, Row]]]:
    """For each objective, strength and length trained for twice the steps too, the two runs of each seed."""
    by_name = {run["run"]: run for run in study}
    found: dict[tuple[str, str, str], list[tuple[Row, Row]]] = {}
    for twice in study:
        if twice["setting"] in HALF:
            name = twice["run"].removeprefix(twice["setting"] + "-")
            once = by_name[HALF[twice["setting"]] + name]
            found.setdefault((once["objective"], once["parameter"], once["steps"]), []).append((once, twice))
    return found


def change(once: Row, twice: Row, stage: str) -> float:
    """By how much the score at a stage differs."""
    return float(twice[stage]) - float(once[stage])


def mean(runs: Iterable[Row]) -> str:
    """The mean score of runs at the encoder's output."""
    return f"{statistics.mean(float(run[CODE]) for run in runs):.3f}"


def deblurring(study: Sequence[Row], blurred: Sequence[Row]) -> str:
    """The deblurring networks and the reconstructing one, on sharp images and on blurred ones: means over seeds."""
    found: dict[tuple[str, str], list[tuple[str, str, str, str]]] = {}
    for row, run, reconstruct in on_blurred(study, blurred, "deblur"):
        scores = reconstruct[CODE], run[CODE], row["reconstruct"], row["srocc"]
        found.setdefault((row["sigma"], run["steps"]), []).append(scores)
    lines = []
    for (sigma, steps), runs in found.items():
        means = (statistics.mean(map(float, scores)) for scores in zip(*runs, strict=True))
        lines.append([sigma, steps, str(len(runs)), *(f"{value:.3f}" for value in means)])
    head = ["sigma", "steps of deblur", "seeds"]
    head += [f"{images}: {objective}" for images in ("sharp", "blurred") for objective in ("reconstruct", "deblur")]
    return markdown(head, lines)


def finest(study: Sequence[Row], blurred: Sequence[Row]) -> str:
    """Each seed of the sparse networks with and without the finest detail of the images, after each length."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row, run, _ in on_blurred(study, blurred, "sparse"):
        found.setdefault(run["steps"], []).append((float(run[CODE]), float(row["srocc"])))
    lines = []
    for steps, runs in sorted(found.items(), key=lambda item: int(item[0])):
        for images, scores in zip(("sharp", "blurred"), zip(*runs, strict=True), strict=True):
            cells = [f"{score:.3f}" for score in (*scores, statistics.mean(scores))]
            lines.append([steps, images, *cells])
    seeds = (f"seed {seed}" for seed in range(len(runs)))
    return markdown(["steps", "images", *seeds, "mean"], lines)


def on_blurred(study: Sequence[Row], blurred: Iterable[Row], objective: str) -> Iterator[tuple[Row, Row, Row]]:
    """The rows on blurred images of an objective, each with the run and that of `reconstruct` on sharp ones.

    Raises:
        ValueError: the scores on blurred images are those of other weights.
    """
    by_name = {run["run"]: run for run in study}
    for row in blurred:
        run = by_name[row["run"]]
        reconstruct = by_name[f"reconstruct-seed{run['seed']}"]
        if run["objective"] == objective:
            check_weights("blurred.csv", row, run)
            check_weights("blurred.csv", row, reconstruct, "reconstruct_sha256")
            yield row, run, reconstruct


def rmse(study: Sequence[Row], measured: Sequence[Row]) -> str:
    """How far rebuilt photographs are from the originals, beside the best any weights could do.

    Raises:
        ValueError: the errors are those of other weights than the scores.
    """
    by_name = {run["run"]: run for run in study}
    columns = [f"{version}_{kind}" for version in ("bicubic", "bilinear") for kind in ("pooled", "mean")]
    lines = []
    for row in measured:
        name, steps = "the mean of each 2x2 block", ""
        if run := by_name.get(row["run"]):
            name, steps = run["run"], run["steps"]
            check_weights("rmse.csv", row, run)
        lines.append([name, steps, *(f"{float(row[column]):.4f}" for column in columns)])
    return markdown(["", "steps", "bicubic: pooled", "mean of roots", "bilinear: pooled", "mean of roots"], lines)


def detail(study: Sequence[Row], measured: Sequence[Row]) -> str:
    """How far fine noise is seen against coarse after each length, and how that goes with the score from run to run.

    Means over seeds, and the correlation (Pearson's) over the runs of all lengths, for each strength with several.

    Raises:
        ValueError: the measures are those of other weights than the scores.
    """
    fine = {row["run"]: row for row in measured}
    for run in study:
        check_weights("fine_detail.csv", fine[run["run"]], run)
    found = by_strength(study, ("", *HALF))
    lengths = sorted({int(run["steps"]) for runs in found.values() for run in runs})
    lines = []
    for runs in found.values():
        if len({run["seed"] for run in runs}) == 1:
            continue
        gains = [float(fine[run["run"]]["fine_to_coarse"]) for run in runs]
        of_length = [[gain for run, gain in zip(runs, gains, strict=True) if int(run["steps"]) == n] for n in lengths]
        cells = [f"{statistics.mean(some):.2f}" if some else "" for some in of_length]
        correlation = statistics.correlation(gains, [float(run[CODE]) for run in runs])
        lines.append([label(runs[0]), *cells, str(len(runs)), f"{correlation:+.2f}"])
    return markdown(["", *(f"{n} steps" for n in lengths), "runs", "correlation with SROCC"], lines)


def check_weights(table: str, row: Row, run: Row, column: str = "weights_sha256") -> None:
    """Refuses a row of another table than `study.csv` whose weights are not those of a run there.

    Raises:
        ValueError: they are others.
    """
    if row[column] != run["weights_sha256"]:
        raise ValueError(f"{table}: {row['run']}: found other weights than study.csv has")


def by_strength(study: Iterable[Row], settings: Sequence[str] = ("",)) -> dict[tuple[str, str], list[Row]]:
    """The runs for each objective and strength; of the study itself, unless other settings are asked for."""
    found: dict[tuple[str, str], list[Row]] = {}
    for run in study:
        if run["setting"] in settings and run["objective"] != "untrained":
            found.setdefault((run["objective"], run["parameter"]), []).append(run)
    return found


def label(run: Row) -> str:
    """An objective with its strength."""
    return f"{run['objective']} {run['parameter']}".rstrip()


def highest(run: Row) -> str:
    """The stage with the highest score."""
    return max(STAGES, key=lambda stage: float(run[stage]))


def of(run: Row, stage: str = CODE) -> str:
    """The score of a run at a stage, as the page shows it."""
    return f"{float(run[stage]):.3f}"


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table."""
    rows = [head, ["---"] * len(head), *lines]
    return "".join("|" + "|".join(f" {cell} ".replace(" --- ", "---") for cell in row) + "|\n" for row in rows)


if __name__ == "__main__":
    main()
