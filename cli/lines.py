"""Lines as they come on standard input, without waiting for them: a mission has to be looked after meanwhile."""

import os
import select
from collections import deque
from typing import Final

_READ_BYTES: Final = 65_536


class Lines:
    """What is typed or piped in, line by line. The terminal's own editing of a line applies."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: deque[str] = deque()
        self._rest = b""
        self._is_closed = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self._is_closed and not self._lines

    @property
    def is_typed(self) -> bool:
        """Whether somebody sits at a terminal."""
        return os.isatty(self._descriptor)

    def take(self, wait_s: float = 0) -> str | None:
        """Return the next line without its end, None where none has come within this time."""
        if not self._lines and not self._is_closed and select.select([self._descriptor], [], [], wait_s)[0]:
            self._read()
        return self._lines.popleft() if self._lines else None

    def _read(self) -> None:
        raw = os.read(self._descriptor, _READ_BYTES)
        *whole, self._rest = (self._rest + raw).split(b"\n")
        if not raw:
            self._is_closed = True
            whole, self._rest = ([self._rest] if self._rest else []), b""
        self._lines.extend(line.decode(errors="replace").rstrip("\r") for line in whole)
