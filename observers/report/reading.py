"""From the folder of a run to the value that a report shows. It only reads, and holds nobody up.

1. Everything is read up to one and the same entry, the last one that the first pass came to.
2. A journal that is damaged is told up to the damage: a report that says so is worth more than none.
3. Of messages only those are kept that are shown; of attempts and files all, because what is shown is chosen of them.
"""

from collections import Counter, deque
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from bus.artifacts import ArtifactStore
from bus.journal import JournalReader
from bus.lock import is_open
from bus.records import Entry
from bus.run import RunFolder
from bus.seals import read_seals
from observers.chain import START, link
from observers.costs import costs
from observers.inbox import requests
from observers.keys import public_keys
from observers.outline import Outline
from observers.pruning import pruned_place
from observers.recoveries import account
from observers.report.attempts import Attempts
from observers.report.values import DAMAGED, Agent, Artifact, Attempt, Audit, Costs, Fate, RunReport, Said, Talk
from observers.stamps import stamped
from observers.summary import describe
from observers.tables import open_tables
from observers.verify import verify
from protocol.bodies import Alert, Approval, Claim, Control, Decision, File, Lost, Refusal, Verb, VerdictReport
from protocol.decoder import decode
from protocol.errors import JournalError, OrchestraError, SourceError, WireError
from protocol.messages import Message, MessageType
from protocol.topics import HUMAN

_CHECKED: Final = 200  # artifacts whose bytes are held against their digests: as many as a page shows
_FIRST: Final = 60  # messages that are shown from the beginning, and as many from the end
_NOTABLE: Final = 160  # of those in between, that went wrong or concern people
_FOLDED: Final = frozenset(
    {
        MessageType.CLAIM,
        MessageType.PROGRESS,
        MessageType.MODEL_CALL,
        MessageType.TELEMETRY,
        MessageType.WAKE,
        MessageType.WAKE_REQUEST,
    }
)
_SETTING_UP: Final = (Verb.EPOCH, Verb.PRESENT)


def read(run: RunFolder, now_ns: int) -> RunReport:
    """Return what the folder of a run tells. now_ns: by which it is judged what has lapsed.

    Raises:
        JournalError: not even the beginning of the journal can be read.
    """
    pruned = pruned_place(run)
    start = (pruned.last, bytes.fromhex(pruned.head)) if pruned else (0, START)
    runs_on = is_open(run.journal)
    reading = _Reading(head=start[1])
    damage = _take_in(reading, run, start[0])
    if not reading.outline.entries:
        raise JournalError(f"{run.path} cannot be told: {damage or 'its journal is empty'}")
    outline, upto = reading.outline, reading.outline.entries
    recoveries = account(_again(run, start[0], upto)).recoveries
    attempts = reading.attempts.all(recoveries, is_open=runs_on, is_over=outline.is_over)
    return RunReport(
        run=run.id,
        folder=run.path.name,
        scenario=outline.scenario,
        stands=DAMAGED if damage else outline.stands(runs_on),
        why=outline.why,
        entries=upto,
        head=reading.head.hex(),
        began_ns=outline.began_ns,
        ended_ns=outline.ended_ns,
        now_ns=now_ns,
        accepted=len(outline.accepted),
        tasks=len(outline.tasks),
        is_open=runs_on,
        pruned=start[0],
        damage=damage,
        starts_ns=tuple(reading.starts_ns),
        parent=reading.parent,
        kinds=tuple(reading.kinds.most_common()),
        agents=tuple(_agents(reading, attempts)),
        attempts=attempts,
        talk=reading.talk(),
        requests=tuple(requests(_again(run, start[0], upto), run.id)),
        words=tuple(reading.words),
        recoveries=recoveries,
        artifacts=tuple(_checked(reading.artifacts, ArtifactStore(run.artifacts))),
        costs=_costs(run) if not damage else Costs(trouble=damage),
        audit=_audit(run),
    )


def _take_in(reading: "_Reading", run: RunFolder, after: int) -> str:
    """Read all there is; return what stopped it before the end."""
    with closing(JournalReader(run.journal, after)) as reader:
        try:
            for entry in reader.entries():
                # Validated again: whoever changed a journal has not asked the broker.
                reading.hear(entry, decode(entry.document))
        except WireError as error:
            return f"entry {reading.outline.entries + 1} is no message: {error}"
        except JournalError as error:
            return str(error)
    return ""


def _again(run: RunFolder, after: int, upto: int) -> Iterator[Entry]:
    """Yield the same entries once more."""
    with closing(JournalReader(run.journal, after)) as reader:
        yield from reader.entries(upto)


@dataclass(slots=True)
class _Reading:
    """The pass over a journal. head: the chain's, after what was heard so far."""

    head: bytes
    outline: Outline = field(default_factory=Outline)
    attempts: Attempts = field(default_factory=Attempts)
    starts_ns: list[int] = field(default_factory=list)
    parent: str = ""
    kinds: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    roles: dict[str, str] = field(default_factory=dict)
    instances: dict[str, set[str]] = field(default_factory=dict)
    artifacts: list[Artifact] = field(default_factory=list)
    words: list[Said] = field(default_factory=list)
    _first: list[Said] = field(default_factory=list)
    _notable: list[Said] = field(default_factory=list)
    _last: deque[Said] = field(default_factory=lambda: deque(maxlen=_FIRST))
    _heard: int = 0
    _folded: int = 0

    def hear(self, entry: Entry, message: Message) -> None:
        self.head = link(self.head, entry)
        self.outline.hear(entry)
        self.attempts.hear(entry, message)
        self.kinds[message.type.value] += 1
        self.sent[message.sender] += 1
        self._keep(entry, message)
        match message.body:
            case Control() as body:
                self._control(entry, body)
            case Claim() as body:
                self.instances.setdefault(message.sender, set()).add(body.instance)
            case VerdictReport() as body if body.decision is Decision.PASS:
                self._accept(message, body.artifacts)

    def talk(self) -> Talk:
        """Return what is shown of what was said."""
        shown = {said.sequence: said for said in (*self._first, *self._notable, *self._last)}
        ordered = tuple(shown[sequence] for sequence in sorted(shown))
        return Talk(ordered, self._folded, self._heard - len(ordered))

    def _control(self, entry: Entry, body: Control) -> None:
        told = {setting.name: setting.value for setting in body.settings}
        if body.verb is Verb.EPOCH:
            self.starts_ns.append(entry.recorded_ns)
        elif body.verb is Verb.PRESENT:
            self.roles[body.subject or ""] = told.get("role", "")
        elif body.verb is Verb.FORK:
            self.parent = f"{body.subject or 'another run'}, after entry {told.get('at', '?')}"

    def _accept(self, message: Message, files: tuple[File, ...]) -> None:
        made_by = self.attempts.latest(message.task)
        if made_by is not None and made_by.is_mission:
            results = {(file.path, file.sha256) for file in files}
            self.artifacts = [
                Artifact(one.file, one.task, one.agent, one.is_result or (one.file.path, one.file.sha256) in results)
                for one in self.artifacts
            ]
            return
        agent = made_by.agent if made_by else ""
        self.artifacts += [Artifact(file, message.task, agent, False) for file in files]

    def _keep(self, entry: Entry, message: Message) -> None:
        body = message.body
        if message.type in _FOLDED or (isinstance(body, Control) and body.verb in _SETTING_UP):
            self._folded += 1
            return
        self._heard += 1
        decision = body.decision if isinstance(body, VerdictReport) else None
        said = Said(
            self._heard,
            entry.sequence,
            entry.recorded_ns,
            message.sender,
            f"@{entry.topic.partition('/')[0]}",
            message.type,
            message.task,
            describe(message)[:400],
            decision,
        )
        if len(self._first) < _FIRST:
            self._first.append(said)
        elif _is_notable(message) and len(self._notable) < _NOTABLE:
            self._notable.append(said)
        self._last.append(said)
        if message.sender == HUMAN and message.type is MessageType.CONTROL:
            self.words.append(said)


def _is_notable(message: Message) -> bool:
    """Return whether a message tells of something that went wrong, or is to or from a person."""
    body = message.body
    if isinstance(body, VerdictReport):
        return body.decision is not Decision.PASS
    if isinstance(body, Refusal | Lost | Alert | Approval) or message.type is MessageType.ESCALATION:
        return True
    is_cancelled = isinstance(body, Control) and body.verb in (Verb.CANCEL, Verb.FORK, Verb.SET)
    return is_cancelled or HUMAN in (message.sender, message.recipient)


def _agents(reading: _Reading, attempts: tuple[Attempt, ...]) -> Iterator[Agent]:
    fates: dict[str, Counter[Fate]] = {}
    for one in attempts:
        fates.setdefault(one.agent, Counter())[one.fate] += 1
    for name in dict.fromkeys((*reading.roles, *fates, *reading.sent)):
        yield Agent(
            name=name,
            role=reading.roles.get(name, ""),
            instances=len(reading.instances.get(name, ())),
            sent=reading.sent[name],
            attempts=dict(fates.get(name, {})),
        )


def _checked(artifacts: list[Artifact], store: ArtifactStore) -> Iterator[Artifact]:
    """Yield artifacts, results first, with whether the store has the bytes of each of the first."""
    ordered = sorted(artifacts, key=lambda one: not one.is_result)
    for number, one in enumerate(ordered):
        is_kept = _is_kept(one.file, store) if number < _CHECKED else None
        yield Artifact(one.file, one.task, one.agent, one.is_result, is_kept)


def _is_kept(file: File, store: ArtifactStore) -> bool:
    try:
        store.get(file)
    except SourceError:
        return False
    return True


def _costs(run: RunFolder) -> Costs:
    try:
        with closing(open_tables(run)) as db:
            return Costs(costs(db, "agent"), costs(db, "model"), costs(db, "task"))
    except OrchestraError as error:
        return Costs(trouble=str(error))


def _audit(run: RunFolder) -> Audit:
    finding = verify(run)
    try:
        seals = read_seals(run.anchor)
        last = max(seals, key=lambda seal: seal.count, default=None)
        keys = tuple(public_keys(run)) if seals else ()
    except JournalError as error:
        return Audit(finding, trouble=str(error))
    try:
        stamps = tuple(stamped(run, None))
    except SourceError as error:
        return Audit(finding, last, keys, trouble=str(error))
    return Audit(finding, last, keys, stamps)
