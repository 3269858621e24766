"""`orchestra observe` and `status`: looking at a run without touching it."""

import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.text import Text

from bus.journal import JournalReader, is_open
from bus.publisher import ask_status
from bus.records import Entry
from bus.run import RunFolder
from bus.subscriber import Subscriber
from cli.missions import Json, RunName
from cli.runs import find_run
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
    run = find_run(load(), name)
    is_live = is_open(run.journal)
    after = (start - 1) if start else (_head(run) if is_live else 0)
    try:
        for entry in _live(run, after) if is_live else _recorded(run, after):
            if entry.topic.startswith(topic):
                _show(entry, as_json)
    except KeyboardInterrupt:
        return


def _head(run: RunFolder) -> int:
    status = ask_status(run)
    return int(status["head"]) if status else 0


def _recorded(run: RunFolder, after: int) -> Iterator[Entry]:
    reader = JournalReader(run.journal)
    return (entry for entry in reader.entries() if entry.sequence > after)


def _live(run: RunFolder, after: int) -> Iterator[Entry]:
    subscriber = Subscriber(run, None, after=after)
    try:
        while True:
            entry = subscriber.receive(1.0)
            if entry is not None:
                yield entry
            elif not is_open(run.journal):
                break
        rest = JournalReader(run.journal, subscriber.position)
        yield from rest.entries()
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
    run = find_run(load(), name)
    facts = ask_status(run) if is_open(run.journal) else None
    if facts is None:
        facts = _facts_of_ended(run)
    if as_json:
        say_json({"run": str(run.path), **facts})
        return
    state = "running" if facts["live"] else "not running"
    say(f"{run.path}: {state}, {facts['head']} entries" + (f", {facts['refused']} refused" if facts["live"] else ""))
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
    if "position" not in session:
        return ""
    last = max(int(facts["inboxes"].get(session["agent"], 0)), int(facts["inboxes"].get("@everyone", 0)))
    return max(0, last - int(session["position"]))


def _facts_of_ended(run: RunFolder) -> dict[str, Any]:
    topics: dict[str, int] = {}
    first_ns = last_ns = head = 0
    for entry in JournalReader(run.journal).entries():
        topics[entry.topic] = topics.get(entry.topic, 0) + 1
        first_ns, last_ns, head = first_ns or entry.recorded_ns, entry.recorded_ns, entry.sequence
    span_s = round((last_ns - first_ns) / 1e9, 1)
    return {"live": False, "head": head, "up_s": span_s, "topics": topics, "sessions": []}
