"""Measures what each ingredient of the default readout buys on TID2013 or its replica.

    python benchmarks/ablation.py --root DIR

Writes `benchmarks/results/<database>/ablation.json` and the table between the two marks in
`docs/explanation/metric.md`. The readout's constants were chosen on references 1 to 12; references 13 to 25 are
reported apart.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from perceptmetric import PerceptualDistance
from perceptmetric.benchmarks.agreement.report import versions
from perceptmetric.benchmarks.agreement.scoring import score
from perceptmetric.benchmarks.agreement.statistics import Floats, agreement, srocc
from perceptmetric.benchmarks.datasets import Dataset, tid2013
from perceptmetric.benchmarks.metrics import ours
from perceptmetric.benchmarks.metrics.metric import Compare, Metric
from perceptmetric.checkpoints import DEFAULT, UNTRAINED, bundled_names, fingerprint, load
from perceptmetric.files import write
from perceptmetric.readout import Default, Encoded, Paper
from perceptmetric.tables import filled, markdown

RESULTS = Path(__file__).with_name("results")
PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "metric.md"
CHOSEN_ON = 12


def mean(x: Tensor) -> Tensor:
    """Over all but the images."""
    return x.flatten(1).mean(1)


class Ingredients:
    """The default readout taken apart: a distance for each of `NAMES` from one encoding of an image.

    Args:
        checkpoint: as for `perceptmetric.checkpoints.load`.
    """

    def __init__(self, checkpoint: str) -> None:
        network, config = load(checkpoint)
        self.default = Default(network, config["statistics"])
        self.paper = Paper(network)
        self.afar = PerceptualDistance.from_pretrained(checkpoint, pixels_per_degree=64)

    def encode(self, image: Tensor) -> tuple[Encoded, Encoded, Any]:
        """What the variants need of an image."""
        return self.default.encode(image), self.paper.encode(image), self.afar.encode(image)

    def compare(self, a: tuple[Encoded, Encoded, Any], b: tuple[Encoded, Encoded, Any]) -> dict[str, Tensor]:
        """The distance of each variant."""
        readout = self.default
        (form_a, energy_a, colour_a), (form_b, energy_b, colour_b) = a[0], b[0]
        visible, strong, _ = readout.terms(a[0], b[0])
        colour = (colour_a - colour_b).square().mean((1, 2, 3)).sqrt()
        masking = torch.minimum(energy_a, energy_b) + readout.C
        error = (form_a - form_b).square().mean(1, keepdim=True)
        return {
            "the study's: all channels and places of gdn4, colour image (`paper`)": self.paper.compare(a[1], b[1]),
            "form: squared error of luma's gdn4 without its local mean": mean(error),
            "form, masked: the same divided by m + C": mean(visible.expm1()),
            "form, masked, log": mean(visible),
            "form, log, not masked: log(1 + e / C)": mean(torch.log1p(visible.expm1() * masking / readout.C)),
            "form, masked, log, over content": mean(visible) / mean(strong),
            "colour alone: k": colour,
            "form and colour, not over content": mean(visible) + readout.W * colour,
            "all: `default`": readout.compare(a[0], b[0]),
            "`default`, seen from twice as far (64 pixels per degree)": self.afar.compare(a[2], b[2]),
        }

    def metric(self) -> Metric:
        """The variants as the stages of one metric."""
        blank = self.encode(torch.zeros(1, 3, 32, 32))
        names = tuple(self.compare(blank, self.encode(torch.ones(1, 3, 32, 32))))

        def against(reference: Tensor) -> Compare:
            encoded = self.encode(reference)
            return lambda distorted: [d.item() for d in self.compare(encoded, self.encode(distorted)).values()]

        return Metric("ablation", names, against)


def main() -> None:
    """Scores the variants and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="the database as published")
    dataset = tid2013(parser.parse_args().root)
    with torch.inference_mode():
        metric = Ingredients(DEFAULT).metric()
    rows = [result(dataset, name, values) for name, values in zip(metric.stages, score(dataset, metric), strict=True)]
    for checkpoint in (UNTRAINED, *(name for name in bundled_names() if name != DEFAULT)):
        distances = score(dataset, ours.from_checkpoint(checkpoint))[0]
        rows.append(result(dataset, f"`default` of the checkpoint `{checkpoint}`", distances))
    content = {
        "dataset": dataset.name,
        "pairs": len(dataset.pairs),
        "checkpoint": DEFAULT,
        "checkpoint_sha256": fingerprint(load(DEFAULT)[0]),
        "versions": versions(),
        "results": rows,
    }
    folder = RESULTS / dataset.name.lower().replace(" ", "-")
    write(folder / "ablation.json", json.dumps(content, indent=2) + "\n")
    write(PAGE, filled(PAGE.read_text(encoding="utf-8"), {"ablation": table(content)}))


def result(dataset: Dataset, name: str, distances: Floats) -> dict[str, Any]:
    """SROCC over all pairs with its interval, over the references constants were chosen on, and over the others."""
    names = sorted(set(dataset.references))
    chosen = np.isin(dataset.references, names[:CHOSEN_ON])
    over_all = agreement(distances, dataset.quality, dataset.references, dataset.kinds)
    parts = {
        key: srocc(-distances[part], dataset.quality[part]) for key, part in (("first", chosen), ("others", ~chosen))
    }
    return {"ingredients": name, "srocc": over_all.srocc, "ci95": over_all.ci95, **parts}


def table(content: dict[str, Any]) -> str:
    """The results as Markdown."""
    title = f"{content['dataset']}, {content['pairs']} pairs, checkpoint `{content['checkpoint']}` unless named.\n\n"
    rows = [
        [
            row["ingredients"],
            f"{row['srocc']:.3f}",
            f"{row['ci95'][0]:.3f} to {row['ci95'][1]:.3f}",
            f"{row['first']:.3f}",
            f"{row['others']:.3f}",
        ]
        for row in content["results"]
    ]
    return title + markdown(["ingredients", "SROCC", "95% interval", "references 1-12", "13-25"], rows)


if __name__ == "__main__":
    main()
