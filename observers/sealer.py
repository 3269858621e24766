"""Writing seals: into the run's own anchor, and into anchors elsewhere that the operator cannot quietly change.

A seal goes into the run's anchor first. An anchor elsewhere that cannot be reached (a disk that is not mounted)
holds nobody up; what it lacks is written with the next seal that it takes.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus.faults import reached
from bus.files import sync_names
from bus.seals import Seal, read_seals
from bus.signatures import public_hex
from protocol.errors import JournalError

SEAL_ENTRIES: Final = 500
SEAL_S: Final = 2.0
_BEGINS: Final = b'{"run": "'  # as every line of ours does


class Sealer:
    """Writes a seal every so many entries or seconds. Opening it cuts half a line at the end of the run's anchor.

    key: None where nothing is to be sealed.
    """

    def __init__(
        self,
        run: str,
        anchor: Path,
        key: Ed25519PrivateKey | None,
        elsewhere: Sequence[Path] = (),
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._run, self._anchor, self._key, self._clock_ns = run, anchor, key, clock_ns
        _cut_torn_line(anchor)
        known = read_seals(anchor)
        self.sealed = max((seal.count for seal in known), default=0)
        self._elsewhere = [_Copy(path, list(known)) for path in elsewhere]
        self._sealed_s = time.monotonic()

    def maybe(self, count: int, head: bytes) -> None:
        """Seal when enough has come or enough time has passed."""
        age_s = time.monotonic() - self._sealed_s
        if count - self.sealed >= SEAL_ENTRIES or (count > self.sealed and age_s >= SEAL_S):
            self.seal(count, head)

    def seal(self, count: int, head: bytes) -> None:
        """Vouch for the first `count` entries; nothing happens where that was vouched for already."""
        if count <= self.sealed or self._key is None:
            return
        blank = Seal(self._run, count, head.hex(), self._clock_ns(), public_hex(self._key), "")
        seal = replace(blank, signature=self._key.sign(blank.signed_bytes()).hex())
        with self._anchor.open("a", encoding="utf-8") as file:
            line = _line(seal)
            reached("recorder.mid-seal", lambda: os.write(file.fileno(), line[: len(line) // 2].encode()))
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        if self.sealed == 0:
            sync_names(self._anchor.parent)
        self.sealed, self._sealed_s = count, time.monotonic()
        for copy in self._elsewhere:
            copy.take(seal)


@dataclass(slots=True)
class _Copy:
    """An anchor outside the run folder. missing: what it may lack, oldest first."""

    path: Path
    missing: list[Seal] = field(default_factory=list)

    def take(self, seal: Seal) -> None:
        self.missing.append(seal)
        try:
            self._write()
        except (OSError, JournalError) as error:
            structlog.get_logger().warning("anchor not written", path=str(self.path), reason=str(error))
            return
        self.missing.clear()

    def _write(self) -> None:
        if self.path.is_dir():
            for seal in self.missing:
                _write_once(self.path / f"{seal.run}-{seal.count:012}.json", _line(seal))
            return
        with self.path.open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # other runs may seal into the same file
            there = set(read_seals(self.path))  # before anything is cut: what holds other lines is no anchor of ours
            _cut_torn_line(self.path)
            file.writelines(_line(seal) for seal in self.missing if seal not in there)
            file.flush()
            os.fsync(file.fileno())


def _write_once(path: Path, text: str) -> None:
    """Write a file that is never changed again: that works on media which take nothing twice."""
    while path.exists():
        if path.read_text(encoding="utf-8", errors="replace") == text:
            return
        path = path.with_stem(f"{path.stem}-again")  # a power cut left half of it
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _line(seal: Seal) -> str:
    return json.dumps(asdict(seal)) + "\n"


def _cut_torn_line(anchor: Path) -> None:
    """A recorder killed while sealing leaves half a line, a power cut one with a hole; the seal is made again.

    Raises:
        JournalError: the last line is no part of a seal, so it is not ours to cut.
    """
    raw = anchor.read_bytes() if anchor.is_file() else b""
    last = raw[raw[:-1].rfind(b"\n") + 1 :]
    if raw and (not raw.endswith(b"\n") or b"\0" in last):
        if b"\0" not in last and not last.startswith(_BEGINS[: len(last)]):
            raise JournalError(f"{anchor} ends with what is no seal; give another file for seals")
        os.truncate(anchor, len(raw) - len(last))
