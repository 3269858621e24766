"""The real firmware on an emulated ATmega2560 with an emulated board, for tests: built on the spot, never shipped."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from gates.sketches import build
from tests.firmware.logic import CELLS, SKETCH, crc16
from tests.systems import missing, need_command

SIMAVR: Final = Path("/usr/include/simavr")
INPUTS: Final = (
    *("adc 1 3310", "adc 2 2048", "adc 3 2500", "adc 12 2500"),
    *(f"adc {channel} 2048" for channel in range(4, 12)),
)
PACK: Final = (*(f"cell {cell} {3250 + 7 * cell}" for cell in range(1, CELLS + 1)), *INPUTS)
_TOLD: Final = re.compile(r"(\d+) (line|pin|fault|now|pty) ?(.*)\n")


def built_emulator(folder: Path) -> Path:
    """Return the emulator, or end the test where this machine cannot make it."""
    need_command("avr-g++", "gcc-avr")
    need_command("cc", "gcc")
    if not (SIMAVR / "sim_avr.h").exists():
        missing("simavr's headers are not here; they come with the Debian package libsimavr-dev")
    program, here = folder / "emulator", Path(__file__).parent
    sources = (str(here / "emulator.c"), str(here / "card.c"))
    command = ["cc", "-O2", *sources, "-o", str(program), f"-I{SIMAVR}", "-lsimavr", "-lutil"]
    subprocess.run(command, check=True, timeout=60)
    return program


def sketch(changes: Mapping[str, tuple[bytes, bytes]] | None = None) -> bytes:
    """Return the shipped sketch as a program, some of its text changed."""
    files = {path.name: path.read_bytes() for path in SKETCH.iterdir()}
    for name, (old, new) in (changes or {}).items():
        assert old in files[name]
        files[name] = files[name].replace(old, new)
    made = build(files)
    assert made.fault == ""
    return made.program


def order(text: str) -> str:
    return f"say {text}*{crc16(text.encode()):04X}"


class Board:
    """A running board whose USB is a pty. now_ms: simulated, since it was switched on. pins: what changed, and when."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.now_ms, self.pins = 0, list[tuple[int, str]]()
        self.path = self._until("pty")

    def order(self, *texts: str) -> None:
        _stream(self._process.stdin).write("".join(f"{text}\n" for text in texts))

    def run(self, ms: int) -> None:
        """Let so many simulated milliseconds pass."""
        self.order(f"run {ms}", "now")
        _stream(self._process.stdin).flush()
        self._until("now")

    def first(self, pin: str, after_ms: int) -> int:
        return next(at_ms for at_ms, text in self.pins if text == pin and at_ms > after_ms)

    def _until(self, last: str) -> str:
        """Take in what it tells up to a word; return what stands behind that. What simavr itself says is left out."""
        while line := _stream(self._process.stdout).readline():
            if not (told := _TOLD.fullmatch(line)):
                continue
            self.now_ms, kind, rest = int(told[1]), told[2], told[3]
            assert kind != "fault", rest
            if kind == "pin":
                self.pins.append((self.now_ms, rest))
            if kind == last:
                return rest
        raise AssertionError("the emulator has ended")


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream
    return stream


@contextmanager
def switched_on(emulator: Path, program: bytes, link: Path, *orders: str) -> Iterator[Board]:
    """A board that is found at the link while it is on, and is killed at the end."""
    firmware, pipe = emulator.with_name(f"{link.name}.elf"), subprocess.PIPE
    firmware.write_bytes(program)
    with subprocess.Popen([str(emulator), str(firmware), "pty"], stdin=pipe, stdout=pipe, text=True) as process:
        try:
            board = Board(process)
            board.order(*PACK, *orders)
            link.symlink_to(board.path)
            yield board
        finally:
            process.kill()
            link.unlink(missing_ok=True)
