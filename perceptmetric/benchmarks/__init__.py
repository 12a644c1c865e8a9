"""From opinion scores to figures: what `perceptmetric-bench` runs."""
