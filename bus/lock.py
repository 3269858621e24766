"""The lock of a journal: who holds it is the one broker that writes."""

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from protocol.errors import JournalError

_LOCK_S: Final = 1.0


def locked(path: Path) -> int:
    """Take the lock of a journal and return its descriptor; closing that lets go.

    Tried for a second: `is_open` holds it for a moment, and so does a broker that is just being killed.

    Raises:
        JournalError: another broker holds it.
        OSError: the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline_s = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if time.monotonic() < deadline_s:
                time.sleep(0.01)
                continue
            os.close(descriptor)
            raise JournalError(f"{path.parent} is held by another broker; stop that one first") from error
        return descriptor


def is_open(folder: Path) -> bool:
    """Return whether a broker holds this journal now."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
