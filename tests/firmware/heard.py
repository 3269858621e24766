"""One run of the emulated board from orders to the end, and all that it said."""

import re
import subprocess
from pathlib import Path

from tests.firmware.board import PACK
from tests.firmware.logic import crc16


class Heard:
    """What the board said: lines with good CRC, pins, each with its simulated milliseconds."""

    def __init__(self, output: str) -> None:
        said = re.findall(r"^(\d+) (line|pin|fault) (.*)$", output, re.MULTILINE)
        assert [text for _, kind, text in said if kind == "fault"] == []
        lines = [(int(at_ms), text) for at_ms, kind, text in said if kind == "line" and text]
        self.lines = [(at_ms, text[1:-5]) for at_ms, text in lines if is_sound(text)]
        # Only a reset may cut a line in two.
        assert len(lines) - len(self.lines) < len([text for text in self.answers() if text.startswith("BOOT,")])
        self.pins = [(int(at_ms), text) for at_ms, kind, text in said if kind == "pin"]

    def reports(self) -> list[tuple[int, list[str]]]:
        return [(at_ms, text.split(",")) for at_ms, text in self.lines if text.startswith("BM,1,")]

    def answers(self) -> list[str]:
        return [text for _, text in self.lines if not text.startswith("BM,")]

    def first(self, pin: str, after_ms: int) -> int:
        return next(at_ms for at_ms, text in self.pins if text == pin and at_ms > after_ms)


def is_sound(line: str) -> bool:
    found = re.fullmatch(r"\$([^$*]*)\*([0-9A-F]{4})", line)
    return found is not None and int(found[2], 16) == crc16(found[1].encode())


def run(emulator: Path, program: bytes, *orders: str) -> Heard:
    firmware = emulator.with_name("sketch.elf")
    firmware.write_bytes(program)
    asked = "\n".join([*PACK, *orders]) + "\n"
    done = subprocess.run(
        [str(emulator), str(firmware)], input=asked, capture_output=True, text=True, timeout=100, check=True
    )
    return Heard(done.stdout)
