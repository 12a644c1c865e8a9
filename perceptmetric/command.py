"""What the commands share: bad input becomes one line and an exit code, never a traceback."""

from __future__ import annotations

import ctypes
import os
import sys
import warnings
from collections.abc import Callable

from PIL import Image

from perceptmetric.errors import InputError

BAD_INPUT = 2
INTERRUPTED = 130
BROKEN_PIPE = 141

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
GIBIBYTE = 2**30


def run(program: str, work: Callable[[], None]) -> int:
    """Does the work of a command and gives its exit code: 0, or 2 for input that cannot be used.

    The process is the command's own, so freed memory is kept for the next tensor (`keep_freed_memory`).
    Ctrl-C gives 130 and a closed pipe 141, as a shell reports of programs that SIGINT and SIGPIPE ended.

    Args:
        program: what the line on stderr starts with.
        work: the command's body.

    Examples:
        >>> run("perceptmetric", lambda: None)
        0
    """
    keep_freed_memory()
    try:
        with warnings.catch_warnings():
            # Pillow also warns of what we refuse: one line is enough.
            warnings.filterwarnings("ignore", category=UserWarning, module="PIL")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            work()
    except BrokenPipeError:
        # The reader, such as `head`, has had enough. Python would flush into the pipe once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (InputError, OSError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt as error:
        print(": ".join(filter(None, (program, "interrupted", str(error)))), file=sys.stderr)
        return INTERRUPTED
    return 0


def keep_freed_memory() -> bool:
    """Lets glibc keep freed memory for the next tensor, in place of giving it back to the system; once a process.

    By default it maps every large block afresh, and the kernel then clears each of its pages at the first touch:
    thousands of page faults in a training step on the CPU, about a sixth of its time on one thread.

    Returns:
        Whether it took effect; False where the C library is not glibc.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, GIBIBYTE)) and bool(mallopt(M_TRIM_THRESHOLD, GIBIBYTE))
