"""`python -m perceptmetric.training`, which `torchrun -m` can start as well: the command `perceptmetric-train`."""

import sys

from perceptmetric.training.cli import main

if __name__ == "__main__":
    sys.exit(main())
