"""`orchestra observe` and `status`: looking at a run without touching it."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.text import Text

from bus.journal import TO_THE_END
from bus.lock import is_open
from bus.publisher import ask_status
from bus.records import Entry
from bus.run import RunFolder
from bus.subscriber import Subscriber
from bus.transport import Place
from cli.missions import Json, RunName
from cli.runs import find_place
from cli.screen import out, say, say_json, table
from cli.settings import load
from observers.summary import describe
from protocol.bodies import Decision, VerdictReport
from protocol.decoder import decode
from protocol.messages import Message, MessageType

_STYLES = {
    MessageType.ESCALATION: "bold yellow",
    MessageType.REFUSAL: "red",
    MessageType.LOST: "red",
    MessageType.TASK_COMPLETION: "cyan",
    MessageType.CONTROL: "dim",
    MessageType.CLAIM: "dim",
    MessageType.PROGRESS: "dim",
}


def observe(
    name: RunName = "last",
    start: Annotated[int | None, typer.Option("--from", min=1, metavar="SEQ", help="Begin at this sequence.")] = None,
    topic: Annotated[str, typer.Option(help="Only topics that begin so, such as gatekeeper/.")] = "",
    as_json: Json = False,
) -> None:
    """Watch a run live, one line a message. Reads only; joining and leaving disturbs nobody.

    Without --from it begins with what comes next in a live run, and at the start of a finished one.
    """
    place = find_place(load(), name)
    _check_may_hear(place)
    is_over = _is_over(place)
    after = (start - 1) if start else (0 if is_over else _head(place))
    try:
        for entry in _recorded(place, after) if is_over else _live(place, after):
            if entry.topic.startswith(topic):
                _show(entry, as_json)
    except KeyboardInterrupt:
        return


def _check_may_hear(place: Place) -> None:
    """Ask for the first entry: a name that may not hear everything is told so there, live it would just hear nothing.

    Raises:
        BusError: the broker does not let this name read everything.
    """
    if isinstance(place, RunFolder):
        return
    history = place.history(None, 0)
    try:
        next(iter(history.entries(1)), None)
    finally:
        history.close()


def _is_over(place: Place) -> bool:
    return isinstance(place, RunFolder) and not is_open(place.journal)


def _head(place: Place) -> int:
    status = ask_status(place)
    return int(status["head"]) if status else 0


def _recorded(place: Place, after: int) -> Iterator[Entry]:
    return place.history(None, after).entries(TO_THE_END)


def _live(place: Place, after: int) -> Iterator[Entry]:
    """Yield what is said until the broker is gone, and of a run on this machine also what it said last."""
    subscriber = Subscriber(place, None, after=after)
    try:
        while True:
            entry = subscriber.receive(1.0)
            if entry is not None:
                yield entry
            elif _is_over(place) or ask_status(place) is None:
                break
        if isinstance(place, RunFolder):
            yield from _recorded(place, subscriber.position)
    finally:
        subscriber.close()


def _show(entry: Entry, as_json: bool) -> None:
    message = decode(entry.document)
    if as_json:
        say_json(as_row(entry, message))
        return
    clock = time.strftime("%H:%M:%S", time.localtime(entry.recorded_ns // 1_000_000_000))
    line = Text(f"{entry.sequence:6} {clock} ", "dim")
    line.append(f"{message.sender} → {message.recipient} ", "bold")
    line.append(f"{message.type.value} ", _style(message))
    line.append(f"{message.task} ", "dim")
    line.append(describe(message))
    out.print(line, overflow="ellipsis" if out.is_terminal else "ignore", no_wrap=True, soft_wrap=not out.is_terminal)


def as_row(entry: Entry, message: Message) -> dict[str, Any]:
    """Return an entry as scripts get it."""
    return {
        "sequence": entry.sequence,
        "recorded_ns": entry.recorded_ns,
        "topic": entry.topic,
        "id": message.id,
        "sender": message.sender,
        "recipient": message.recipient,
        "type": message.type.value,
        "task": message.task,
        "attempt": message.attempt,
        "cause": message.cause,
        "said": describe(message),
    }


def _style(message: Message) -> str:
    if isinstance(message.body, VerdictReport):
        return "green" if message.body.decision is Decision.PASS else "red"
    return _STYLES.get(message.type, "")


def status(name: RunName = "last", as_json: Json = False) -> None:
    """Show a run: its processes, how much each topic has carried, how fast, and who is behind."""
    place = find_place(load(), name)
    where = str(place.path) if isinstance(place, RunFolder) else place.address
    facts = None if _is_over(place) else ask_status(place)
    if facts is None:
        facts = _facts_of_ended(place)
    if as_json:
        say_json({"run": where, **facts})
        return
    state = "running" if facts["live"] else "not running"
    said = f", {facts['refused']} refused, {facts['denied']} denied" if facts["live"] else ""
    say(f"{where}: {state}, {facts['head']} entries{said}")
    if facts.get("trouble"):
        say(f"trouble: {facts['trouble']}", "red")
    if facts["live"]:
        rows = [
            [s.get("instance") or s["agent"], s.get("role", ""), s.get("pid", ""), s.get("state", ""), s["published"],
             _lag(facts, s), s["silent_s"]]
            for s in facts["sessions"]
        ]  # fmt: skip
        table("processes", ["process", "role", "pid", "state", "published", "behind", "silent s"], rows)
    rate = facts["up_s"] or 1
    counted = sorted(facts["topics"].items(), key=lambda pair: -pair[1])
    table("topics", ["topic", "messages", "per s"], [[t, n, f"{n / rate:.1f}"] for t, n in counted])


def _lag(facts: dict[str, Any], session: dict[str, Any]) -> int | str:
    """Return how many entries of its inbox's last one a process has not passed yet."""
    if not isinstance(session.get("position"), int):
        return ""
    last = max(int(facts["inboxes"].get(session["agent"], 0)), int(facts["inboxes"].get("@everyone", 0)))
    return max(0, last - int(session["position"]))


def _facts_of_ended(place: Place) -> dict[str, Any]:
    topics: dict[str, int] = {}
    first_ns = last_ns = head = 0
    for entry in _recorded(place, 0):
        topics[entry.topic] = topics.get(entry.topic, 0) + 1
        first_ns, last_ns, head = first_ns or entry.recorded_ns, entry.recorded_ns, entry.sequence
    span_s = round((last_ns - first_ns) / 1e9, 1)
    return {"live": False, "head": head, "up_s": span_s, "topics": topics, "sessions": []}
