"""Finding frames in bytes as they come: cut, glued, echoed, with junk between them.

1. A frame is what has the right start, length, type and checksum. Nothing else leaves this module.
2. What fails is not thrown away as a whole: the next frame may begin inside it. Only its first byte is.
3. The same bytes give the same frames, however they are cut into chunks.
4. Junk without end does not grow a buffer: what cannot begin a frame any more is dropped and counted.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

MAX_FRAME: Final = 4096


@dataclass(frozen=True, slots=True)
class Shape:
    """How the frames of a protocol look.

    starts: what a frame can begin with, any of them.
    length: of the frame whose first bytes these are, in bytes; None: more bytes are needed to tell; 0: it is no frame.
    is_whole: whether type and checksum of so many bytes are right.
    """

    starts: Sequence[bytes]
    length: Callable[[bytes], int | None]
    is_whole: Callable[[bytes], bool]


class Framer:
    """Gives the frames in a stream of bytes. dropped: how many bytes belonged to none."""

    def __init__(self, shape: Shape) -> None:
        self._shape, self._buffer, self.dropped = shape, bytearray(), 0
        # One search for all starts: one for each would go through the whole buffer for those that are not there.
        self._start = re.compile(b"|".join(map(re.escape, shape.starts)))

    def feed(self, data: bytes) -> list[bytes]:
        """Take in what has come and return the frames that are whole now, in order."""
        self._buffer += data
        return list(self._frames())

    def reset(self) -> None:
        """Forget what was begun: after a silence, or another question, it is not gone on with."""
        self._drop(len(self._buffer))

    def _frames(self) -> Iterator[bytes]:
        while self._find_start():
            length = self._shape.length(bytes(self._buffer[:MAX_FRAME]))
            if length is None and len(self._buffer) < MAX_FRAME:
                return
            if not length or length > MAX_FRAME:
                self._drop(1)
            elif len(self._buffer) < length:
                return
            elif self._shape.is_whole(bytes(self._buffer[:length])):
                yield bytes(self._buffer[:length])
                del self._buffer[:length]
            else:
                self._drop(1)

    def _find_start(self) -> bool:
        """Drop what stands before the next start; keep a tail that may be the beginning of one."""
        if found := self._start.search(self._buffer):
            self._drop(found.start())
            return True
        kept = max((self._begun(start) for start in self._shape.starts), default=0)
        self._drop(len(self._buffer) - kept)
        return False

    def _begun(self, start: bytes) -> int:
        """Return how many bytes at the end of the buffer may be the beginning of a start."""
        for size in range(min(len(start) - 1, len(self._buffer)), 0, -1):
            if self._buffer.endswith(start[:size]):
                return size
        return 0

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self.dropped += count
