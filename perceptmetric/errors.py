"""The one exception for input that cannot be used."""


class InputError(ValueError):
    """A file or an argument cannot be used; the message names it, what was found and what was expected.

    The commands print it as one line and exit with code 2. A file that is not there raises
    `FileNotFoundError` instead.
    """
