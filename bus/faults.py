"""Fault points: named places where a process kills itself, so that a test can see what such a death leaves behind.

They exist only while the environment variable ORCHESTRA_FAULT names one of them: "POINT:N:MARKER" kills the
process that reaches POINT for the Nth time and leaves the file MARKER, after which nobody dies of it again.
"""

import os
import signal
from collections.abc import Callable
from typing import Final

VARIABLE: Final = "ORCHESTRA_FAULT"
_ARMED, _, _REST = os.environ.get(VARIABLE, "").partition(":")
_COUNT, _, _MARKER = _REST.partition(":")
_reached = 0


def reached(point: str, leaving: Callable[[], object] = lambda: None) -> None:
    """Die here by SIGKILL where this point is the one that is named; otherwise do nothing.

    leaving: what has still happened when death comes, such as half of a write.
    """
    global _reached
    if point != _ARMED:
        return
    _reached += 1
    if _reached < int(_COUNT):
        return
    try:
        os.close(os.open(_MARKER, os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return  # it was somebody's death already
    leaving()
    os.kill(os.getpid(), signal.SIGKILL)
