"""What earlier lives of a device's agent have left in the journal: another life begins from there."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from bus.records import Entry
from protocol.bodies import Alert, Report
from protocol.decoder import reread
from protocol.messages import Message, MessageType
from protocol.peek import peek
from protocol.topics import inbox_of

HANDED_IN: Final = "to-ns"  # the value of a result that says up to when everything has been handed in
_OWN: Final = tuple(
    f"/{kind.value}"
    for kind in (MessageType.ALERT, MessageType.REFUSAL, MessageType.CLAIM, MessageType.TASK_COMPLETION)
)


@dataclass(frozen=True, slots=True)
class Before:
    """What earlier lives told and heard.

    alerts: by pack. unanswered: what was said to them and not answered. position: how far the journal was read.
    handed_in_ns: up to when everything has been handed in; not_handed_in: what was told of packs since.
    """

    alerts: Mapping[str, Sequence[Alert]] = field(default_factory=dict)
    unanswered: tuple[Message, ...] = ()
    position: int = 0
    handed_in_ns: int = 0
    not_handed_in: tuple[Message, ...] = ()

    def rewound(self) -> "Before":
        """Return how things stood when something was handed in last: what came since is going to come again."""
        since = Counter(message.task for message in self.not_handed_in)
        alerts = {pack: told[: len(told) - since[pack]] for pack, told in self.alerts.items()}
        return replace(self, alerts=alerts, not_handed_in=())


def before(entries: Iterable[Entry], name: str) -> Before:
    """Return what the entries of a journal tell of an agent's earlier lives."""
    alerts, since = dict[str, list[Alert]](), list[Message]()
    asked, answered, position, handed_in_ns = list[Message](), set[str | None](), 0, 0
    for entry in entries:
        position = entry.sequence
        if entry.topic.endswith(_OWN) and peek(entry.document, "sender") == name:
            message = reread(entry.document)
            answered.add(message.cause)
            if isinstance(message.body, Alert):
                alerts.setdefault(message.task, []).append(message.body)
                since.append(message)
            elif (until_ns := _handed_in(message)) is not None:
                handed_in_ns = max(handed_in_ns, until_ns)
                since.clear()
        elif entry.topic.startswith(f"{inbox_of(name)}/"):
            asked.append(reread(entry.document))
    unanswered = tuple(message for message in asked if message.id not in answered)
    return Before(alerts, unanswered, position, handed_in_ns, tuple(since))


def _handed_in(message: Message) -> int | None:
    if not isinstance(message.body, Report) or message.body.result is None:
        return None
    return next((int(value.value) for value in message.body.result.values if value.name == HANDED_IN), None)
