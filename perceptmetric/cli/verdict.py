"""What went wrong during a run: said on standard error at once, and summed up in the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from perceptmetric.cli.result import Result
from perceptmetric.command import BAD_INPUT
from perceptmetric.streams import say

ABOVE = 1
"""Exit code if a distance is above the limit."""


class Verdict:
    """Names the pairs that cannot be measured and those whose distance is above a limit, and knows the exit code.

    Args:
        program: the command's name, with which each line on standard error starts.
        checkpoints: named where there are several.
        limit: the largest distance that is accepted; None accepts any.

    Examples:
        >>> verdict = Verdict("perceptmetric", ["denoise"], limit=0.1)
        >>> [result.distances for result in verdict.watch([Result("a.png", "b.png", (0.3,))])]
        [(0.3,)]
        >>> verdict.exit_code
        1
    """

    def __init__(self, program: str, checkpoints: Sequence[str], limit: float | None = None) -> None:
        self.program = program
        self.checkpoints = checkpoints
        self.limit = limit
        self.exit_code = 0
        """0; 1 if a distance was above the limit; 2 if something could not be used, whatever the distances."""

    def problem(self, message: str, *, silent: bool = False) -> None:
        """Says that something cannot be used; the run goes on and ends with exit code 2.

        Args:
            message: one line.
            silent: do not say it, because another process does.
        """
        if not silent:
            say(self.program, message)
        self.exit_code = BAD_INPUT

    def watch(self, results: Iterable[Result]) -> Iterator[Result]:
        """Passes results on, and says what is wrong with them.

        Args:
            results: any iterable, also an endless one.

        Yields:
            The same results.
        """
        for result in results:
            yield result
            if result.problem is not None:
                self.problem(_named(result))
            elif self.limit is not None:
                self._compare(result, self.limit)

    def _compare(self, result: Result, limit: float) -> None:
        for checkpoint, distance in zip(self.checkpoints, result.distances, strict=True):
            if not distance <= limit:
                by = f" by {checkpoint}" if len(self.checkpoints) > 1 else ""
                say(
                    self.program,
                    f"{result.distorted}: distance {distance:.6f}{by} is {distance - limit:.6f} above {limit:g}",
                )
                self.exit_code = self.exit_code or ABOVE


def _named(result: Result) -> str:
    """The problem of a pair, in a line that also names the distorted image."""
    problem = result.problem or ""
    return problem if result.distorted in problem else f"{problem} (so {result.distorted} is not measured)"
