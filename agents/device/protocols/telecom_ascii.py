"""The ASCII telegrams of the telecom rule YD/T 1363, as Seplos v2, PACE and Pylontech send them. RS485 or RS232.

Seplos and PACE 9600 8N1 (some 19200), Pylontech 115200 8N1. Frame: `~ VER ADR CID1 CID2 LENGTH INFO CHKSUM CR`, all
of it but the first and the last in upper-case hexadecimal digits. The highest digit of LENGTH checks its three others,
which count the digits of INFO. CHKSUM is 0x10000 less the sum of the characters between ~ and itself. In an answer CID2
is the return code, 0 for fine; a question comes back with its command there and is no answer.

An answer does not say to which question: telemetry (0x42) and alarms (0x44) are told apart by which of the two layouts
it fills to the last byte. PACE alone adds bytes to the telemetry of one pack that nobody describes; they are let be.
Current is positive into the battery already. What differs is in `MEMBERS`.

Source: Seplos' "BMS communication protocol" V2.0 (EMU11xx); Frankkkkk/python-pylontech, syssi/esphome-seplos-bms and
nkinnan/esphome-pace-bms, read as documentation of the wire format.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from agents.device.decoder import Frame
from agents.device.protocols import telecom_alarms as alarms
from agents.device.protocols.framing import Framer, Shape
from agents.device.protocols.telecom_fields import PORT_VOLTAGE, Fields, Layout, telemetry
from agents.device.status import FrameError, Status

_DIGITS: Final = frozenset(b"0123456789ABCDEF")
_HEAD, _TAIL = 13, 5
_BATTERIES: Final = (0x46, 0x4F)  # CID1: lithium iron phosphate, lithium ion
_RETURNS: Final = {
    0x01: "the version",
    0x02: "the check sum",
    0x03: "the check sum of the length",
    0x04: "the command",
    0x05: "the form of the command",
    0x06: "the data",
    0x07: "no data",
    0x09: "the operation",
    0x90: "the address",
    0x91: "the line inside",
    0xE1: "the device code",
    0xE2: "the execution",
    0xE3: "a fault of the device",
    0xE4: "the rights",
}
_Layout: TypeAlias = Callable[[Fields, int], Status | None]


@dataclass(frozen=True, slots=True)
class Member:
    """What one of the family does its own way.

    version: what it is asked with. address: which it has out of the box. flags: what follows its temperature alarms.
    most_added: how many bytes a telemetry of one pack may go on after what is known.
    """

    version: int
    address: int
    telemetry: Layout
    flags: Callable[[Fields], alarms.Flags]
    most_added: int = 0


_SEPLOS_TAIL: Final = (("full_ah", 100), ("soc_percent", 10), ("nominal_ah", 100), ("cycles", 1),
                       ("soh_percent", 10), (PORT_VOLTAGE, 100))  # fmt: skip
SEPLOS: Final = Layout(volt=100, ampere=100, hours=100, tail=_SEPLOS_TAIL, last=("ambient", "mos"))
_PACE_TAIL: Final = (("full_ah", 100), ("cycles", 1), ("nominal_ah", 100))
_PACE: Final = Layout(volt=1000, ampere=100, hours=100, tail=_PACE_TAIL, last=("mos", "ambient"), spare_bytes=1)
_PYLONTECH_TAIL: Final = (("full_ah", 1000), ("cycles", 1))
_PYLONTECH: Final = Layout(volt=1000, ampere=10, hours=1000, tail=_PYLONTECH_TAIL, first=("bms",), has_wide_tail=True)
MEMBERS: Final[Mapping[str, Member]] = {
    "seplos-v2-ascii": Member(0x20, 0, SEPLOS, alarms.seplos),
    "pace-ascii": Member(0x25, 1, _PACE, alarms.pace, most_added=16),
    "pylontech-ascii": Member(0x20, 2, _PYLONTECH, alarms.pylontech),
}


def check_sum(text: bytes) -> int:
    """Return the check sum over the characters between ~ and it."""
    return -sum(text) & 0xFFFF


def length_field(size: int) -> int:
    """Return LENGTH for so many digits of INFO, 0 to 4095."""
    return -(size + (size >> 4) + (size >> 8)) % 16 << 12 | size


def telegram(version: int, address: int, command: int, info: bytes = b"", *, battery: int = 0x46) -> bytes:
    """Return a whole telegram, question or answer; info: its bytes, not yet as digits."""
    head = bytes((version, address, battery, command)) + length_field(2 * len(info)).to_bytes(2, "big")
    text = (head + info).hex().upper().encode()
    return b"~%b%04X\r" % (text, check_sum(text))


def _length(head: bytes) -> int | None:
    if not _DIGITS.issuperset(head[1:_HEAD]):
        return 0
    if len(head) < _HEAD:
        return None
    stated = int(head[9:_HEAD], 16)
    is_answer = int(head[7:9], 16) in (0, *_RETURNS) and int(head[5:7], 16) in _BATTERIES
    return _HEAD + (stated & 0xFFF) + _TAIL if is_answer and length_field(stated & 0xFFF) == stated else 0


def _is_whole(frame: bytes) -> bool:
    text, stated = frame[1:-_TAIL], frame[-_TAIL:-1]
    is_hex = _DIGITS.issuperset(text + stated) and len(text) % 2 == 0
    return is_hex and frame[-1:] == b"\r" and int(stated, 16) == check_sum(text)


class TelecomAscii:
    """Decoder of one member of the family. addresses: which packs are asked."""

    def __init__(self, name: str, *, addresses: Sequence[int] | None = None, is_sign_flipped: bool = False) -> None:
        self.name, self._member = name, MEMBERS[name]
        self._addresses = (self._member.address,) if addresses is None else addresses
        self._framer, self._is_flipped = Framer(Shape((b"~",), _length, _is_whole)), is_sign_flipped

    def asks(self) -> Sequence[bytes]:
        ask = partial(telegram, self._member.version)
        return [ask(address, command, bytes((address,))) for address in self._addresses for command in (0x42, 0x44)]

    def feed(self, data: bytes) -> list[Frame]:
        return [Frame(self.name, "answer", frame) for frame in self._framer.feed(data)]

    def reset(self) -> None:
        self._framer.reset()

    def decode(self, frame: Frame) -> Status:
        data = bytes.fromhex(frame.data[1:-_TAIL].decode("ascii"))
        address, returned, info = data[1], data[3], data[6:]
        if returned:
            raise FrameError(f"the device refuses the question: {_RETURNS.get(returned, returned)} is not right")
        # Alarms first: voltages are no bytes of alarm, but alarms read by twos can look like voltages.
        one = partial(telemetry, layout=self._member.telemetry, is_sign_flipped=self._is_flipped)
        return (
            _of_packs(info, address, partial(alarms.read, rest=self._member.flags))
            or _of_packs(info, address, one)
            or _of_one(info, address, one, self._member.most_added)
            or _refuse(info)
        )


def _of_packs(info: bytes, address: int, one: _Layout) -> Status | None:
    """Return what INFO says of one pack or several, read by a layout; None where it does not fit.

    Before the packs stand a flag and, in an answer about several, how many they are; else a pack's number.
    """
    fields, packs = Fields(info[2:]), list[Status]()
    while fields.left and (status := one(fields, address + len(packs))) is not None:
        packs.append(status)
    if not packs or fields.left or (len(packs) > 1 and len(packs) != info[1]):
        return None
    return packs[0] if len(packs) == 1 else Status(packs=tuple(packs))


def _of_one(info: bytes, address: int, one: _Layout, most_added: int) -> Status | None:
    fields = Fields(info[2:])
    status = one(fields, address)
    return status if fields.left <= most_added else None


def _refuse(info: bytes) -> Status:
    raise FrameError(f"an answer of {len(info)} bytes fits neither the layout of telemetry nor that of alarms")
