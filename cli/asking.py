"""What people are asked, over all runs: found by the beginning of an id, shown in words."""

import shlex
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Final

from bus.journal import JournalReader
from bus.run import RunFolder
from cli.runs import all_runs, find_run
from cli.screen import say, warn, when
from cli.settings import Settings
from observers.inbox import SHORT_ID, Request, Settlement, Standing, requests, short_ids
from observers.summary import printable
from protocol.errors import OrchestraError, SourceError
from protocol.messages import MessageType

_WANTS: Final = {MessageType.APPROVAL: "asks leave for", MessageType.ALERT: "raises an alarm of"}
# Unit, its seconds, and from how many seconds on it is used.
_UNITS: Final = (("days", 86_400, 129_600), ("h", 3_600, 5_400), ("min", 60, 90))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and the run that makes it. short: what people call it; is_shared: a fork of the run makes it too."""

    run: RunFolder
    request: Request
    short: str
    is_shared: bool

    def row(self, now_ns: int) -> dict[str, Any]:
        """Return it as scripts get it."""
        asked = self.request
        return {
            "id": asked.id,
            "short": self.short,
            "run": str(self.run.path),
            "kind": asked.kind.value,
            "from": asked.sender,
            "task": asked.task,
            "question": asked.question,
            "options": asked.options,
            "asked_ns": asked.asked_ns,
            "due_ns": asked.due_ns,
            "standing": asked.standing(now_ns).value,
            "settled": asdict(asked.settlement) if asked.settlement else None,
        }


def asked(settings: Settings, name: str | None) -> list[Asked]:
    """Return what is and was asked in one run, or in all of the runs folder, the newest last.

    Raises:
        SourceError: there is no such run.
        JournalError: its journal is damaged; of all runs, such a one is left out with a warning.
    """
    runs = all_runs(settings) if name is None else [find_run(settings, name)]
    found = [(run, request) for run in runs for request in _of_run(run, is_only_one=name is not None)]
    shorts = short_ids(request.id for _, request in found)
    often = Counter(request.id for _, request in found)
    rows = [Asked(run, request, shorts[request.id], often[request.id] > 1) for run, request in found]
    return sorted(rows, key=lambda row: row.request.asked_ns)


def _of_run(run: RunFolder, *, is_only_one: bool) -> list[Request]:
    try:
        return requests(JournalReader(run.journal).entries(), run.id)
    except OrchestraError as error:
        if is_only_one:
            raise
        warn(f"{run.path} is left out: {error}", "yellow")
        return []


def find(settings: Settings, identity: str, name: str | None) -> Asked:
    """Return the one request whose id begins so. name: the run that makes it, where that has to be said.

    Raises:
        SourceError: there is none, or more than one.
    """
    known = asked(settings, name)
    found = [row for row in known if row.request.id == identity]
    if not found and len(identity) >= SHORT_ID:
        found = [row for row in known if row.request.id.startswith(identity)]
    if len(found) == 1:
        return found[0]
    raise SourceError(_not_one(identity, found))


def _not_one(identity: str, found: list[Asked]) -> str:
    if not found:
        least = f"; give at least {SHORT_ID} characters of its id" if len(identity) < SHORT_ID else ""
        return f"no request is called {identity!r}{least}; see: orchestra inbox --all (of a run elsewhere: --run RUN)"
    if len({row.request.id for row in found}) > 1:
        return f"{identity!r} may be {', '.join(row.request.id for row in found)}; give more of the id"
    return f"{identity!r} is asked in several runs: {', '.join(str(row.run.path) for row in found)}; add --run RUN"


def show(row: Asked, now_ns: int) -> None:
    """Print a request: who asks about what, the question, and how to answer it or how it ended.

    Every line of the question is marked, so that none of it can pass for something that we say.
    """
    request = row.request
    wants = _WANTS.get(request.kind, "asks about")
    ago = span(now_ns - request.asked_ns)
    say(f"{row.short}  {row.run.id}  {request.sender} {wants} {request.task}, {ago} ago{_due(request, now_ns)}", "bold")
    for line in request.question.split("\n"):
        say(f"  | {line}")
    if request.way:
        say(f"  told by {' → '.join(request.way)}", "dim")
    say(f"  {in_words(request.settlement) if request.settlement else _how(row, now_ns)}", "dim")


def _due(request: Request, now_ns: int) -> str:
    if request.due_ns is None or request.settlement is not None or request.is_withdrawn:
        return ""
    if request.standing(now_ns) is Standing.LAPSED:
        return f", lapsed {span(now_ns - request.due_ns)} ago"
    return f", due in {span(request.due_ns - now_ns)}"


def _how(row: Asked, now_ns: int) -> str:
    """Return the commands that settle a request, to be copied."""
    if row.request.standing(now_ns) is Standing.LAPSED:
        return "nobody answered in time, which is a refusal"
    if row.request.is_withdrawn:
        return "withdrawn: it was asked again, or the mission is over"
    where = f" --run {shlex.quote(str(row.run.path))}" if row.is_shared else ""
    if row.request.kind is MessageType.APPROVAL:
        return f"orchestra approve {row.short}{where}   or: orchestra reject {row.short}{where} --reason …"
    options = " | ".join(shlex.quote(printable(option)) for option in row.request.options) or "CHOICE"
    return f"orchestra answer{where} {row.short} {options}"


def in_words(said: Settlement) -> str:
    """Return what was said, by whom and when."""
    by = f" by {said.person}" if said.person else ""
    more = f": {said.text}" if said.text else ""
    return f"{said.choice}{by} at {when(said.said_ns)}{more}"


def span(span_ns: int) -> str:
    """Return a length of time in the unit that people would use."""
    seconds = max(0, span_ns) // 1_000_000_000
    for unit, length, least in _UNITS:
        if seconds >= least:
            return f"{round(seconds / length)} {unit}"
    return f"{seconds} s"
