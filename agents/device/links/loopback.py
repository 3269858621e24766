"""Two ends of a line within one process: what is written to one is read from the other."""

from threading import Condition

from agents.device.link import LinkError


class Loopback:
    """One end. Only `pair` makes one."""

    def __init__(self, name: str, changed: Condition) -> None:
        self.name, self._changed, self._come, self._is_open = name, changed, bytearray(), True
        self._other = self

    def join(self, other: "Loopback") -> None:
        self._other, other._other = other, self

    def read(self, timeout_s: float) -> bytes:
        """What had come before the other end was closed is still given."""
        with self._changed:
            self._changed.wait_for(lambda: self._come or not self._is_whole, timeout_s)
            data = bytes(self._come)
            self._come.clear()
            if not data:
                self._refuse_when_gone()
            return data

    def write(self, data: bytes) -> None:
        with self._changed:
            self._refuse_when_gone()
            self._other._come += data
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._is_open = False
            self._changed.notify_all()

    @property
    def _is_whole(self) -> bool:
        return self._is_open and self._other._is_open

    def _refuse_when_gone(self) -> None:
        if not self._is_whole:
            raise LinkError(f"{self.name} is gone: one of its ends was closed")


def pair() -> tuple[Loopback, Loopback]:
    """Return the two ends of a new line."""
    changed = Condition()
    near, far = Loopback("loopback", changed), Loopback("loopback", changed)
    near.join(far)
    return near, far
