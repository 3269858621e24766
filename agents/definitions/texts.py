"""Finding and reading the files of a folder of agents: other people's folders hold anything.

1. Files are those that end in `.md`, in folders below too and behind links. What is met again is read once, under the
   name that is no link.
2. What is not an ordinary file, such as a pipe, is not opened: reading it might never end.
"""

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from agents.definitions.findings import Finding, Level, Unusable
from protocol.secrets import holds_secret

MAX_BYTES: Final = 262_144
MAX_CHARACTERS: Final = 65_536  # a definition travels in the message that starts a mission, as one text of it
# What XML cannot carry, so no message can: control characters, and halves of pairs.
UNSENDABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
Tell = Callable[[Finding], None]


def definition_files(folder: Path, tell: Tell) -> list[Path]:
    """Return the Markdown files in a folder and below, in the order of their paths."""
    found = sorted(_below(folder, tell), key=os.path.islink)  # links after what they name
    known: dict[object, Path] = {}
    return sorted(path for path in found if _is_new(path, known, tell))


def _below(folder: Path, tell: Tell) -> Iterator[Path]:
    known: dict[object, Path] = {}
    waiting = deque([folder])  # a loop: somebody's folders may be nested deeper than calls may
    while waiting:
        inside = waiting.popleft()
        other = known.setdefault(_identity(inside), inside)
        if other is not inside:
            what = "this link leads to a folder that was read already"
            tell(Finding(Level.NOTE, str(inside), 1, what, f"its agents are those of {other}"))
            continue
        for entry in _entries(inside, tell):
            if _is_folder(entry):
                (waiting.append if entry.is_symlink() else waiting.appendleft)(inside / entry.name)
            elif entry.name.lower().endswith(".md"):
                yield inside / entry.name


def _entries(folder: Path, tell: Tell) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        tell(Finding(Level.ERROR, str(folder), 1, f"cannot be read: {error.strerror}", "allow it, or take it away"))
        return []


def _identity(path: Path) -> object:
    """Return what all names of one file or folder have in common."""
    try:
        found = path.stat()
    except OSError:
        return path
    return found.st_dev, found.st_ino


def _is_new(path: Path, known: dict[object, Path], tell: Tell) -> bool:
    """Return whether a file was not met under another name yet."""
    other = known.setdefault(_identity(path), path)
    if other is not path:
        tell(Finding(Level.NOTE, str(path), 1, "this link leads to a file that was read already", str(other)))
    return other is path


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def text_of(path: Path) -> str:
    """Return what a file says, without byte order mark and with line feeds only.

    Raises:
        Unusable: it cannot be read, or could not be sent.
    """
    try:
        raw = _bytes_of(path)
    except OSError as error:
        raise Unusable(path, 1, f"cannot be read: {error.strerror}", "allow it, or take it away") from error
    if len(raw) > MAX_BYTES:
        raise Unusable(path, 1, f"larger than {MAX_BYTES:,} bytes", "shorten it, or give it another ending than .md")
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        kind = "it is UTF-16" if raw.startswith(_UTF_16) else f"the byte 0x{raw[error.start]:02x} is none of it"
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unusable(path, line, f"cannot be read as UTF-8 text: {kind}", "save it as UTF-8") from error
    _check_sendable(text, path)
    return text


def _check_sendable(text: str, path: Path) -> None:
    if len(text) > MAX_CHARACTERS:
        raise Unusable(path, 1, f"{len(text):,} characters, and a message takes {MAX_CHARACTERS:,}", "shorten it")
    if found := UNSENDABLE.search(text):
        what = f"holds the character U+{ord(found[0]):04X}, which no message can carry"
        raise Unusable(path, text.count("\n", 0, found.start()) + 1, what, "take it out")
    if holds_secret(text):
        line = next((number for number, line in enumerate(text.split("\n"), 1) if holds_secret(line)), 1)
        raise Unusable(path, line, "holds a secret", "take it out; skills read secrets from the environment")


def _bytes_of(path: Path) -> bytes:
    if path.is_symlink() and not path.exists():
        raise Unusable(path, 1, "cannot be read: a link that leads nowhere", "let it lead to a file, or take it away")
    if path.exists() and not path.is_file():
        raise Unusable(path, 1, "cannot be read: not a regular file", "take it away")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)
