"""Checking a run from outside: needs the journal, the anchor and the recorder's public key; nothing secret.

It finds edits, gaps, reordering and truncation, says where the first bad entry is, and repairs nothing.
"""

from dataclasses import dataclass

from bus.journal import JournalReader
from bus.run import RunFolder
from bus.seals import Seal, read_seals
from observers.chain import START, link
from observers.keys import is_genuine
from protocol.errors import JournalError


@dataclass(frozen=True, slots=True)
class Finding:
    """What a verification found.

    entries: how many were read. sealed: how many a genuine seal vouches for. first_bad: the first sequence
    that cannot be trusted, None when all is well; where only a seal tells, the first after the seal before.
    """

    entries: int
    seals: int
    sealed: int
    first_bad: int | None = None
    reason: str = ""

    @property
    def is_good(self) -> bool:
        return self.first_bad is None

    @property
    def unsealed(self) -> int:
        """How many entries at the end no seal vouches for (yet)."""
        return max(0, self.entries - self.sealed)


def verify(run: RunFolder, public: str) -> Finding:
    """Read a journal from its first entry to its last and hold it against the seals."""
    try:
        seals = read_seals(run.anchor)
    except JournalError as error:
        return Finding(0, 0, 0, 1, str(error))
    forged = next((seal for seal in seals if not is_genuine(seal, public)), None)
    if forged is not None:
        return Finding(0, len(seals), 0, 1, f"the seal over {forged.count} entries is not signed by this key")
    return _walk(run, {seal.count: seal for seal in seals})


def _walk(run: RunFolder, seals: dict[int, Seal]) -> Finding:
    head, count, sealed = START, 0, 0
    reader = JournalReader(run.journal)
    try:
        for entry in reader.entries():
            count = entry.sequence
            head = link(head, entry)
            seal = seals.get(count)
            if seal is None:
                continue
            if seal.head != head.hex():
                reason = f"entries {sealed + 1} to {count} are not what was sealed: one of them was changed"
                return Finding(count, len(seals), sealed, sealed + 1, reason)
            sealed = count
    except JournalError as error:
        return Finding(count, len(seals), sealed, count + 1, str(error))
    finally:
        reader.close()
    promised = max(seals, default=0)
    if promised > count:
        reason = f"the journal ends at {count}, but a seal vouches for {promised}: it was cut"
        return Finding(count, len(seals), sealed, count + 1, reason)
    return _whole(run, Finding(count, len(seals), sealed))


def _whole(run: RunFolder, found: Finding) -> Finding:
    """Add what was cut from the journal after crashes and kept aside: no damage, but worth knowing."""
    stray = sorted(path.name for path in run.journal.glob("torn-*.bin"))
    return (
        found
        if not stray
        else Finding(found.entries, found.seals, found.sealed, None, f"kept aside: {', '.join(stray)}")
    )
