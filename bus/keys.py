"""Keys on disk: CURVE pairs that say who connects, and Ed25519 keys for seals and signatures.

1. The folder is 0700, every secret 0600, all of it the reader's own. Anything wider stops the start.
2. NAME.curve and NAME.ed25519 are secrets; NAME.curve.pub and NAME.ed25519.pub may be given to anybody.
3. allowed/NAME.pub holds the public CURVE key of somebody who may connect as NAME. A second line "observer"
   lets that name hear everything; without it a name hears its own inbox and what is for everyone.
"""

import os
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import zmq

from bus.faults import reached
from protocol.errors import KeyFault
from protocol.names import is_agent_name
from protocol.topics import BROKER, CLOCK, EVERYONE, GATEKEEPER, RECORDER, SUPERVISOR

BROKER_KEY: Final = "broker"
CURVE: Final = "curve"
ED25519: Final = "ed25519"
_Z85: Final = re.compile(rb"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}")
_OBSERVER: Final = "observer"
_OURS: Final = frozenset({BROKER, SUPERVISOR, GATEKEEPER, RECORDER, CLOCK, EVERYONE})


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody who may connect. public: the CURVE key in Z85."""

    name: str
    public: bytes
    is_observer: bool


@dataclass(frozen=True, slots=True)
class KeyRing:
    """A folder of keys. Opening it checks rule 1."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "KeyRing":
        """Make the folder where it is missing and return the ring.

        Raises:
            KeyFault: it cannot be made, or is there and others can look into it.
        """
        try:
            (folder / "allowed").mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (folder / ".gitignore").exists():
                folder.chmod(0o700)
                (folder / ".gitignore").write_text("*\n", encoding="ascii")
        except OSError as error:
            raise KeyFault(f"{folder} cannot be made: {error.strerror}; choose another folder for keys") from error
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> "KeyRing":
        """Return the ring in a folder.

        Raises:
            KeyFault: there is none, or somebody else can read what is in it.
        """
        if not folder.is_dir():
            raise KeyFault(f"there are no keys in {folder}; make them: orchestra keys init")
        check_private(folder)
        for path in secrets(folder):
            check_private(path)
        return cls(folder)

    def has(self, name: str, kind: str) -> bool:
        return self._secret(name, kind).exists()

    def create_curve(self, name: str) -> bytes:
        """Make a CURVE pair and return its public half.

        Raises:
            KeyFault: there is one of that name already, or the name is not an agent's.
        """
        public, secret = zmq.curve_keypair()
        self.store(name, CURVE, secret, public)
        return public

    def store(self, name: str, kind: str, secret: bytes, public: bytes) -> None:
        """Write a new pair, the secret for the owner only.

        Raises:
            KeyFault: there is one of that name already, or the name is not an agent's.
        """
        path = self._secret(name, kind)
        try:
            _write_new(path, secret + b"\n")
            reached("keys.mid-store")
            self._public(name, kind).write_bytes(public + b"\n")
        except FileExistsError as error:
            raise KeyFault(f"{path} exists already; a new one: orchestra keys rotate {name}") from error
        except OSError as error:
            raise KeyFault(f"{path} cannot be written: {error.strerror}") from error

    def complete(self, name: str, kind: str, public: bytes) -> None:
        """Write the public half of a pair whose maker died before it came to it."""
        path = self._public(name, kind)
        if not path.exists() or not path.read_bytes().strip():
            path.write_bytes(public + b"\n")

    def curve(self, name: str) -> tuple[bytes, bytes]:
        """Return the public and the secret half of a CURVE pair, in Z85.

        Raises:
            KeyFault: it is missing or is no such key.
        """
        secret = _z85(self._secret(name, CURVE), self.secret(name, CURVE))
        self.complete(name, CURVE, zmq.curve_public(secret))
        return self.public(name, CURVE), secret

    def secret(self, name: str, kind: str) -> bytes:
        """Return a secret as it is written.

        Raises:
            KeyFault: it is missing.
        """
        return _read(self._secret(name, kind), f"make it: orchestra keys init {name}")

    def public(self, name: str, kind: str) -> bytes:
        """Return a public key as it is written: Z85 for CURVE, hexadecimal for Ed25519.

        Raises:
            KeyFault: it is missing or is no such key.
        """
        path = self._public(name, kind)
        raw = _read(path, "copy it here from the machine that made it")
        return _z85(path, raw) if kind == CURVE else raw

    def trust(self, name: str, kind: str, public: bytes) -> None:
        """Keep the public key by which somebody elsewhere is recognised, the broker for instance.

        One that was kept under the name before is retired, not forgotten.

        Raises:
            KeyFault: it is no CURVE key where it has to be one, or the name is not an agent's.
        """
        raw, path = (_z85("the key given", public) if kind == CURVE else public) + b"\n", self._public(name, kind)
        if path.exists() and path.read_bytes() != raw:
            path.replace(self._retired(name, kind))
        path.write_bytes(raw)

    def trust_broker(self, public: bytes) -> None:
        """Keep the public CURVE key by which brokers elsewhere are recognised; our own broker keeps its pair.

        Raises:
            KeyFault: it is no CURVE key.
        """
        folder = self.folder / "trusted"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / f"{BROKER_KEY}.{CURVE}.pub").write_bytes(_z85("the key given", public) + b"\n")

    def brokers_public(self) -> bytes:
        """Return the public CURVE key of the broker to go to: the one that is trusted, or else our own.

        Raises:
            KeyFault: there is neither.
        """
        trusted = self.folder / "trusted" / f"{BROKER_KEY}.{CURVE}.pub"
        return _z85(trusted, trusted.read_bytes()) if trusted.exists() else self.public(BROKER_KEY, CURVE)

    def retire(self, name: str, kind: str) -> Path:
        """Take a pair out of use. Its public half is kept: what it has signed has to stay verifiable.

        Raises:
            KeyFault: there is no such pair.
        """
        kept = self._retired(name, kind)
        try:
            self._public(name, kind).replace(kept)
            self._secret(name, kind).unlink()
        except OSError as error:
            raise KeyFault(f"there is no {kind} key of {name} in {self.folder}") from error
        return kept

    def allow(self, name: str, public: bytes, *, is_observer: bool) -> None:
        """Let whoever has the secret half of this key connect under a name, from now on.

        Raises:
            KeyFault: it is no CURVE key, no name, or the key of somebody else already.
        """
        if f"@{name.removeprefix('@')}" in _OURS:
            raise KeyFault(f"{name} is a name of the run itself; nobody speaks under it from elsewhere")
        path = self._allowed(name)
        known = self.peer(_z85("the key given", public))
        if known is not None and known.name != name:
            raise KeyFault(f"this key is {known.name}'s already; every name needs a key of its own")
        path.write_bytes(public.strip() + b"\n" + (f"{_OBSERVER}\n".encode() if is_observer else b""))

    def deny(self, name: str) -> None:
        """Let nobody connect under a name any more; who is connected stays so until the broker is started again.

        Raises:
            KeyFault: nobody was allowed to.
        """
        try:
            self._allowed(name).unlink()
        except FileNotFoundError as error:
            raise KeyFault(f"{name} was not allowed to connect") from error

    def peers(self) -> Iterator[Peer]:
        """Yield who may connect."""
        for path in sorted((self.folder / "allowed").glob("*.pub")):
            first, _, second = path.read_text(encoding="ascii", errors="replace").partition("\n")
            yield Peer(path.stem, first.strip().encode(), second.strip() == _OBSERVER)

    def peer(self, public: bytes) -> Peer | None:
        """Return who has this public key, or None for a stranger."""
        return next((peer for peer in self.peers() if peer.public == public), None)

    def known(self, kind: str) -> list[tuple[str, str]]:
        """Return name and public half of every key of a kind, those of others too."""
        ending = f".{kind}.pub"
        names = [path.name.removesuffix(ending) for path in sorted(self.folder.glob(f"*{ending}"))]
        return [(name, self.public(name, kind).decode(errors="replace")) for name in names]

    def pairs(self) -> list[tuple[str, str, str]]:
        """Return name, kind and public half of every key whose secret is here."""
        found = [path.name.rpartition(".") for path in secrets(self.folder)]
        return [(name, kind, self.public(name, kind).decode()) for name, _, kind in found]

    def ever_known(self, kind: str) -> list[tuple[str, str]]:
        """Return name and public half of every key of a kind, retired ones too."""
        retired = sorted((self.folder / "retired").glob(f"*.{kind}.*.pub"))
        old = [(path.name.rsplit(f".{kind}.", 1)[0], path.read_text(errors="replace").strip()) for path in retired]
        return [*self.known(kind), *old]

    def _retired(self, name: str, kind: str) -> Path:
        """Return where a public key goes that is no longer used; the time in the name is when that was."""
        folder = self.folder / "retired"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"{_name(name)}.{kind}.{time.time_ns()}.pub"

    def _secret(self, name: str, kind: str) -> Path:
        return self.folder / f"{_name(name)}.{kind}"

    def _public(self, name: str, kind: str) -> Path:
        return self.folder / f"{_name(name)}.{kind}.pub"

    def _allowed(self, name: str) -> Path:
        return self.folder / "allowed" / f"{_name(name)}.pub"


def secrets(folder: Path) -> list[Path]:
    """Return the secret files of a folder of keys."""
    return sorted(path for path in folder.iterdir() if path.suffix in (f".{CURVE}", f".{ED25519}"))


def check_private(path: Path) -> None:
    """Refuse a secret that others can read or change.

    Raises:
        KeyFault: group or others have rights on it, or it belongs to somebody else.
    """
    status = path.stat()
    wanted = "0700" if stat.S_ISDIR(status.st_mode) else "0600"
    if status.st_mode & 0o077:
        raise KeyFault(f"{path} is open to others ({status.st_mode & 0o777:04o}); do: chmod {wanted} {path}")
    if status.st_uid not in (os.getuid(), 0):
        raise KeyFault(f"{path} belongs to user {status.st_uid}, not to you; its secrets are not yours alone")


def _write_new(path: Path, raw: bytes) -> None:
    """Write a secret under a name that is free, whole or not at all.

    Raises:
        FileExistsError: the name is taken.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()


def _name(name: str) -> str:
    bare = name.removeprefix("@")
    if not is_agent_name(f"@{bare}"):
        raise KeyFault(f"{name[:80]!r} is not an agent name such as python-expert")
    return bare


def _read(path: Path, fix: str) -> bytes:
    try:
        return path.read_bytes().strip()
    except OSError as error:
        raise KeyFault(f"{path} cannot be read: {error.strerror}; {fix}") from error


def _z85(what: Path | str, raw: bytes) -> bytes:
    if not _Z85.fullmatch(raw.strip()):
        raise KeyFault(f"{what} is no CURVE key (40 characters of Z85)")
    return raw.strip()
