"""Writing files so that a power cut leaves the old or the new, never less.

1. A name is given only to content that is synced; then the folder is synced too.
2. What is about to be cut is copied and synced first, and a copy never replaces an older one.
"""

import contextlib
import itertools
import os
from pathlib import Path
from typing import Final

FRESH: Final = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC


def write_all(descriptor: int, raw: bytes) -> None:
    """Write all of it at the present place, however often the system takes only a part."""
    view = memoryview(raw)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_names(folder: Path) -> None:
    """Make the names in a folder, and its own and its parent's, survive a power cut."""
    _sync_folder(folder)
    for above in folder.absolute().parents[:2]:
        with contextlib.suppress(OSError):  # somebody else's folder, which we may not open
            _sync_folder(above)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep(folder: Path, name: str, raw: bytes, *, syncs: bool = True) -> Path:
    """Keep bytes in a file called name.bin, or name-2.bin where other bytes are kept already; return which."""
    for number in itertools.count(1):
        path = folder / (f"{name}.bin" if number == 1 else f"{name}-{number}.bin")
        if not path.exists():
            break
        if path.read_bytes() == raw:
            return path
    unnamed = folder / "aside"
    descriptor = os.open(unnamed, FRESH, 0o600)
    try:
        write_all(descriptor, raw)
        if syncs:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(unnamed, path)
    if syncs:
        sync_names(folder)
    return path
