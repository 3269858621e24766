"""`orchestra inbox`, `answer`, `approve`, `reject` and `cancel`: what people are asked, and what they say."""

import getpass
import time
from typing import Annotated, Any

import typer

from bus.journal import JournalReader
from bus.lock import is_open
from bus.run import RunFolder
from cli.asking import Asked, asked, find, in_words, show
from cli.missions import Json, RunName, coordinator_of, start_of
from cli.runs import find_run
from cli.screen import say, say_json, when
from cli.settings import load
from observers.inbox import Settlement, Standing, settlement
from protocol.bodies import Action, Consent, Control, Plan, Report, TaskAssignment, Verb
from protocol.decoder import reread
from protocol.errors import SourceError
from protocol.messages import Message
from protocol.topics import SUPERVISOR, TECH_LEAD
from scenarios import replies
from scenarios.person import Said, look_up, tell

RequestId = Annotated[str, typer.Argument(metavar="ID", help="The request, as `orchestra inbox` shows it.")]
Person = Annotated[str, typer.Option("--as", metavar="NAME", help="Who says it; default: your login name.")]
OfRun = Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only what this run asks.")]


def inbox(
    name: Annotated[str | None, typer.Argument(metavar="RUN", help="Only this run; default: all runs.")] = None,
    shows_all: Annotated[bool, typer.Option("--all", help="Also what was settled or has lapsed.")] = False,
    as_json: Json = False,
) -> None:
    """List what agents ask of people, the newest last: who asks, about which task, what, until when.

    Nothing has to run: a request waits in its run's journal until somebody answers it or it lapses.
    """
    now_ns = time.time_ns()
    found = asked(load(), name)
    shown = [row for row in found if shows_all or row.request.standing(now_ns) is Standing.OPEN]
    for row in shown:
        if as_json:
            say_json(row.row(now_ns))
        else:
            show(row, now_ns)
    if not shown and not as_json:
        say("nobody asks anything" + (f"; {len(found)} settled or lapsed: orchestra inbox --all" if found else ""))


def answer(
    identity: RequestId,
    choice: Annotated[str, typer.Argument(help="One of the options; where there are none, a word of your own.")],
    text: Annotated[str, typer.Option(help="What else there is to say.")] = "",
    person: Person = "",
    of_run: OfRun = None,
    as_json: Json = False,
) -> None:
    """Answer an escalation, a question or an alarm, whether its run is running or not. The first answer counts.

    Exit codes: 0 it is in the journal, 1 the run cannot be told, 2 no such request, or not to be answered so.
    """
    row = find(load(), identity, of_run)
    message = replies.answer(row.request, choice, text, person=name_of(person), now_ns=time.time_ns())
    _settle(row, message, as_json=as_json)


def approve(
    identity: RequestId,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    person: Person = "",
    of_run: OfRun = None,
    as_json: Json = False,
) -> None:
    """Consent to what a run asks leave for.

    Exit codes: as for `orchestra answer`; 2 also where the request has lapsed.
    """
    row = find(load(), identity, of_run)
    message = replies.consent(row.request, Consent.GRANTED, reason, person=name_of(person), now_ns=time.time_ns())
    _settle(row, message, as_json=as_json)


def reject(
    identity: RequestId,
    reason: Annotated[str, typer.Option(help="Why; the agents are told.")],
    person: Person = "",
    of_run: OfRun = None,
    as_json: Json = False,
) -> None:
    """Refuse what a run asks leave for, and say why.

    Exit codes: as for `orchestra approve`.
    """
    if not reason.strip():
        raise SourceError("a refusal needs a reason: --reason …")
    row = find(load(), identity, of_run)
    message = replies.consent(row.request, Consent.DENIED, reason, person=name_of(person), now_ns=time.time_ns())
    _settle(row, message, as_json=as_json)


def cancel(
    name: RunName,
    task: Annotated[str | None, typer.Argument(help="Only this task; default: the whole mission.")] = None,
    reason: Annotated[str, typer.Option(help="Why; the agents are told.")] = "",
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Cancel a mission, or one of its tasks, whether it is running or not.

    Exit codes: 0 it is in the journal, 1 the run cannot be told, 2 there is no such run or task, or it is done.
    """
    run = find_run(load(), name)
    coordinator = coordinator_of(start_of(run))
    _check_is_there(run, task)
    by, now_ns = name_of(person), time.time_ns()
    said = _tell(run, replies.cancellation(run.id, coordinator, task, reason, person=by, now_ns=now_ns))
    facts = {"run": str(run.path), "task": task, **_person_and_reason(reread(said.entry.document))}
    what = f"task {task}" if task else "the mission"
    _report(run, said, f"{what}: cancelled by {facts['person']} at {when(said.entry.recorded_ns)}", facts, as_json)


def _settle(row: Asked, message: Message, *, as_json: bool) -> None:
    """Say what settles a request; where it was settled in the same words, that is as good, in others it is an error."""
    known = row.request.settlement
    said = _tell(row.run, message) if known is None else look_up(row.run, message, known.sequence)
    words = known or settlement(said.entry, reread(said.entry.document))
    if words is None or not said.is_the_same:
        earlier = in_words(words) if words else "by another message of the same id"
        raise SourceError(f"{row.short} was answered already: {earlier}; the first answer counts")
    _report(row.run, said, f"{row.short}: {in_words(words)}", _facts(row, words), as_json)


def _facts(row: Asked, words: Settlement) -> dict[str, Any]:
    facts = {"run": str(row.run.path), "id": row.request.id, "choice": words.choice}
    return {**facts, "person": words.person, "text": words.text}


def _tell(run: RunFolder, message: Message) -> Said:
    settings = load()
    return tell(run, message, anchors=settings.anchors, authority=settings.authority)


def _report(run: RunFolder, said: Said, done: str, facts: dict[str, Any], as_json: bool) -> None:
    is_running = is_open(run.journal)
    if as_json:
        place = {"sequence": said.entry.sequence, "said_ns": said.entry.recorded_ns}
        say_json({**facts, **place, "new": said.is_new, "running": is_running})
        return
    say(done if said.is_new else f"{done}; it was said before, so nothing was said again", "green")
    if not is_running:
        say(f"go on with: orchestra resume {run.path}")


def name_of(given: str) -> str:
    """Return who is speaking.

    Raises:
        SourceError: nobody says who, and the machine does not know.
    """
    if given:
        return given
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError) as error:  # which one depends on the version of Python
        raise SourceError("you have no login name here; say who you are with --as NAME") from error


def _person_and_reason(message: Message) -> dict[str, str]:
    settings = message.body.settings if isinstance(message.body, Control) else ()
    told = {setting.name: setting.value for setting in settings}
    return {"person": told.get("person", ""), "reason": told.get("reason", "")}


def _check_is_there(run: RunFolder, task: str | None) -> None:
    """Find out whether there is something to cancel.

    Raises:
        SourceError: the mission is done, or it has no such task.
    """
    tasks, is_done = _so_far(run)
    if is_done:
        raise SourceError(f"the mission of {run.path} is done; there is nothing to cancel")
    if task is not None and task not in tasks:
        known = ", ".join(sorted(tasks)[:8])
        raise SourceError(f"no task of {run.path} is called {task!r} (tasks: {known}); all: orchestra show {run.path}")


def _so_far(run: RunFolder) -> tuple[set[str], bool]:
    """Return the tasks that are planned or given out, and whether the mission is done."""
    tasks: set[str] = set()
    is_done = False
    for entry in JournalReader(run.journal).entries():
        if not entry.topic.endswith(("/control", "/task-assignment", "/status")):
            continue
        message = reread(entry.document)
        match message.body:
            case Control(plan=Plan(tasks=planned)):
                tasks |= {node.id for node in planned}
                is_done = False  # where it was the end of a shorter plan
            case Control(verb=Verb.FORK):
                is_done = False  # it was the end of the run whose past this one shares
            case TaskAssignment(plan=None):
                tasks.add(message.task)
            case Report(action=Action.COMPLETED) if (message.sender, message.recipient) == (TECH_LEAD, SUPERVISOR):
                is_done = True
    return tasks, is_done
