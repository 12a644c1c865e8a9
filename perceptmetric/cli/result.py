"""What the command says of one pair."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """The distances of one pair, or why it could not be measured.

    Args:
        reference: path of the reference.
        distorted: path of the distorted image.
        distances: one number for each metric, in the order of the metrics; none if the pair could not be measured.
        problem: why the pair could not be measured, in one line that names the file; None if it was.

    Examples:
        >>> Result("cat.png", "cat.jpg", (0.5,)).distances
        (0.5,)
        >>> Result("cat.png", "dog.jpg", problem="dog.jpg: no such file").distances
        ()
    """

    reference: str
    distorted: str
    distances: tuple[float, ...] = ()
    problem: str | None = None
