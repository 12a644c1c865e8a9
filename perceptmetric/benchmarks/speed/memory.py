"""How much memory a process held at its peak, by Linux's own account of it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def start_of_peak() -> int | None:
    """What is held now, in bytes; from here on the peak counts. None where the system does not tell."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak starts anew
    return status("VmRSS")


def status(name: str) -> int | None:
    """A field of the account, in bytes. getrusage's would count the parent's memory too."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)


@contextlib.contextmanager
def peak() -> Iterator[None]:
    """Prints how much more the process held within the block than before it: see `measured`."""
    before = start_of_peak()
    yield
    after = status("VmHWM")
    print("" if before is None or after is None else after - before)


def measured(module: str, *arguments: str) -> int | None:
    """What `peak` prints in a process of its own that runs a module.

    Raises:
        subprocess.CalledProcessError: the process fails.
    """
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return int(text) if (text := done.stdout.strip()) else None
