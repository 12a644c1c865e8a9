"""How a training can fail after it has begun: the command prints the message in one line and its exit code is 1."""


class DivergedError(RuntimeError):
    """The loss is no longer a finite number; the message names the step, the photographs and what to lower."""


class SweepError(RuntimeError):
    """Some runs of a sweep failed; the message names their logs."""
