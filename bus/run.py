"""The folder of one run: what lies where."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import zmq

from bus.journal import JournalReader
from bus.keys import ED25519, KeyRing
from bus.signatures import Sign, Signing, public_hex, signing_key
from protocol.errors import BusError, Held

# A Unix socket's path may have 107 bytes. Source: sun_path in unix(7), less the closing zero.
_LONGEST_SOCKET_PATH: Final = 107


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run: one mission, one journal, one broker.

    ring: the folder of the installation's keys; None where the run has only keys of its own.
    """

    path: Path
    ring: Path | None = None
    signing: Signing = Signing.SEALS

    @property
    def id(self) -> str:
        """Return the run's identifier: its folder's name, made fit for messages where it is not."""
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", self.path.name).strip("-._")[:120]
        if name == self.path.name:
            return name
        return f"{name or 'run'}-{hashlib.sha256(os.fsencode(self.path.name)).hexdigest()[:8]}"

    @property
    def journal(self) -> Path:
        return self.path / "journal"

    @property
    def artifacts(self) -> Path:
        return self.path / "artifacts"

    @property
    def quarantine(self) -> Path:
        return self.path / "quarantine"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def anchor(self) -> Path:
        return self.path / "anchor"

    @property
    def stamps(self) -> Path:
        return self.path / "stamps"

    @property
    def pruned(self) -> Path:
        return self.journal / "pruned.json"

    @property
    def audit_db(self) -> Path:
        return self.path / "audit.db"

    @property
    def keys(self) -> Path:
        return self.path / "keys"

    def create(self) -> None:
        """Make the folder and what belongs in it, for its owner only.

        Raises:
            BusError: it cannot be made.
        """
        try:
            for folder in (self.path, self.journal, self.artifacts, self.logs):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.chmod(0o700)
        except OSError as error:
            raise BusError(f"cannot make the run folder {self.path}: {error.strerror}") from error

    def endpoint(self, name: str) -> str:
        """Return the address of one of the broker's sockets, "publish" or "hear"; their folder is made.

        Raises:
            BusError: the path is too long and the short folder belongs to somebody else.
        """
        return f"ipc://{self._sockets() / name}"

    def connect(self, socket: "zmq.Socket[bytes]", name: str) -> None:
        """Connect a socket to the broker's "publish" or "hear"."""
        socket.connect(self.endpoint(name))

    def history(self, _inbox: str | None, after: int) -> JournalReader:
        """Return the reading of the journal's files after a sequence."""
        return JournalReader(self.journal, after)

    def packed(self, frame: bytes) -> bytes:
        """Return a frame as it is sent: on this machine as it is."""
        return frame

    def unpacked(self, raw: bytes) -> bytes:
        """Return a frame as it was made."""
        return raw

    def heard(self, raw: bytes) -> bytes:
        """Return a frame that was heard as it was made."""
        return raw

    def signer(self, agent: str) -> Sign | None:
        """Return what an agent signs its messages with; None where messages are not signed.

        Raises:
            KeyFault: the ring is missing or open to others.
        """
        if self.signing is not Signing.MESSAGES:
            return None
        return signing_key(self._ring(), agent).sign

    def signers(self) -> dict[str, str] | None:
        """Return the public signing key of every name of the ring, in hexadecimal; None where nobody has to sign."""
        if self.signing is not Signing.MESSAGES:
            return None
        return {f"@{name}": public for name, public in self._ring().known(ED25519)}

    def prepare_keys(self, names: Iterable[str]) -> None:
        """Make the signing keys that are missing, and put the public ones into the run folder, for the audit.

        Raises:
            KeyFault: the ring is missing or open to others.
        """
        if self.signing is not Signing.MESSAGES:
            return
        inside = KeyRing.make(self.keys)
        for name in names:
            key = signing_key(self._ring(), name)
            if self.ring is not None:
                inside.trust(name, ED25519, public_hex(key).encode())

    def _ring(self) -> KeyRing:
        return KeyRing.open(self.ring or self.keys)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Be the only one who carries this run out, for the length of the block.

        Raises:
            Held: another process is carrying it out.
            BusError: its folder cannot be written.
        """
        with self._launch_file() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                hint = f"watch it: orchestra observe {self.path}"
                raise Held(f"{self.path} is being carried out by another process; {hint}") from error
            yield

    def _launch_file(self) -> TextIO:
        try:
            return (self.path / "launched").open("w")
        except OSError as error:
            raise BusError(f"{self.path} cannot be written: {error.strerror}") from error

    def remove_sockets(self) -> None:
        """Take the sockets away when nobody is left: a finished run is plain files, to be copied and archived."""
        shutil.rmtree(self._sockets(), ignore_errors=True)

    def _sockets(self) -> Path:
        """Return the folder of the sockets: in the run folder, or a short private one where that path is too long."""
        inside = self.path.absolute() / "sockets"
        if len(os.fsencode(inside)) + len("/publish") <= _LONGEST_SOCKET_PATH:
            inside.mkdir(mode=0o700, exist_ok=True)
            return inside
        digest = hashlib.sha256(os.fsencode(self.path.absolute())).hexdigest()[:16]
        short = Path(tempfile.gettempdir()) / f"orchestra-{os.getuid()}-{digest}"
        short.mkdir(mode=0o700, exist_ok=True)
        status = short.stat()
        if status.st_uid != os.getuid() or status.st_mode & 0o077:
            raise BusError(f"{short} belongs to somebody else; choose a shorter --run-dir")
        return short
