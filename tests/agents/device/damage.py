"""What lines do to frames: every bit turned, every length cut."""

from collections.abc import Callable, Iterator

from agents.device.decoder import Decoder
from agents.device.status import FrameError, Status


def flipped(frame: bytes) -> Iterator[bytes]:
    """Every frame that differs in one bit."""
    for at in range(8 * len(frame)):
        damaged = bytearray(frame)
        damaged[at // 8] ^= 1 << at % 8
        yield bytes(damaged)


def cut(frame: bytes) -> Iterator[bytes]:
    """Every beginning of a frame and every end of it."""
    for at in range(1, len(frame)):
        yield frame[:at]
        yield frame[at:]


def read(make: Callable[[], Decoder], data: bytes) -> list[Status]:
    """What a new decoder makes of bytes, without what it refuses."""
    decoder, statuses = make(), list[Status]()
    for frame in decoder.feed(data):
        try:
            statuses.append(decoder.decode(frame))
        except FrameError:
            continue
    return statuses
