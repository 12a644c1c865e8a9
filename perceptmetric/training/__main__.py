"""`python -m perceptmetric.training` is the command `perceptmetric-train`, in a form that `torchrun -m` can start."""

import sys

from perceptmetric.training.cli import main

if __name__ == "__main__":
    sys.exit(main())
