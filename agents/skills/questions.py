"""Questions about missions, in a few forms that are understood word for word, answered from journals.

No model is asked and nothing is guessed: a question of another form is answered with the forms there are.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from agents.skills.missions import (
    ACCEPTED,
    ASKED,
    ASKS,
    DONE,
    ENDED,
    LEFT_OUT,
    REJECTED,
    RUNS,
    STOPPED,
    WAITING,
    Told,
    read_mission,
    runs_in,
)
from agents.work import Outcome, Work
from protocol.errors import JournalError, SourceError

REQUEST: Final = "request"
RUNS_SETTING: Final = "runs"
PROPOSAL: Final = "proposal"  # the folder of an input that says how something could be done
CONVERSATION: Final = "chat"  # the scenario of conversations: "the last mission" is none of them
_LISTED: Final = 20
_NEEDS_SOMEBODY: Final = (ASKED, REJECTED)

Found: TypeAlias = "re.Match[str]"
Tell: TypeAlias = Callable[[Sequence[Path], Found], str]


def answer_about_missions(work: Work) -> Outcome:
    """Answer the question in the setting `request` from the journals in the folder of the setting `runs`."""
    question = work.setting(REQUEST).strip()
    if re.match(r"do:", question, re.IGNORECASE):
        return _proposal(work)
    asked = re.sub(r"\s+", " ", question).rstrip("?.! ")
    runs = runs_in(Path(work.setting(RUNS_SETTING)))
    for form, _, tell in _FORMS:
        found = re.fullmatch(form, asked, re.IGNORECASE)
        if found is not None:
            return Outcome(tell(runs, found), values={"understood": True})
    text = f"I do not understand {question[:200]!r}: no model is configured, so I know only these forms.\n{_forms()}"
    return Outcome(text, values={"understood": False})


def _proposal(work: Work) -> Outcome:
    for file in work.assignment.inputs:
        if file.path.startswith(f"{PROPOSAL}/"):
            return Outcome(work.read(file).decode(), values={"understood": True})
    text = "do: is answered in a conversation (orchestra chat), where a proposal is made of it"
    return Outcome(text, values={"understood": False})


def _forms() -> str:
    return "\n".join(f"  {example}" for _, example, _ in _FORMS)


def _told(runs: Sequence[Path]) -> Iterator[Told | str]:
    """Yield what the latest runs tell, the newest last; of one that cannot be read, why."""
    for run in runs[-_LISTED:]:
        try:
            yield read_mission(run)
        except JournalError as error:
            yield str(error)


def _one(runs: Sequence[Path], found: Found) -> Told:
    """Return the mission that a question names, or the last one that is no conversation.

    Raises:
        SourceError: there is none.
    """
    name = found["run"]
    if name and name.lower() != "last":
        for run in runs:
            if run.name == name:
                return read_mission(run)
        known = ", ".join(run.name for run in runs[-5:]) or "none"
        raise SourceError(f"no mission is called {name!r}; the latest: {known}")
    for run in reversed(runs):
        told = read_mission(run)
        if told.scenario != CONVERSATION:
            return told
    raise SourceError("there is no mission yet")


def _about_one(tell: Callable[[Told, Found], str]) -> Tell:
    def told(runs: Sequence[Path], found: Found) -> str:
        try:
            return tell(_one(runs, found), found)
        except (SourceError, JournalError) as error:
            return str(error)

    return told


def _missions(runs: Sequence[Path], _found: Found) -> str:
    lines = [one if isinstance(one, str) else _line(one) for one in _told(runs)]
    return "\n".join([f"{len(lines)} missions, the newest last", *lines]) if lines else "there is no mission yet"


def _running(runs: Sequence[Path], _found: Found) -> str:
    lines = [_line(one) for one in _told(runs) if not isinstance(one, str) and one.stands == RUNS]
    return "\n".join(lines) or "no mission is running"


def _line(told: Told) -> str:
    return f"{told.run}: {told.stands}, {told.accepted} of {len(told.tasks)} tasks accepted"


def _status(told: Told, _found: Found) -> str:
    tasks = [f"  {task.name} ({task.agent}): {task.stands}" for task in told.tasks.values()]
    return "\n".join([_line(told), *tasks])


def _blocked(told: Told, _found: Found) -> str:
    stuck = [task for task in told.tasks.values() if task.stands in _NEEDS_SOMEBODY]
    lines = [f"  {task.name}: {task.stands}: {task.why}" for task in stuck]
    lines += [f"  {task}: {why}" for task, why in told.asked.values() if task not in {one.name for one in stuck}]
    waiting = sum(task.stands == WAITING for task in told.tasks.values())
    if told.stands == DONE:
        return f"nothing in {told.run}: it is done"
    if told.stands == ENDED:
        return f"{told.run} goes no further: it was {ENDED}"
    if not lines:
        more = f"; it is stopped, orchestra resume {told.run} goes on" if told.stands == STOPPED else ""
        return f"nothing in {told.run}{more}"
    advice = f"answer: orchestra inbox {told.run}" if told.stands == ASKS else ""
    return "\n".join(filter(None, [f"{told.run}: {len(lines)} blocked, {waiting} wait", *lines, advice]))


def _why(told: Told, found: Found) -> str:
    task = told.tasks.get(found["task"])
    if task is None:
        known = ", ".join(list(told.tasks)[:8])
        return f"{told.run} has no task {found['task']!r}; it has: {known}"
    lines = [
        f"  attempt {one.attempt}: {one.decision.value}, entry {one.sequence}: {one.reason}" for one in task.verdicts
    ]
    said = f": {task.why}" if task.stands in (LEFT_OUT, ASKED) else ""
    none = "" if lines else "; no verdict was given"
    return "\n".join([f"{task.name} of {told.run} stands at: {task.stands}{said}{none}", *lines])


def _cost(told: Told, _found: Found) -> str:
    if not told.calls:
        return f"{told.run} called no model, so it cost nothing but time"
    unknown = f", and {told.unpriced} calls of unknown price" if told.unpriced else ""
    usd = f"{told.cost_nano_usd / 1e9:.6f} USD"
    return f"{told.run}: {told.calls} calls, {told.tokens:,} tokens, {usd}{unknown}"


def _inbox(runs: Sequence[Path], _found: Found) -> str:
    lines = [
        f"  {one.run}, {task}: {why}"
        for one in _told(runs)
        if not isinstance(one, str) and one.stands not in (DONE, ENDED)
        for task, why in one.asked.values()
    ]
    return "\n".join(["people are asked; answer: orchestra inbox", *lines]) if lines else "nobody needs a person"


def _forms_there_are(_runs: Sequence[Path], _found: Found) -> str:
    return f"I answer from journals; no model is configured. I understand:\n{_forms()}"


_IN: Final = r"(?: in (?P<run>\S+))?"
# The form as it is read, as it is shown, and who answers.
_FORMS: Final[tuple[tuple[str, str, Tell], ...]] = (
    (r"missions|what missions are there|history", "missions", _missions),
    (r"what(?: is|'s)? run(?:s|ning)(?: now)?", "what runs", _running),
    (rf"(?:status|how far is it){_IN}", "status [in RUN]", _about_one(_status)),
    (rf"(?:what(?: is|'s) |why is it )?blocked{_IN}", "what is blocked [in RUN]", _about_one(_blocked)),
    (
        rf"why (?:(?:was|is) )?(?P<task>\S+?)(?: {ACCEPTED}| {REJECTED}| {LEFT_OUT}| {WAITING}| blocked)?{_IN}",
        "why was TASK accepted [in RUN]",
        _about_one(_why),
    ),
    (rf"(?:what did it )?costs?{_IN}", "what did it cost [in RUN]", _about_one(_cost)),
    (r"what needs (?:a person|me)|inbox", "what needs a person", _inbox),
    (r"do: .+", "do: WHAT SHOULD BE DONE", _forms_there_are),
    (r"help", "help", _forms_there_are),
)
