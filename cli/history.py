"""`orchestra history` and `show`: which missions there were, and where one stood at any moment."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from bus.journal import TO_THE_END, JournalReader
from bus.lock import is_open
from bus.run import RunFolder
from cli.missions import Json, RunName, coordinator_of, start_of
from cli.runs import all_runs, find_run
from cli.screen import say, say_json, table, warn, when
from cli.settings import load
from coordinators.past import moment
from coordinators.rows import TaskRow
from coordinators.tasks import State
from protocol.bodies import Action, Control, Report, Verb
from protocol.decoder import reread
from protocol.errors import OrchestraError
from protocol.topics import SUPERVISOR, TECH_LEAD, topic_of


@dataclass(slots=True)
class _Past:
    """What the journal of one run tells in one reading. tasks: those that were assigned; the mission is none.

    stands: done, a person must decide, given up, running or stopped.
    """

    run: RunFolder
    scenario: str = ""
    tasks: set[str] = field(default_factory=set)
    accepted: set[str] = field(default_factory=set)
    entries: int = 0
    began_ns: int = 0
    ended_ns: int = 0
    stands: str = ""

    def row(self) -> dict[str, Any]:
        return {
            "run": self.run.id,
            "scenario": self.scenario,
            "began": when(self.began_ns),
            "took_s": round((self.ended_ns - self.began_ns) / 1e9, 1),
            "tasks": len(self.tasks),
            "accepted": len(self.accepted),
            "entries": self.entries,
            "stands": self.stands,
        }


def history(
    most: Annotated[int, typer.Option("--last", min=1, metavar="N", help="Only so many, the newest.")] = 20,
    as_json: Json = False,
) -> None:
    """List the missions in the runs folder, the newest last: what they were, how far they got, how they ended."""
    rows = [_read(run).row() for run in all_runs(load())[-most:]]
    if as_json:
        for row in rows:
            say_json(row)
        return
    columns = ["run", "scenario", "began", "took s", "tasks", "accepted", "entries", "stands"]
    table(f"{len(rows)} mission{'s' * (len(rows) != 1)}", columns, [list(row.values()) for row in rows])


def _read(run: RunFolder) -> _Past:
    past = _Past(run, stands="running" if is_open(run.journal) else "stopped: orchestra resume")
    try:
        for entry in JournalReader(run.journal).entries():
            past.entries, past.ended_ns = entry.sequence, entry.recorded_ns
            past.began_ns = past.began_ns or entry.recorded_ns
            _note(past, entry.topic, entry.document)
    except OrchestraError as error:
        past.stands = f"cannot be read: {error}"
    return past


def _note(past: _Past, topic: str, document: bytes) -> None:
    if topic.endswith("/task-assignment"):
        message = reread(document)
        past.tasks |= {message.task} if message.parent_task else set()
    elif topic.endswith("/verdict") and b"<decision>pass<" in document and b"<parent-task>" in document:
        past.accepted.add(reread(document).task)
    elif topic == topic_of(TECH_LEAD, "control"):
        body = reread(document).body
        if isinstance(body, Control) and body.verb is Verb.START:
            past.scenario = body.subject or ""
    elif topic == topic_of(SUPERVISOR, "status"):
        message = reread(document)
        if message.sender == TECH_LEAD and isinstance(message.body, Report):
            past.stands = _end(message.body)


def _end(report: Report) -> str:
    if report.action is Action.COMPLETED:
        return "done"
    return "a person must decide" if report.result is None else "given up"


def show(
    name: RunName = "last",
    at: Annotated[int | None, typer.Option(min=1, metavar="SEQ", help="After this entry; default: the last.")] = None,
    as_json: Json = False,
) -> None:
    """Show where every task of a mission stood, now or after any entry of its journal.

    The state is not stored anywhere: the journal is folded up to that entry by the coordinator's own rules.
    """
    run = find_run(load(), name)
    coordinator = coordinator_of(start_of(run))
    found = moment(JournalReader(run.journal).entries(), coordinator, at or TO_THE_END)
    rows = list(_rows(found.rows))
    if as_json:
        say_json({"run": str(run.path), "at": found.at, "recorded_ns": found.at_ns, "tasks": rows})
        return
    if not rows:
        warn(f"{run.id}: entry {found.at}, before the plan was given", "yellow")
        return
    done = sum(row["state"] == State.ACCEPTED.value for row in rows)
    title = f"{run.id} after entry {found.at}, {when(found.at_ns)}: {done} of {len(rows)} tasks accepted"
    columns = ["task", "agent", "state", "attempt", "rejections", "losses", "instance"]
    shown = [[*(row[column] for column in columns), ", ".join(row["waits_for"]) or row["note"]] for row in rows]
    table(title, [*columns, "waits for, or why not"], shown)
    if at is None:
        say("any earlier moment: orchestra show RUN --at SEQ (sequences: orchestra audit show)", "dim")


def _rows(rows: tuple[TaskRow, ...]) -> Iterator[dict[str, Any]]:
    settled = {row.planned.id for row in rows if row.is_settled}
    for row in rows:
        yield {
            "task": row.name,
            "agent": row.agent or row.planned.agent,
            "state": row.state.value,
            "attempt": row.attempt,
            "rejections": row.rejections,
            "losses": row.losses,
            "instance": row.instance if row.state is State.CLAIMED else "",
            "waits_for": [need for need in row.planned.needs if need not in settled] if row.waits else [],
            "note": row.note,
            "artifacts": [file.path for file in row.artifacts],
        }
