"""One document before both judges: protocol.canonical, that may only say yes, and libxml2, that decides."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lxml import etree

from protocol.canonical import MAX_GLANCE_BYTES, Glance, glance
from protocol.decoder import read
from protocol.encoder import encode
from protocol.errors import WireError
from protocol.xml import parse

# What protocol.canonical leaves to libxml2 on purpose.
_LEFT_OUT: Final = re.compile(rb">[0-9]{4}-02-29T|>(?:0001|9999)-")


@dataclass(frozen=True, slots=True)
class Trial:
    """What the two said of one document. said: None where the envelope was not read; valid: likewise for libxml2."""

    raw: bytes
    said: Glance | None
    valid: Glance | None
    is_ours: bool

    @property
    def is_wrong(self) -> bool:
        """Whether a document was accepted that libxml2 refuses, or one of the five fields was read differently."""
        return self.said is not None and self.said != self.valid

    @property
    def is_missed(self) -> bool:
        """Whether a document in our own spelling was not recognised, although nothing excuses it."""
        excused = len(self.raw) > MAX_GLANCE_BYTES or _LEFT_OUT.search(self.raw)
        return self.is_ours and self.said is None and not excused


def tried(raw: bytes) -> Trial:
    said = glance(raw)
    try:
        root = parse(raw)
    except WireError:
        return Trial(raw, said, None, is_ours=False)
    return Trial(raw, said, _envelope(root), is_ours=encode(read(root)) == raw)


def _envelope(root: etree._Element) -> Glance:
    sender, recipient, kind, priority = (node.text or "" for node in root[:4])
    return Glance(sender, recipient, kind, priority, root[4].findtext("message-id"))


def counted(documents: Iterable[bytes]) -> tuple[Counter[str], list[Trial]]:
    """Return how many documents were what, and the trials that should not have ended as they did."""
    counts: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
    faults = []
    for raw in documents:
        trial = tried(raw)
        facts = (True, trial.said is not None, trial.valid is not None, trial.is_ours, trial.is_wrong, trial.is_missed)
        counts.update(name for name, is_so in zip(COUNTED, facts, strict=True) if is_so)
        if trial.is_wrong or trial.is_missed:
            faults.append(trial)
    return counts, faults


COUNTED: Final = ("mutants", "accepted by pattern", "valid to libxml2", "in our spelling", "wrongly accepted", "missed")
