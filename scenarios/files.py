"""The files of a mission: which ones a pattern names, and taking them into its store."""

import os
from pathlib import Path
from typing import Final

from bus.artifacts import ArtifactStore
from gates.sources import media_type_of
from protocol.bodies import File
from protocol.errors import SourceError
from protocol.secrets import holds_secret, redacted

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
_LONGEST_NAME: Final = 500


def matching(pattern: str, folder: Path) -> list[Path]:
    """Return the files that a pattern names, sorted, hidden ones left out; of a folder all that are below it.

    folder: against which the pattern is meant, unless it is absolute. The list may be empty.

    Raises:
        ValueError, NotImplementedError: it is no pattern.
    """
    path = Path(pattern)
    root = Path(path.anchor) if path.is_absolute() else folder
    inner = str(path.relative_to(path.anchor)) if path.is_absolute() else pattern
    if (root / inner).is_dir():
        inner = f"{inner}/**/*"
    return sorted(one for one in root.glob(inner) if one.is_file() and not is_hidden(one, root))


def is_hidden(path: Path, root: Path) -> bool:
    """Return whether a file, or a folder on the way to it from root, begins with a dot."""
    return any(part.startswith(".") for part in path.relative_to(root).parts if part != "..")


def take(path: Path, folder: Path, store: ArtifactStore) -> File:
    """Put a file into the store under its name as seen from a folder.

    Raises:
        SourceError: it cannot be read, is too large, or its name cannot or must not be sent.
    """
    name = Path(os.path.relpath(path, folder)).as_posix()
    name = path.name if name.startswith("..") else name
    if not name.isprintable() or len(name) > _LONGEST_NAME:
        raise SourceError(f"{str(path)!a} has a name that no message can carry; rename it")
    if holds_secret(name):
        raise SourceError(f"{redacted(str(path))} has a secret in its name; rename it")
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SourceError(f"{path} has more than {MAX_FILE_BYTES:,} bytes; split it or take it out")
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    return store.put(data, path=name, media_type=media_type_of(name) or _media_type(data))


def _media_type(data: bytes) -> str:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "text/plain"
