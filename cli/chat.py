"""`orchestra chat`: a conversation with one specialist, as a mission that can be resumed, audited and replayed."""

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from agents.definitions.folders import Gathered
from agents.memory import Memory
from agents.skills.own import OwnSkills, load_own, read_own
from agents.skills.questions import RUNS_SETTING
from bus.artifacts import ArtifactStore
from bus.journal import JournalReader
from bus.records import Entry
from bus.run import RunFolder
from cli.agents import Catalogue, told_of
from cli.exits import Exit
from cli.lines import Lines
from cli.missions import Json, NoCache, RunDir, prepared, start_of
from cli.people import Person, name_of
from cli.runs import find_run, new_run, project_memory
from cli.screen import out, say, say_json, warn
from cli.settings import Settings, load
from protocol.bodies import Decision, PlannedTask
from protocol.errors import DefinitionError, OrchestraError, Refused, SourceError
from scenarios.chat import (
    CLERK,
    COORDINATOR,
    NAME,
    RESERVED,
    Answer,
    Conversation,
    Line,
    Partner,
    begun,
    gone_on,
    is_chat,
    partner,
    with_proposal,
)
from scenarios.files import take
from scenarios.launch import End
from scenarios.mission import Mission, mission_of, write_results
from scenarios.person import say as say_in
from scenarios.recall import recalled
from scenarios.replies import longer_plan

_LEAD: Final = "tech-lead"
_WAIT_S: Final = 3_600.0
_HELP: Final = """each line is a task for the skill; besides:
  /skill NAME        what is to be done with the lines from now on; /skill alone lists what there is
  /file PATH ...     files that every line from now on works on
  /set NAME=VALUE    a setting for every line from now on; NAME= takes it back; recall=WORDS recalls what is known
  /clear             no files and no settings any more
  /help              this
Ctrl-D ends the conversation; orchestra chat --run RUN goes on with it"""


def chat(
    with_agent: Annotated[
        str | None,
        typer.Option("--with", metavar="AGENT", help="A specialist, such as fact-extractor; default: the tech lead."),
    ] = None,
    of_run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Go on with this conversation.")] = None,
    skills: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A Python file with skills of your own, for skill-runner.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Where files that answers bring go, in a folder for each line.")] = Path(
        "out"
    ),
    person: Person = "",
    folders: Catalogue = None,
    run_dir: RunDir = None,
    no_cache: NoCache = False,
    as_json: Json = False,
) -> None:
    """Talk to the tech lead or a specialist: a line is a task, an answer an accepted result, all of it in a journal.

    The tech lead's clerk answers about missions from their journals, in a few forms (say: help), and proposes how
    something could be done (say: do: …). Agents that need a model cannot be talked to without one. Lines come from the
    terminal or a pipe. Exit codes: 0 it ended, 1 it failed, 2 wrong input or a piped line that was none, 3 a person
    must decide, 130 interrupted.
    """
    settings = load()
    if with_agent is not None and of_run is not None:
        raise SourceError("a conversation that goes on is with whom it was: give --with or --run, not both")
    if folders and of_run is not None:
        raise SourceError("a conversation that goes on has its agent with it: give --catalogue or --run, not both")
    among = told_of(folders)
    talk = (
        _gone_on(find_run(settings, of_run)) if of_run else _new(settings, with_agent or _LEAD, among, skills, run_dir)
    )
    talk.by, talk.is_json, talk.output = name_of(person), as_json, talk.output or output.absolute()
    raise typer.Exit(talk.carry_on(settings, is_cached=not no_cache))


def _new(settings: Settings, agent: str, among: Gathered, skills: Path | None, run_dir: Path | None) -> "_Talk":
    own = read_own(skills) if skills is not None else None
    whom = partner(agent, own, among)
    if whom.agent == CLERK:
        whom = replace(whom, settings={RUNS_SETTING: str(settings.runs.absolute())})
    return _Talk(whom, lambda: new_run(settings, NAME, run_dir), own=own)


def _gone_on(run: RunFolder) -> "_Talk":
    start = start_of(run)
    agent = is_chat(start)
    before, head = Conversation(), 0
    for entry in JournalReader(run.journal).entries():
        head = entry.sequence
        list(before.hear(entry))
    known = mission_of(start, 1)
    own = load_own(ArtifactStore(run.artifacts).get(known.skills), known.skills.path) if known.skills else None
    whom = gone_on(agent, own, before.plan.tasks[-1], known.definitions)
    return _Talk(whom, lambda: run, past=head, mission=known, output=Path(dict(known.settings)["output"]))


@dataclass(slots=True)
class _Talk:
    """A conversation while it is carried on. begin: gives its run. past: the last entry of an earlier life.

    output: where files go. said_at: where the last line stands in the journal.
    """

    whom: Partner
    begin: Callable[[], RunFolder]
    own: OwnSkills | None = None
    past: int = 0
    mission: Mission | None = None
    output: Path | None = None
    by: str = ""
    is_json: bool = False
    memory: Memory | None = None
    run: RunFolder = field(init=False)
    said_at: int = 0
    had_faults: bool = False
    is_asking: bool = False
    paths: tuple[Path, ...] = ()
    lines: Lines = field(default_factory=lambda: Lines(sys.stdin.fileno()))
    conversation: Conversation = field(default_factory=Conversation)

    def carry_on(self, settings: Settings, *, is_cached: bool) -> Exit:
        self.memory = project_memory(settings)
        self._greet()
        if self.mission is None and (first := self._first()) is not None:
            self.mission = first
        if self.mission is None:
            self._note("nothing was said, so nothing was begun")
            return self._exit(Exit.DONE)
        self.run = self.begin() if self.past else self.run
        try:
            launch = prepared(self.run, self.mission, settings, is_cached=is_cached)
            launch.on_entry, launch.at_end = self._hear, self._at_end
            end = launch.until_done()
        except KeyboardInterrupt:
            warn(f"interrupted; go on with: orchestra chat --run {shlex.quote(str(self.run.path))}", "yellow")
            return Exit.INTERRUPTED
        return self._left(end)

    def _greet(self) -> None:
        if self.lines.is_typed and not self.is_json:
            hint = "it answers for the tech lead: help; " if self.whom.agent == CLERK else ""
            say(
                f"@{self.whom.agent}, {self.whom.skill}; no model is asked. {hint}/help says what else can be said",
                "dim",
            )

    def _first(self) -> Mission | None:
        """Wait for the first line that is a task, and return the mission that it makes."""
        while not self.lines.is_over:
            self._ask()
            line = self.lines.take(_WAIT_S)
            task = None if line is None else self._understood(line)
            if task is not None:
                skills = self.own.stored(ArtifactStore(self.run.artifacts)) if self.own is not None else None
                return begun(task, self.output or Path("out"), self.by, skills, self.whom.definition)
        return None

    def _at_end(self, end: End) -> bool:
        """Take the next line, if one has come; return whether the conversation is to be left."""
        if not end.is_done:
            return True
        if end.sequence < self.said_at:
            return False  # the end of what was said before; the broker has the line, we have not heard it yet
        for answer in self.conversation.close(end.sequence):
            self._tell(answer)
        self._ask()
        line = self.lines.take()
        if line is None:
            return self.lines.is_over
        task = self._understood(line)
        if task is not None:
            self._say(task)
        return False

    def _say(self, task: PlannedTask) -> None:
        plan, now_ns = self.conversation.plan, time.time_ns()
        try:
            message = longer_plan(self.run.id, COORDINATOR, plan, task, person=self.by, now_ns=now_ns)
            [receipt] = say_in(self.run, [message])
        except (SourceError, Refused) as error:
            self._fault(error)
            return
        self.said_at = receipt.sequence

    def _ask(self) -> None:
        if self.lines.is_typed and not self.is_json and not self.is_asking:
            out.file.write("> ")
            out.file.flush()
        self.is_asking = True

    def _understood(self, line: str) -> PlannedTask | None:
        """Return the task that a line is; None where it is for us, or nothing."""
        self.is_asking = False
        try:
            if line.startswith("/"):
                self._command(line)
            elif line.strip():
                return self._task(line.strip())
        except (SourceError, DefinitionError) as error:
            self._fault(error)
        return None

    def _task(self, line: str) -> PlannedTask:
        number = len(self.conversation.plan.tasks) + 1
        self.whom.task(number, line)  # what cannot be sent begins no run
        if number == 1:
            self.run = self.begin()
        store = ArtifactStore(self.run.artifacts)
        files = tuple(take(path, Path.cwd(), store) for path in self.paths)
        self.whom, self.paths = replace(self.whom, files=(*self.whom.files, *files)), ()
        return recalled(with_proposal(self.whom.task(number, line), store), self.memory, store)

    def _command(self, line: str) -> None:
        name, *given = _words(line)
        match name:
            case "/help":
                self._note(_HELP)
            case "/skill" if not given:
                self._note(", ".join(f"{one} (now)" if one == self.whom.skill else one for one in self.whom.skills))
            case "/skill" if len(given) == 1:
                self.whom = self.whom.with_skill(given[0])
            case "/file" if given:
                self._add([Path(one) for one in given])
            case "/set" if given:
                for one in given:
                    self._set(*one.partition("="))
            case "/clear":
                self.whom, self.paths = replace(self.whom, files=(), settings={}), ()
            case _:
                raise SourceError(f"{line!r} is not understood; /help says what is")

    def _add(self, paths: list[Path]) -> None:
        missing = [str(path) for path in paths if not path.is_file()]
        if missing:
            raise SourceError(f"{', '.join(missing)}: no such file")
        self.paths += tuple(paths)

    def _set(self, name: str, equals: str, value: str) -> None:
        if not name or not equals or name in RESERVED:
            raise SourceError(f"{name + equals + value!r}: write NAME=VALUE; {' and '.join(RESERVED)} are taken")
        others = {key: one for key, one in self.whom.settings.items() if key != name}
        changed = replace(self.whom, settings={**others, name: value} if value else others)
        changed.task(1, "")  # a name that cannot be sent is found out now
        self.whom = changed

    def _hear(self, entry: Entry) -> None:
        for one in self.conversation.hear(entry):
            if isinstance(one, Answer):
                self._tell(one)
            elif entry.sequence <= self.past or not self.lines.is_typed:
                self._note(f"> {one.text}", "bold")

    def _tell(self, answer: Answer) -> None:
        """Show what came of a line; files that it brings are written where they were not before."""
        is_new = answer.sequence > self.past
        written: list[Path] = []
        if is_new and answer.artifacts and self.output is not None:
            store = ArtifactStore(self.run.artifacts)
            written = write_results(answer.artifacts, store, self.output / answer.task.id)
        if self.is_json:
            if answer.is_last:
                say_json({**_facts(self.run, answer, written), "new": is_new})
            return
        for text, style in _in_words(answer):
            say(text, style)
        for path in written:
            say(f"  {path}")

    def _note(self, text: str, style: str = "dim") -> None:
        if not self.is_json:
            say(text, style)

    def _fault(self, error: OrchestraError) -> None:
        self.had_faults = True
        warn(f"error: {error}", "red")

    def _left(self, end: End) -> Exit:
        if not end.is_done:
            warn(f"it was ended: {end.why}" if end.is_over else f"a person must decide: {end.why}", "yellow")
            if not end.is_over:
                warn(f"what is asked, and how to answer: orchestra inbox {self.run.path}")
            return Exit.FAILED if end.is_over else Exit.PERSON
        self._note(f"go on with: orchestra chat --run {shlex.quote(str(self.run.path))}")
        return self._exit(Exit.DONE)

    def _exit(self, code: Exit) -> Exit:
        return Exit.USAGE if self.had_faults and not self.lines.is_typed else code


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise SourceError(f"{line!r}: {error}") from error


def _in_words(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield lines for people, each with its style."""
    if answer.decision is Decision.PASS:
        yield f"{answer.task.agent}: {answer.text}", ""
        for value in answer.values:
            yield f"  {value.name} = {value.value}", ""
        yield f"  accepted, attempt {answer.attempt}: {answer.reason}", "green"
    elif answer.decision is None:
        yield f"  not done: {answer.reason}", "red"
    else:
        yield f"  {answer.decision.value}, attempt {answer.attempt}: {answer.reason}", "yellow"


def _facts(run: RunFolder, answer: Answer, written: list[Path]) -> dict[str, Any]:
    task = answer.task
    return {
        "run": str(run.path),
        "turn": task.id,
        "agent": task.agent,
        "skill": task.skill,
        "line": Line(task).text,
        "decision": answer.decision.value if answer.decision else "left-out",
        "reason": answer.reason,
        "answer": answer.text,
        "values": {value.name: value.value for value in answer.values},
        "artifacts": [{"path": file.path, "sha256": file.sha256} for file in answer.artifacts],
        "files": [str(path) for path in written],
        "attempt": answer.attempt,
        "sequence": answer.sequence,
    }
