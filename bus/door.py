"""The one door: what is judged before a document is journaled, and what has been let in already.

Used by the broker and by the in-memory bus alike. It holds no socket and no file; journaled entries are
fed back through `remember`, so that a restarted broker knows what the last one knew.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Final, NamedTuple

from lxml import etree

from bus.roles import Role, objection
from bus.signatures import Verifier, demands_signatures
from bus.wire import Receipt, Status
from protocol.bodies import Control, Refusal, Verb
from protocol.canonical import Glance, glance
from protocol.decoder import read
from protocol.encoder import encode
from protocol.errors import Invalid, WireError
from protocol.ids import derived
from protocol.messages import Message, MessageType
from protocol.names import RANK, Priority
from protocol.topics import BROKER, CLOCK, DASHBOARD, EVERYONE, GATEKEEPER, HUMAN, MEMORY, SUPERVISOR, topic_of
from protocol.xml import parse, well_formed

# These names exist in every run; all others are introduced by the supervisor.
BORN_WITH: Final = {
    BROKER: Role.BROKER,
    SUPERVISOR: Role.SUPERVISOR,
    GATEKEEPER: Role.GATEKEEPER,
    CLOCK: Role.CLOCK,
    HUMAN: Role.PERSON,
    MEMORY: Role.STORE,
    DASHBOARD: Role.STORE,
    EVERYONE: Role.EVERYONE,
}
_RANK: Final = {priority.value: rank for priority, rank in RANK.items()}
_NO_TASK: Final = "run"
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@#-]{0,199}")  # Source: names.xsd, identifier
_NO_ID: Final = ("no-id", "a message on the bus needs a <message-id> in its context")


class Admitted(NamedTuple):
    """A document that may be journaled. rank: 0 is the most urgent."""

    raw: bytes
    topic: str
    rank: int
    key: bytes
    digest: bytes
    signature: bytes = b""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A document that may not. answer: the refusal to journal instead, to the sender where one is known."""

    code: str
    reason: str
    line: int
    column: int
    refused: str | None
    sender: str


class _Way(NamedTuple):
    """What becomes of messages of one type between two names. fault: code and reason of the refusal."""

    topic: str
    fault: tuple[str, str] | None


class Door:
    """Judges documents and remembers which ids each sender has used.

    signers: the public signing key of every name, in hexadecimal, where every message has to be signed.
    mission: the run that signed messages have to name, it or one that it is a fork of. was_signed: in this journal
    messages had to be signed before.
    is_fast: documents spelled as our encoder spells them are recognised without libxml2 (`protocol.canonical`).
    """

    def __init__(
        self, signers: Mapping[str, str] | None = None, *, is_fast: bool = True, mission: str | None = None
    ) -> None:
        self._missions = None if mission is None else {mission}
        self.was_signed = False
        self._is_fast = is_fast
        self._ways: dict[tuple[str, str, str, str], _Way] = {}
        self._signers = None if signers is None else {name: Verifier(public) for name, public in signers.items()}
        self.cast: dict[str, Role] = dict(BORN_WITH)
        self._journaled: dict[bytes, tuple[bytes, int]] = {}

    def judge(self, raw: bytes, sender: str, signature: bytes = b"") -> Admitted | Rejected:
        """Return whether a document from a publisher of this name may be journaled.

        sender: who the connection says it is; a document in another name is refused.
        """
        told = glance(raw) if self._is_fast else None
        if told is None:
            try:
                told = _envelope(parse(raw))
            except WireError as error:
                claimed = _claimed_id(raw) if isinstance(error, Invalid) else None  # the others are no XML to look into
                return Rejected(error.code, str(error), error.line, error.column, claimed, sender)
        named, recipient, kind, priority, identity = told
        way = self._ways.get((sender, named, recipient, kind)) or self._way(sender, named, recipient, kind)
        fault = way.fault or (_NO_ID if identity is None else None) or self._unsigned(raw, sender, signature)
        if fault is not None:
            return Rejected(fault[0], fault[1], 1, 1, identity, sender)
        kept = b"" if self._signers is None else signature  # what nobody has checked must not be journaled
        return Admitted(raw, way.topic, _RANK[priority], _key(named, identity or ""), _digest(raw), kept)

    def _way(self, sender: str, named: str, recipient: str, kind: str) -> _Way:
        """Return, and remember until the cast changes, what becomes of such a message."""
        way = _Way(topic_of(recipient, kind), self._objection(sender, named, recipient, kind))
        if sender == named and {sender, recipient} <= self.cast.keys():  # so there is an end to what is remembered
            self._ways[sender, named, recipient, kind] = way
        return way

    def _objection(self, sender: str, named: str, recipient: str, kind: str) -> tuple[str, str] | None:
        if named != sender:
            return "spoofed-sender", f"{sender} may not speak as {named}"
        to = self.cast.get(recipient)
        if to is None:
            return "no-such-recipient", f"nobody is called {recipient} in this run"
        role = self.cast.get(sender)
        if role is None:
            return "unknown-sender", f"{sender} was not introduced in this run"
        fault = objection(role, MessageType(kind), to)
        return ("role", fault) if fault else None

    def _unsigned(self, raw: bytes, sender: str, signature: bytes) -> tuple[str, str] | None:
        if self._signers is None:
            return None
        verifier = self._signers.get(sender)
        if verifier is None or not verifier.has_signed(raw, signature):
            return "not-signed", f"every message of this run has to be signed with the key of {sender}"
        # The same keys sign in other runs too: what was signed there must not count here.
        if self._missions is not None and well_formed(raw).findtext("context/mission-id") not in self._missions:
            return "another-run", f"a signed message has to name this run as its mission: {sorted(self._missions)[0]}"
        return None

    def seen(self, admitted: Admitted) -> Receipt | None:
        """Return the receipt of a document whose id is already journaled, or None where it is new."""
        known = self._journaled.get(admitted.key)
        if known is None:
            return None
        digest, sequence = known
        return Receipt(Status.SAME if digest == admitted.digest else Status.CONFLICT, sequence)

    def note(self, admitted: Admitted, sequence: int) -> None:
        """Remember that an admitted document was journaled here."""
        self._journaled[admitted.key] = (admitted.digest, sequence)
        if admitted.topic.endswith("/control"):
            self._introduce(read(parse(admitted.raw)))

    def remember(self, raw: bytes, sequence: int) -> None:
        """Learn a document from the journal: it was judged when it was written."""
        root = well_formed(raw)
        key = _key(root[0].text or "", _message_id(root) or "")
        self._journaled[key] = (_digest(raw), sequence)
        if root[2].text == MessageType.CONTROL.value:
            self._introduce(read(root))

    def _introduce(self, message: Message) -> None:
        body = message.body
        if isinstance(body, Control) and body.verb is Verb.FORK and self._missions is not None and body.subject:
            self._missions.add(body.subject)  # what answers the past that both share still names the parent
        self.was_signed |= demands_signatures(message) is True
        if isinstance(body, Control) and body.verb is Verb.PRESENT and body.subject:
            role = next((s.value for s in body.settings if s.name == "role"), "")
            if role in Role._value2member_map_:
                self.cast.setdefault(body.subject, Role(role))
                self._ways.clear()


def refusal(rejected: Rejected, raw: bytes, mission: str, now_ns: int, told: str) -> bytes:
    """Return the journaled answer to a rejected document; the same document always gets the same one.

    told: to whom: its sender, or somebody else where the run does not know the sender.
    """
    digest = sha256(raw).hexdigest()
    body = Refusal(
        code=rejected.code,
        reason=_printable(rejected.reason),
        line=rejected.line,
        column=rejected.column,
        refused=rejected.refused,
        quarantined=digest,
    )
    message = Message(
        sender=BROKER,
        recipient=told,
        type=MessageType.REFUSAL,
        priority=Priority.HIGH,
        task=_NO_TASK,
        timestamp_ns=now_ns,
        id=derived("refusal", rejected.sender, digest),
        mission=mission,
        body=body,
    )
    return encode(message)


def _printable(text: str) -> str:
    """A reason may quote what was refused: characters that XML cannot carry become U+FFFD."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)[:2000]


def _envelope(root: etree._Element) -> Glance:
    sender, recipient, kind, priority = [node.text or "" for node in root[:4]]
    return Glance(sender, recipient, kind, priority, _message_id(root))


def _message_id(root: etree._Element) -> str | None:
    for node in root[4]:
        if node.tag == "message-id":
            return node.text
    return None


def _claimed_id(raw: bytes) -> str | None:
    """Return the id that an inadmissible document claims, where it can be told at all."""
    try:
        found = well_formed(raw).findtext("context/message-id")
    except WireError:
        return None
    return found if found and _IDENTIFIER.fullmatch(found) else None


def _key(sender: str, identity: str) -> bytes:
    return blake2b(f"{sender}\0{identity}".encode(), digest_size=16).digest()


def _digest(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=8).digest()
