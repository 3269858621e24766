"""What every protocol can do: ask, find its frames, and say what a frame means. Bytes in, values out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from agents.device.status import Status


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame: its protocol, which kind of it, and its bytes. Only a decoder makes one."""

    protocol: str
    kind: str
    data: bytes


class Decoder(Protocol):
    """One protocol on one line. It holds the bytes of a frame that is not whole yet, and nothing else."""

    name: str

    def asks(self) -> Sequence[bytes]:
        """Return what is sent to learn everything, one question after the other; empty where a device just talks."""
        ...

    def feed(self, data: bytes) -> list[Frame]:
        """Take in bytes and return the frames that are whole now: right start, length, type and checksum."""
        ...

    def decode(self, frame: Frame) -> Status:
        """Return what a frame says.

        Raises:
            FrameError: it is whole, and still cannot be.
        """
        ...

    def reset(self) -> None:
        """Forget the beginning of a frame that will not be gone on with."""
        ...


@runtime_checkable
class TakesQuestions(Protocol):
    """A decoder whose answers do not say what they answer: whoever sends a question tells it first."""

    def asked(self, sent: bytes) -> None:
        """Take note of the question that is being sent; what was begun before it is forgotten.

        Raises:
            ValueError: it is no question of this protocol.
        """
        ...


@runtime_checkable
class WantsHeartbeat(Protocol):
    """A decoder of a device that wants to know whether somebody listens. heartbeat: what tells it, and nothing else."""

    heartbeat: bytes
