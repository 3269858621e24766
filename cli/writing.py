"""Files that commands make: whole or not at all."""

import contextlib
from pathlib import Path

from protocol.errors import SourceError


def write_whole(path: Path, raw: bytes) -> int:
    """Write a file, whole or not at all, in the place of one that is there, and return its size in bytes.

    Raises:
        SourceError: it cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(raw)
        draft.replace(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror}; choose another --output") from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    return len(raw)
