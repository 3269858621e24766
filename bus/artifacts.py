"""The artifact store: bytes under their SHA-256, written once, checked when read."""

import os
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final

from bus.files import sync_names
from protocol.bodies import File
from protocol.errors import SourceError
from protocol.secrets import redacted_bytes

_TEXTS: Final = ("json", "xml", "yaml", "toml", "javascript")


class ArtifactStore:
    """A folder of artifacts. Several processes may write the same bytes at once; they write the same file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes, *, path: str, media_type: str, summary: str = "") -> File:
        """Store bytes, on disk when this returns, and return the reference that messages carry.

        Of a text the secrets are taken out first; the reference is to what is stored.

        Raises:
            SourceError: the disk would not take them.
        """
        if media_type.startswith("text/") or media_type.endswith(_TEXTS):
            data = redacted_bytes(data)
        digest = sha256(data).hexdigest()
        target = self._path(digest)
        try:
            if not target.exists():
                self._write(target, data)
        except OSError as error:
            raise SourceError(f"artifact {path} could not be stored: {error.strerror}") from error
        return File(path=path, sha256=digest, bytes=len(data), media_type=media_type, summary=summary)

    def get(self, file: File) -> bytes:
        """Return the bytes of a reference.

        Raises:
            SourceError: they are not there, or not the bytes that the reference names.
        """
        if file.sha256 is None:
            raise SourceError(f"{file.path}: the reference names no digest")
        try:
            data = self._path(file.sha256).read_bytes()
        except OSError as error:
            raise SourceError(f"artifact {file.path} ({file.sha256[:12]}…) is not in the store") from error
        if sha256(data).hexdigest() != file.sha256 or (file.bytes is not None and len(data) != file.bytes):
            raise SourceError(f"artifact {file.path} is not what its digest says: the store was changed")
        return data

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest[2:]

    def _write(self, target: Path, data: bytes) -> None:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
        sync_names(target.parent)  # a journaled reference must not outlive the name it leads to
