"""The exception for input that cannot be used, and how it shows what was found."""

import reprlib


class InputError(ValueError):
    """A file or an argument cannot be used. The message names it and says what was found and what was expected.

    The commands print the message in one line and exit with code 2. A missing file raises `FileNotFoundError` instead.

    Examples:
        >>> import torch
        >>> from perceptmetric import distance
        >>> distance(torch.zeros(3, 8, 8), torch.zeros(3, 8, 9))
        Traceback (most recent call last):
        perceptmetric.errors.InputError: second image: found 9x8 pixels, expected 8x8 as first image has
    """


def missing_extra(found: str, extra: str) -> InputError:
    """The error for input that needs an optional package.

    Args:
        found: the file or argument, and what was found.
        extra: the extra of this package that brings what is needed.

    Examples:
        >>> missing_extra("a.png: found 16 bits a channel", "deep")
        InputError('a.png: found 16 bits a channel, which needs: pip install "perceptmetric[deep]"')
    """
    return InputError(f'{found}, which needs: pip install "perceptmetric[{extra}]"')


def shown(value: object) -> str:
    """A value as an error shows it: short, and in one line.

    Examples:
        >>> shown((1, "a"))
        "(1, 'a')"
    """
    return " ".join(reprlib.repr(value).split())
