"""The serial ports that there are, by the names that stay, and which programs use one."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_DEV, _PROC = Path("/dev"), Path("/proc")
_NUMBERED: Final = ("ttyUSB*", "ttyACM*")
_SEVERAL: Final = "/dev/pts/"  # a pty is held open at both ends, and by whoever made it


def serial_ports(dev: Path = _DEV) -> list[str]:
    """Return every serial adapter that is plugged in, once: by its own name, or its number where it has none."""
    by_id = dev / "serial" / "by-id"
    named = {os.path.realpath(name): str(name) for name in sorted(by_id.iterdir())} if by_id.is_dir() else {}
    numbered = sorted(str(path) for pattern in _NUMBERED for path in dev.glob(pattern))
    return sorted(named.values()) + [path for path in numbered if os.path.realpath(path) not in named]


def users_of(path: str, proc: Path = _PROC) -> list[str]:
    """Return the programs that have a port open, as far as one may look: this process and ptys are not told of.

    A lock tells only of programs that lock, and opening a port that another one uses already disturbs it.
    """
    target = os.path.realpath(path)
    if target.startswith(_SEVERAL) or not proc.is_dir():
        return []
    return [f"{_name(process)} ({process.name})" for process in _processes(proc) if target in _opened(process)]


def _processes(proc: Path) -> Iterator[Path]:
    own = str(os.getpid())
    for process in sorted(proc.iterdir()):
        if process.name.isdigit() and process.name != own:
            yield process


def _opened(process: Path) -> set[str]:
    found = set[str]()
    with suppress(OSError):  # it has ended, or is not ours to look into
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                found.add(os.readlink(descriptor))
    return found


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(errors="replace").strip()
    except OSError:
        return "a program"
