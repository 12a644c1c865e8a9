"""From photographs to a checkpoint: what `perceptmetric-train` runs."""
