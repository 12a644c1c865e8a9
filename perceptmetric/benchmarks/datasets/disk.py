"""Which errors mean that the disk cannot be written to, as opposed to data that cannot be read."""

from __future__ import annotations

import errno

REFUSALS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}


def refused(error: OSError) -> bool:
    """Whether the disk refused to be written to: it is full, read-only, or not this user's.

    Args:
        error: what an attempt to write raised.

    Examples:
        >>> refused(OSError(errno.ENOSPC, "No space left on device")), refused(OSError("Invalid data stream"))
        (True, False)
    """
    return error.errno in REFUSALS
