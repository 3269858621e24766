"""Seals: what the recorder vouches for, one JSON object a line in the anchor file. Reading only; no keys.

A seal says: the first `count` entries of the run's journal hash, chained in order, to `head`. An anchor is a
file of seals, or a folder with one file for each; outside the run folder it may hold the seals of many runs.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from protocol.errors import JournalError


@dataclass(frozen=True, slots=True)
class Seal:
    """One line of an anchor. head: chained SHA-256 in hexadecimal. signature: Ed25519 over `signed_bytes`."""

    run: str
    count: int
    head: str
    sealed_ns: int
    key: str
    signature: str

    def signed_bytes(self) -> bytes:
        """Return what the signature is over."""
        return f"agent-orchestra seal\n{self.run}\n{self.count}\n{self.head}\n{self.sealed_ns}\n".encode()


def read_seals(anchor: Path) -> list[Seal]:
    """Return the seals of an anchor, oldest first; an incomplete last line is not a seal.

    Raises:
        JournalError: a line is not a seal, or the anchor cannot be read.
    """
    try:
        files = sorted(anchor.glob("*.json")) if anchor.is_dir() else [anchor] if anchor.exists() else []
        return [seal for file in files for seal in _of_file(file)]
    except OSError as error:
        raise JournalError(f"{anchor} cannot be read: {error.strerror}") from error


def _of_file(path: Path) -> list[Seal]:
    whole = path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
    if whole and "\0" in whole[-1]:
        del whole[-1]  # a power cut left a hole in it; JSON holds no zero byte
    return [_seal(path, number, line) for number, line in enumerate(whole, 1)]


def _seal(path: Path, number: int, line: str) -> Seal:
    try:
        seal = Seal(**json.loads(line))
        texts = (seal.run, seal.head, seal.key, seal.signature)
        if not all(isinstance(text, str) and text.isascii() for text in texts):
            raise TypeError("not what a seal holds")
        if not all(type(number) is int and 0 < number < 2**63 for number in (seal.count, seal.sealed_ns)):
            raise TypeError("not what a seal holds")
    except (ValueError, TypeError, RecursionError) as error:
        raise JournalError(f"{path}:{number}: not a seal; the anchor was changed") from error
    return seal


def last_sealed(anchor: Path) -> int:
    """Return how many entries the last seal vouches for; 0 where there is none."""
    return max((seal.count for seal in read_seals(anchor)), default=0)
