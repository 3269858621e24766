"""Seplos v2 over Bluetooth: its telegrams as bytes instead of digits. Service ff00, notify ff01, write ff02.

Ask `7E 10 addr 46 cmd len(2) data crc(2) 0D`; answer `7E 14 addr cmd code len(2) data crc(2) 0D`, code 0 for fine. The
check sum is the CRC-16 of XMODEM from the version on, big-endian. 0x61 is a pack's telemetry, as in the ASCII form;
0x62 is the system of all its packs, of which only the switches and alarms of the main pack are taken; 0x51 the maker.
Current is positive into the battery already. Which of the sensors 5 and 6 is which is not stated: they are numbered.

Source: patman15/aiobmsble, read as documentation of the wire format.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agents.device.decoder import Frame
from agents.device.protocols.checksums import crc16_xmodem
from agents.device.protocols.framing import Framer, Shape
from agents.device.protocols.telecom_alarms import SEPLOS_EVENTS, named
from agents.device.protocols.telecom_ascii import SEPLOS
from agents.device.protocols.telecom_fields import Fields, telemetry
from agents.device.status import FrameError, Status

NAME: Final = "seplos-v2-bin"
_MAKER, _PACK, _SYSTEM = 0x51, 0x61, 0x62
_KINDS: Final = {_MAKER: "maker", _PACK: "telemetry", _SYSTEM: "system"}
_HEAD, _TAIL = 7, 3
_ASKED, _ANSWERED = 0x10, 0x14
_LAYOUT: Final = replace(SEPLOS, last=())
_SWITCHES: Final = 38  # where they stand in an answer about the system
_MODEL: Final = slice(19, 29)


def ask(command: int, address: int = 0, data: bytes = b"") -> bytes:
    """Return the question for one kind of answer."""
    text = bytes((_ASKED, address, 0x46, command)) + len(data).to_bytes(2, "big") + data
    return b"\x7e" + text + crc16_xmodem(text).to_bytes(2, "big") + b"\r"


def _length(head: bytes) -> int | None:
    if len(head) < _HEAD:
        return None
    return _HEAD + int.from_bytes(head[5:7], "big") + _TAIL if head[1] == _ANSWERED and head[3] in _KINDS else 0


def _is_whole(frame: bytes) -> bool:
    return frame[-1:] == b"\r" and int.from_bytes(frame[-3:-1], "big") == crc16_xmodem(frame[1:-3])


class SeplosBin:
    """Decoder of the binary form of Seplos v2."""

    name = NAME

    def __init__(self, *, is_sign_flipped: bool = False) -> None:
        self._framer, self._is_flipped = Framer(Shape((b"\x7e",), _length, _is_whole)), is_sign_flipped

    def asks(self) -> Sequence[bytes]:
        return [ask(_PACK, data=b"\0"), ask(_SYSTEM)]

    def feed(self, data: bytes) -> list[Frame]:
        return [Frame(NAME, _KINDS[frame[3]], frame) for frame in self._framer.feed(data)]

    def reset(self) -> None:
        self._framer.reset()

    def decode(self, frame: Frame) -> Status:
        if frame.data[4]:
            raise FrameError(f"the device refuses {frame.kind} with code {frame.data[4]:#04x}")
        address, data = frame.data[2], frame.data[_HEAD:-_TAIL]
        if frame.kind == "maker":
            return Status(model=data[_MODEL].decode("ascii", "replace").strip("\0 ") or None, address=address)
        if frame.kind == "system":
            return _system(address, data)
        status = telemetry(Fields(data[2:]), address, layout=_LAYOUT, is_sign_flipped=self._is_flipped)
        if status is None:
            raise FrameError(f"telemetry of {len(data)} bytes is too short for what it announces")
        return status


def _system(address: int, data: bytes) -> Status:
    events = data[_SWITCHES + 2 : _SWITCHES + 2 + len(SEPLOS_EVENTS)]
    if len(events) < len(SEPLOS_EVENTS) or data[_SWITCHES + 1] < len(SEPLOS_EVENTS):
        raise FrameError(f"an answer about the system of {len(data)} bytes holds no alarms")
    return Status(
        address=address,
        charge_fet=bool(data[_SWITCHES] & 2),
        discharge_fet=bool(data[_SWITCHES] & 1),
        alarm_bits=int.from_bytes(events, "little"),
        alarms=named(events, SEPLOS_EVENTS),
    )
