"""A line that takes its time: ten bits a byte, one after the other."""

from typing import Final

_BITS_A_BYTE: Final = 10


class PacedLine:
    """Gives back the bytes that have gone through by now."""

    def __init__(self, baud: int) -> None:
        self._bytes_a_s = baud / _BITS_A_BYTE
        self._waiting, self._free_s = bytearray(), float("-inf")

    def carry(self, now_s: float, data: bytes = b"") -> bytes:
        """Take in bytes to be sent, and return those that have arrived. now_s: monotonic."""
        if not self._waiting:
            self._free_s = now_s
        self._waiting += data
        count = min(len(self._waiting), int((now_s - self._free_s) * self._bytes_a_s + 1e-6))
        arrived = bytes(self._waiting[:count])
        del self._waiting[:count]
        self._free_s += count / self._bytes_a_s
        return arrived
