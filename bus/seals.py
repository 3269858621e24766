"""Seals: what the recorder vouches for, one JSON object a line in the anchor file. Reading only; no keys.

A seal says: the first `count` entries of the journal hash, chained in order, to `head`.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from protocol.errors import JournalError


@dataclass(frozen=True, slots=True)
class Seal:
    """One line of the anchor. head: chained SHA-256 in hexadecimal. signature: Ed25519 over `signed_bytes`."""

    count: int
    head: str
    sealed_ns: int
    key: str
    signature: str

    def signed_bytes(self) -> bytes:
        """Return what the signature is over."""
        return f"agent-orchestra seal\n{self.count}\n{self.head}\n{self.sealed_ns}\n".encode()


def read_seals(anchor: Path) -> list[Seal]:
    """Return the seals of an anchor file, oldest first; an incomplete last line is not a seal.

    Raises:
        JournalError: a line is not a seal.
    """
    if not anchor.exists():
        return []
    lines = anchor.read_text(encoding="utf-8", errors="replace").split("\n")
    whole, _tail = lines[:-1], lines[-1]
    seals = []
    for number, line in enumerate(whole, 1):
        try:
            seals.append(Seal(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise JournalError(f"{anchor}:{number}: not a seal; the anchor was changed") from error
    return seals


def last_sealed(anchor: Path) -> int:
    """Return how many entries the last seal vouches for; 0 where there is none."""
    return max((seal.count for seal in read_seals(anchor)), default=0)
