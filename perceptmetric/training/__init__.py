"""Training: from a folder of photographs and a recipe to a checkpoint, as the command `perceptmetric-train` does it."""
