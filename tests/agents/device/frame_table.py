"""`python -m tests.agents.device.frame_table`: what decoders make of frames, whole and damaged, into docs/device.md.

Frames are captured ones of real devices, where they are here, and made ones: what our emulated devices say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from agents.device.emulation.catalogue import SPEECHES
from agents.device.emulation.pack_model import after, pack_of, status_of
from agents.device.protocols.catalogue import DECODERS
from agents.device.status import FrameError, Status, merged
from tests.agents.device import captures
from tests.agents.device.damage import cut, flipped
from tests.agents.device.tables import put, table
from tests.agents.device.test_frames import assert_says, captured, frames_in

MODULE: Final = "tests.agents.device.frame_table"
HEADS: Final = ("protocol", "captured: say what is stated", "captured: refused as they must be", "made: read back",
                "streams at chunkings: exact", "damaged: taken for whole", "fuzz inputs: crashes")  # fmt: skip
CHUNKINGS: Final = (1, 2, 3, 7, 20, 64, 0)
FUZZED: Final = 2000
_MADE: Final = 20
_JUNK: Final = (b"AT\r\n", b"\xff\x00\xff", b"\r\n\r\n")
_OWN: Final = {"jk-55aa": [captures.JK_NEW, captures.JK_OLD, captures.JK_DEVICE], "jbd-up": [captures.JBD_UP],
               "jk-uart": [captures.JK_UART]}  # fmt: skip


def lines() -> list[str]:
    """What stands in the document."""
    return table(HEADS, [row(name) for name in sorted(DECODERS)])


@dataclass(frozen=True, slots=True)
class Share:
    """How many of some were as they should be."""

    right: int
    tried: int


def row(name: str) -> tuple[str, ...]:
    """What became of the frames of a protocol."""
    told = [one for one in captured()["frames"] if one["protocol"] == name]
    whole = [bytes.fromhex(one["hex"]) for one in told if one["valid"]]
    good = [one for one in told if one["valid"] and "exception_code" not in one["decoded"]]
    bad = [one for one in told if one not in good]
    made, frames = _made(name), [*whole, *_OWN.get(name, ())] or [raw for raw, _ in _made(name)[:1]]
    stated = Share(sum(map(_says, good)), len(good))
    refused = Share(sum(map(_is_refused, bad)), len(bad))
    read = Share(sum(_is_read_back(name, *one) for one in made), len(made))
    wrong = (damage(name, frames), fuzz(name, frames))
    right = (stated, refused, read, exact(name, frames))
    return (f"`{name}`", *map(_of, right), *(_of(Share(one.tried - one.right, one.tried)) for one in wrong))


def _of(share: Share) -> str:
    return f"{share.right} of {share.tried}" if share.tried else ""


def _says(capture: dict[str, Any]) -> bool:
    """Whether a captured frame, found in its bytes, says every value that its source states."""
    raw, name = bytes.fromhex(capture["hex"]), capture["protocol"]
    try:
        [frame] = frames_in(name, raw)
        assert frame.data == raw
        assert_says(DECODERS[name]().decode(frame), capture["decoded"])
    except (AssertionError, ValueError, FrameError):
        return False
    return True


def _is_refused(capture: dict[str, Any]) -> bool:
    """Whether a damaged frame is none, and one in which the device declines is refused when it is read."""
    name = capture["protocol"]
    found = frames_in(name, bytes.fromhex(capture["hex"]))
    return all(not _is_readable(name, frame.data) for frame in found) and bool(found) == capture["valid"]


def _is_readable(name: str, raw: bytes) -> bool:
    try:
        statuses = [DECODERS[name]().decode(frame) for frame in frames_in(name, raw)]
    except FrameError:
        return False
    return bool(statuses)


def _made(name: str) -> list[tuple[bytes, Status]]:
    """What an emulated device of a protocol says, and what it has measured."""
    speech, noise, pack = SPEECHES.get(name), Random(1), pack_of(1)
    if speech is None:
        return []
    made = list[tuple[bytes, Status]]()
    for number in range(_MADE):
        pack = after(pack, 140.0 if number % 2 else -140.0, 60.0)
        status = status_of(pack, noise, speech.sensors)
        said = [speech.talk(status, 1)] if speech.talk else [speech.answers[ask](status) for ask in _asks(name)]
        made.append((b"".join(said), status))
    return made


def _asks(name: str) -> Sequence[bytes]:
    return DECODERS[name]().asks()


def _is_read_back(name: str, raw: bytes, status: Status) -> bool:
    """Whether cells, pack and current are read as they were said; a volt in tenths at the coarsest."""
    decoder = DECODERS[name]()
    read = merged([decoder.decode(frame) for frame in decoder.feed(raw)])
    pairs = ((read.pack_voltage_v, status.pack_voltage_v), (read.current_a, status.current_a))
    is_near = all(None not in pair and abs(pair[0] - pair[1]) < 0.051 for pair in pairs)  # type: ignore[operator]
    return is_near and (name == "vedirect-text" or read.cells == status.cells)


def exact(name: str, frames: Sequence[bytes]) -> Share:
    """Of streams at every chunking, how many give exactly their frames: captured ones, and one with junk between."""
    given = [one for one in captured()["streams"] if one["protocol"] == name]
    streams = [(bytes.fromhex(one["hex"]), [bytes.fromhex(raw) for raw in one["expect_frames"]]) for one in given]
    glued = b"".join(_JUNK[number % len(_JUNK)] + raw for number, raw in enumerate(frames))
    one_by_one = [frame.data for raw in frames for frame in frames_in(name, raw)]
    found = [
        [frame.data for frame in frames_in(name, data, size)] == expected
        for data, expected in [*streams, (glued, one_by_one)]
        for size in CHUNKINGS
    ]
    return Share(sum(found), len(found))


def damage(name: str, frames: Sequence[bytes]) -> Share:
    """Of three frames with every bit turned and every length cut, how many give nothing that is not the frame."""
    some = sorted({len(raw): raw for raw in frames}.items())[:3]
    found = [
        all(frame.data in raw for frame in frames_in(name, damaged)) for _, raw in some for damaged in _damaged(raw)
    ]
    return Share(sum(found), len(found))


def _damaged(raw: bytes) -> Iterator[bytes]:
    yield from flipped(raw)
    yield from cut(raw)


def fuzz(name: str, frames: Sequence[bytes], count: int = FUZZED) -> Share:
    """Of frames that were cut up at random, how many are read or refused; anything but a refusal is a crash."""
    random, right = Random(name), 0
    for _ in range(count):
        decoder, data = DECODERS[name](), _mutated(random.choice(frames), random)
        try:
            for frame in decoder.feed(data):
                decoder.decode(frame)
        except FrameError:
            pass
        except Exception:  # noqa: BLE001  # that is what is counted
            continue
        right += 1
    return Share(right, count)


def _mutated(raw: bytes, random: Random) -> bytes:
    data = bytearray(raw)
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(data) + 1)
        data[at : at + random.randint(0, 3)] = random.randbytes(random.randint(0, 3))
    return bytes(data) + raw


if __name__ == "__main__":
    put(MODULE, lines())
