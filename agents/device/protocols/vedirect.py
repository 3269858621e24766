"""Victron VE.Direct, text mode: battery monitors, shunts and chargers. TTL UART, 19200 8N1.

Nothing is asked: the device sends a block each second. A block is lines `\\r\\nLabel\\tValue`, the last of which is
`\\r\\nChecksum\\t` and one byte of any value, also CR, LF, TAB or colon. All its bytes together are 0 modulo 256.
Monitors send two kinds in turn: what is now, and the history. Newer ones put lines `:...\\n` of hexadecimal digits
anywhere in between; they belong to another protocol and count in no check sum. Current is positive into the battery
already.

A sum of 8 bits fits by chance once in 256 damaged blocks. Hence the rest that is demanded of a block: that it begins
with the label that begins one, that each line is a label and a value, and that no label comes twice.

Source: Victron's "VE.Direct Protocol", text mode.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from agents.device.decoder import Frame
from agents.device.protocols.framing import Framer, Shape
from agents.device.status import FrameError, Status

NAME: Final = "vedirect-text"
_END: Final = b"\r\nChecksum\t"
# The BMV-60x does not tell its product number: its block begins with the voltage.
_STARTS: Final = (b"\r\nPID\t", b"\r\nH1\t", b"\r\nV\t")
_OLD: Final = b"\r\nBMV\t60"
_MOST_BYTES: Final = 1100  # 22 lines of at most 9 + 33 characters, and their separators
_LINE: Final = re.compile(rb"[A-Za-z0-9#]{1,9}\t[ -~]{0,40}")
_HEX: Final = b"0123456789ABCDEFabcdef"
# Values that a status has no place for: what they are called, and how many of the device's units make one of ours.
OTHERS: Final = {
    "VS": ("starter-voltage-v", 1000),
    "VM": ("midpoint-voltage-v", 1000),
    "DM": ("midpoint-deviation-percent", 10),
    "VPV": ("panel-voltage-v", 1000),
    "PPV": ("panel-power-w", 1),
    "IL": ("load-current-a", 1000),
    "P": ("power-w", 1),
    "CE": ("consumed-ah", 1000),
    "TTG": ("time-to-go-min", 1),
    "CS": ("charge-state", 1),
    "ERR": ("error-code", 1),
    "H1": ("deepest-discharge-ah", 1000),
    "H2": ("last-discharge-ah", 1000),
    "H3": ("average-discharge-ah", 1000),
    "H5": ("full-discharges", 1),
    "H6": ("drawn-ah", 1000),
    "H7": ("lowest-voltage-v", 1000),
    "H8": ("highest-voltage-v", 1000),
    "H9": ("since-full-s", 1),
    "H10": ("synchronizations", 1),
    "H11": ("low-voltage-alarms", 1),
    "H12": ("high-voltage-alarms", 1),
    "H17": ("discharged-kwh", 100),
    "H18": ("charged-kwh", 100),
}
ALARMS: Final = (
    "pack-undervoltage",
    "pack-overvoltage",
    "low-soc",
    "starter-undervoltage",
    "starter-overvoltage",
    "undertemperature",
    "overtemperature",
    "midpoint-voltage",
    "overload",
    "dc-ripple",
    "ac-undervoltage",
    "ac-overvoltage",
    "short-circuit",
    "bms-lockout",
)


class _TextOnly:
    """Takes the hexadecimal lines out of a stream. What only begins like one is given back as the text it is."""

    def __init__(self) -> None:
        self._held, self._last = bytearray(), b""

    def feed(self, data: bytes) -> bytes:
        return b"".join(self._one(data[at : at + 1]) for at in range(len(data)))

    def reset(self) -> None:
        self._held.clear()
        self._last = b""

    def _one(self, byte: bytes) -> bytes:
        if self._held and byte == b"\n":
            self._held.clear()
            return b""
        if self._held and byte in _HEX and len(self._held) < _MOST_BYTES:
            self._held += byte
            return b""
        return self._text(bytes(self._held)) + self._begun(byte)

    def _begun(self, byte: bytes) -> bytes:
        """Return a byte that is text; none where it begins a hexadecimal line. A colon can be a check sum."""
        self._held.clear()
        if byte == b":" and self._last != _END:
            self._held += byte
            return b""
        return self._text(byte)

    def _text(self, data: bytes) -> bytes:
        self._last = (self._last + data)[-len(_END) :]
        return data


def _length(head: bytes) -> int | None:
    end = head.find(_END)
    if end < 0:
        return None if len(head) <= _MOST_BYTES else 0
    return end + len(_END) + 1


def _is_whole(frame: bytes) -> bool:
    lines = frame[2 : -len(_END) - 1].split(b"\r\n")
    labels = {line.partition(b"\t")[0] for line in lines}
    return (
        sum(frame) % 256 == 0
        and len(labels) == len(lines)
        and all(_LINE.fullmatch(line) for line in lines)
        and (not frame.startswith(_STARTS[2]) or _OLD in frame)
    )


class Vedirect:
    """Decoder of the text mode of VE.Direct."""

    name = NAME

    def __init__(self, *, is_sign_flipped: bool = False) -> None:
        self._framer, self._text = Framer(Shape(_STARTS, _length, _is_whole)), _TextOnly()
        self._sign = -1 if is_sign_flipped else 1

    def asks(self) -> Sequence[bytes]:
        return []

    def feed(self, data: bytes) -> list[Frame]:
        return [Frame(NAME, _kind(frame), frame) for frame in self._framer.feed(self._text.feed(data))]

    def reset(self) -> None:
        self._text.reset()
        self._framer.reset()

    def decode(self, frame: Frame) -> Status:
        fields = fields_of(frame.data)
        reasons = _number(fields, "AR")
        return Status(
            pack_voltage_v=_scaled(fields, "V", 1000),
            current_a=_scaled(fields, "I", 1000 * self._sign),
            soc_percent=_scaled(fields, "SOC", 10),
            cycles=_number(fields, "H4"),
            temperatures={"1": float(celsius)} if (celsius := _number(fields, "T")) is not None else {},
            model=fields.get("BMV", fields.get("PID")),
            alarm_bits=reasons,
            alarms=_alarms(fields, reasons),
            others={name: value for label, (name, step) in OTHERS.items()
                    if (value := _scaled(fields, label, step)) is not None},
        )  # fmt: skip


def fields_of(frame: bytes) -> dict[str, str]:
    """Return the lines of a block, by label."""
    lines = frame[2 : -len(_END) - 1].decode("ascii").split("\r\n")
    return {label: value for label, _, value in (line.partition("\t") for line in lines)}


def _kind(frame: bytes) -> str:
    return "history" if frame.startswith(_STARTS[1]) else "main"


def _number(fields: Mapping[str, str], label: str) -> int | None:
    """Return a value as it was sent; None where it was not, or as "---", which is said of what is not known."""
    text = fields.get(label, "---")
    if text == "---":
        return None
    if not re.fullmatch(r"[+-]?[0-9]{1,12}", text):
        raise FrameError(f"{label} is {text!r} where a whole number is sent")
    return int(text)


def _scaled(fields: Mapping[str, str], label: str, step: int) -> float | None:
    return None if (number := _number(fields, label)) is None else number / step


def _alarms(fields: Mapping[str, str], reasons: int | None) -> frozenset[str] | None:
    if "Alarm" not in fields and reasons is None:
        return None
    named = {name for bit, name in enumerate(ALARMS) if (reasons or 0) & (1 << bit)}
    is_on = fields.get("Alarm", "OFF").upper() == "ON"
    return frozenset(named or ({"unspecified"} if is_on else ()))
