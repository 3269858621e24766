"""Whether an Arduino sketch compiles for the Mega, with Debian's Arduino core and the sketch's own warnings as errors.

1. A sketch is a stranger's. It is read before any compiler sees it, and compiled in a folder and an environment of
   its own, within bounds of size, memory and time.
2. Nothing is read but the sketch's files, Arduino's core and the compiler's own headers: includes are plain names, and
   assembler that reads files is looked for twice, in the source and in what the compiler made of it, since macros can
   put together what stands nowhere in the source.
3. Without a compiler there is no verdict: the sketch is not checked, and Built says so.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Final

from gates.sketch_text import read_sketch, shown
from protocol.errors import SourceError

# The core takes less than a second, the shipped sketch two; the rest is for a loaded machine.
LIMIT_S: Final = 60.0
ARDUINO: Final = Path("/usr/share/arduino/hardware/arduino/avr")
NOT_HERE: Final = "not checked: {} is not here (Debian: gcc-avr avr-libc arduino-core-avr)"

# Source: ATmega2560 datasheet, section 8; the bootloader of the Mega takes the upper 8 KB of the flash.
_FLASH_BYTES: Final = 262_144 - 8_192
_RAM_BYTES: Final = 8_192
# Interrupts and calls need room above the variables, which nothing checks when it runs.
_STACK_BYTES: Final = 1_024

_TOOLS: Final = ("avr-g++", "avr-gcc", "avr-ar", "avr-size")
_LIBRARIES: Final = ("EEPROM", "SPI", "SoftwareSerial", "Wire")
_MACHINE: Final = (
    *("-mmcu=atmega2560", "-DF_CPU=16000000UL", "-Os", "-ffunction-sections", "-fdata-sections"),
    *("-DARDUINO=10813", "-DARDUINO_AVR_MEGA2560", "-DARDUINO_ARCH_AVR"),
    "-DDECIMAL_DIG=9",  # Arduino's WString.cpp wants it, and this compiler defines it for C only
)
_C: Final = ("-std=gnu11",)
_CPP: Final = ("-std=gnu++11", "-fno-exceptions", "-fno-threadsafe-statics")
# Carets would show a line of whatever file a message names. One error is all that is told, and headers that include
# each other for ever end with it.
_STRICT: Final = (
    *("-Wall", "-Wextra", "-Wconversion", "-fno-diagnostics-show-caret", "-fmax-errors=1"),
    *("-iquote", "."),
)
_COMPILED: Final = {
    ".c": ("avr-gcc", *_C),
    ".cpp": ("avr-g++", *_CPP),
    ".ino": ("avr-g++", *_CPP, "-include", "Arduino.h", "-x", "c++"),
}

_ASSEMBLED: Final = re.compile(rb"\.\s*(?:incbin|include|macro|irpc?|altmacro|mri)\b", re.I)
_DIAGNOSIS: Final = re.compile(
    r"^([^\s:][^:\n]*):(\d+):(?:\d+:)? (?:fatal )?(error|warning): (.*)$", re.MULTILINE | re.I
)
_COMPLAINT: Final = re.compile(r"^.*(?:undefined reference|multiple definition|rror:|overflow|will not fit).*$", re.M)
_FOLDERS: Final = re.compile(r"(?:/[^\s:'`/]+)+/")


@dataclass(frozen=True, slots=True)
class Built:
    """What compiling a sketch came to.

    is_checked: False when there is no compiler here; note says what is missing.
    fault: one sentence that names file and line of the first error or warning, "" when there is none.
    note: sizes of what was built.
    program: what was linked, as ELF; empty when nothing was.
    """

    is_checked: bool
    fault: str = ""
    note: str = ""
    program: bytes = field(default=b"", repr=False)


class _NotHere(Exception):
    """What is missing on this machine."""


def build(files: Mapping[str, bytes], limit_s: float = LIMIT_S) -> Built:
    """Compile and link the files of one sketch folder, by their names in it.

    limit_s: how long that may take; longer is a fault. Arduino's core, once in a process, is not counted.
    """
    try:
        texts = read_sketch(files)
        path = _tools()
        with tempfile.TemporaryDirectory(prefix="sketch-") as folder:
            (Path(folder) / "core.a").write_bytes(_core(path))
            return _built(texts, _Room(Path(folder), path, limit_s))
    except SourceError as fault:
        return Built(is_checked=True, fault=str(fault))
    except _NotHere as missing:
        return Built(is_checked=False, note=str(missing))


def missing_here() -> str:
    """Return what this machine lacks to compile a sketch; "" where nothing does."""
    path = os.environ.get("PATH", os.defpath)
    for tool in _TOOLS:
        if shutil.which(tool, path=path) is None:
            return tool
    return "" if (ARDUINO / "cores" / "arduino" / "Arduino.h").is_file() else "Arduino's core"


def _tools() -> str:
    missing = missing_here()
    if missing:
        raise _NotHere(NOT_HERE.format(missing))
    return os.environ.get("PATH", os.defpath)


class _Room:
    """Where compilers work: one folder, little environment, so many seconds in all from now on."""

    def __init__(self, folder: Path, path: str, limit_s: float) -> None:
        self.folder = folder
        self._path = path
        self._limit_s = limit_s
        self._until_s = time.monotonic() + limit_s

    def run(self, *command: str) -> tuple[bool, str]:
        """Return whether a command succeeded, and what it said; SourceError when the time was not enough."""
        # The shell sets the limits and becomes the compiler: memory in KB, sizes of files in blocks of 512 bytes.
        limited = ("/bin/sh", "-c", 'ulimit -v 2000000; ulimit -f 65536; exec "$@"', "sh", *command)
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(
                limited,
                cwd=self.folder,
                env={"PATH": self._path, "LC_ALL": "C", "HOME": str(self.folder), "TMPDIR": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
        ):
            try:
                code = process.wait(max(0.0, self._until_s - time.monotonic()))
            except subprocess.TimeoutExpired as error:
                raise SourceError(f"compiling it takes longer than {self._limit_s:.0f} s") from error
            finally:
                _end_group(process)
            said.seek(0)
            return code == 0, said.read(65_536).decode("utf-8", "replace")


def _end_group(process: "subprocess.Popen[bytes]") -> None:
    """End the compiler with all it has started: the driver's end does not end the compiler proper."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _built(texts: Mapping[str, str], room: _Room) -> Built:
    for name, text in texts.items():
        (room.folder / name).write_text(text, newline="")
    assembled = [_compiled(name, texts, room) for name in texts if PurePosixPath(name).suffix in _COMPILED]
    is_done, said = room.run("avr-gcc", "-mmcu=atmega2560", "-c", *assembled)
    if not is_done:
        raise SourceError(_complaint("assemble", said))
    objects = [f"{PurePosixPath(name).stem}.o" for name in assembled]
    link = ("avr-gcc", *_MACHINE, "-Wl,--gc-sections", *objects, "core.a", "-lm", "-o", "sketch.elf")
    is_done, said = room.run(*link)
    if not is_done:
        raise SourceError(_complaint("link", said))
    return Built(is_checked=True, note=_sizes(room), program=(room.folder / "sketch.elf").read_bytes())


def _compiled(name: str, texts: Mapping[str, str], room: _Room) -> str:
    """Compile one file to assembler, and return the name of that."""
    target = f"{name}.s"
    kind = _COMPILED[PurePosixPath(name).suffix]
    is_done, said = room.run(*kind, *_MACHINE, *_includes(), *_STRICT, "-S", name, "-o", target)
    for found in _DIAGNOSIS.finditer(said):
        # What the core's own headers are warned about is not the sketch's fault.
        if found[3].lower() == "error" or found[1] in texts:
            raise SourceError(f"{PurePosixPath(found[1]).name}:{found[2]}: {_said(found[4])}")
    if not is_done:
        raise SourceError(f"{name}: {_complaint('compile', said)}")
    if _ASSEMBLED.search((room.folder / target).read_bytes()):
        raise SourceError(f"{name}: it holds assembler that can read files outside the sketch")
    return target


def _complaint(verb: str, said: str) -> str:
    found = _COMPLAINT.search(said)
    return f"it does not {verb}" + (f": {_said(found[0])}" if found else "")


def _said(text: str) -> str:
    """Return a compiler's words fit to be shown: without the folders of this machine."""
    return shown(_FOLDERS.sub("", text))


def _sizes(room: _Room) -> str:
    is_done, said = room.run("avr-size", "sketch.elf")
    if not is_done:
        raise SourceError("what was linked cannot be measured")
    text, data, bss = map(int, said.splitlines()[-1].split()[:3])
    flash, ram = text + data, data + bss
    if flash > _FLASH_BYTES:
        raise SourceError(f"the sketch takes {flash:,} bytes of flash, the Mega has {_FLASH_BYTES:,}")
    if ram > _RAM_BYTES - _STACK_BYTES:
        raise SourceError(
            f"the variables take {ram:,} bytes; of {_RAM_BYTES:,}, {_STACK_BYTES:,} are needed for the stack"
        )
    return f"compiles for the ATmega2560 without warnings: {flash:,} bytes of flash, {ram:,} of RAM"


def _includes() -> tuple[str, ...]:
    # Not -isystem: for this compiler such headers are C, and Arduino's are not.
    libraries = (ARDUINO / "libraries" / name / "src" for name in _LIBRARIES)
    folders = (ARDUINO / "cores" / "arduino", ARDUINO / "variants" / "mega", *libraries)
    return tuple(f"-I{folder}" for folder in folders)


@lru_cache(maxsize=1)
def _core(path: str) -> bytes:
    """Return Arduino's core as a library, compiled once in this process; path is where the compiler was found."""
    with tempfile.TemporaryDirectory(prefix="arduino-core-") as folder:
        room = _Room(Path(folder), path, LIMIT_S)
        flags = (*_MACHINE, *_includes(), "-w", "-c")
        _core_step(room, "avr-gcc", *_C, *flags, *_core_files("c"), *_core_files("S"))
        _core_step(room, "avr-g++", *_CPP, *flags, *_core_files("cpp"))
        _core_step(room, "avr-ar", "rcs", "core.a", *sorted(made.name for made in room.folder.glob("*.o")))
        return (room.folder / "core.a").read_bytes()


def _core_files(suffix: str) -> Sequence[str]:
    folders = [ARDUINO / "cores" / "arduino", *(ARDUINO / "libraries" / name / "src" for name in _LIBRARIES)]
    return sorted(map(str, chain.from_iterable(folder.rglob(f"*.{suffix}") for folder in folders)))


def _core_step(room: _Room, *command: str) -> None:
    try:
        is_done, said = room.run(*command)
    except SourceError as fault:
        raise _NotHere(f"not checked: Arduino's core: {fault}") from fault
    if not is_done:
        raise _NotHere(f"not checked: Arduino's core: {_complaint('compile', said)}")
