"""Measures what the default readout divides by and writes it into the configs of checkpoints.

    python training/natural_statistics.py --data PHOTOGRAPHS CHECKPOINT...

`perceptmetric-train` measures it with each checkpoint; this script is for the untrained network and for checkpoints
of older versions. CHECKPOINT is a folder with `config.json` and `model.safetensors`; without `model.safetensors` it is
the folder of the untrained network.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from perceptmetric import checkpoints
from perceptmetric.files import write
from perceptmetric.training.data import find_photographs, split
from perceptmetric.training.recipe import Recipe
from perceptmetric.training.trainer import NATURAL_PHOTOGRAPHS, statistics_of


def main() -> None:
    """Rewrites the configs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the photographs of the training")
    parser.add_argument("checkpoints", metavar="CHECKPOINT", type=Path, nargs="+")
    options = parser.parse_args()
    photographs = split(find_photographs(options.data), Recipe.validation_images).training[:NATURAL_PHOTOGRAPHS]
    for folder in options.checkpoints:
        name = folder if (folder / checkpoints.WEIGHTS_FILE).is_file() else checkpoints.UNTRAINED
        network, config = checkpoints.load(name)
        config["statistics"] = statistics_of(network, photographs)
        write(folder / checkpoints.CONFIG_FILE, json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
