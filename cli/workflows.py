"""`orchestra run FILE` and `orchestra workflow`: missions that people write, checked, drawn and carried out."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from agents.definitions.folders import gathered
from bus.artifacts import ArtifactStore
from cli.agents import Catalogue
from cli.exits import Exit
from cli.missions import SCENARIOS, Json, NoCache, Quiet, RunDir, carry_out
from cli.runs import new_run, project_memory
from cli.screen import say, say_json, table, warn
from cli.settings import load
from coordinators.graph import Graph, critical_path, graph_of
from coordinators.plan import tasks_of
from protocol.encoder import encode
from protocol.errors import DefinitionError
from scenarios.choice import explained
from scenarios.compile import plan_mission
from scenarios.drawing import as_svg, as_text, group_in_words
from scenarios.forecast import Step, assignments, forecast
from scenarios.mission import Mission, check_writable
from scenarios.proposal import as_yaml, propose
from scenarios.recall import with_recalled
from scenarios.source import Source, read_workflow
from scenarios.start import check_size

_COMMAND = "workflow"
File = Annotated[Path, typer.Argument(metavar="FILE", help="A workflow in YAML or JSON.")]
Given = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the workflow; repeatable.")
]
Files = Annotated[
    list[Path] | None,
    typer.Option(
        "--files", metavar="PATH", help="A file or folder that $files in the workflow stands for; repeatable."
    ),
]


class RunGroup(TyperGroup):
    """`orchestra run` takes the name of a scenario, or else a workflow's file."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_COMMAND, *args]
        return super().parse_args(ctx, args)


workflow_app = typer.Typer(no_args_is_help=True, help="Workflows that you write: check, show, plan; nothing is done.")


def run_workflow(
    files: Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="Workflows in YAML or JSON.")] = None,
    task: Annotated[
        str, typer.Option(help="A task in words instead of FILEs; files and folders behind it are what it is about.")
    ] = "",
    save: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Write the workflow made of --task here; do not run it.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Where the results go.")] = Path("out"),
    given: Given = None,
    with_files: Files = None,
    folders: Catalogue = None,
    parallel: Annotated[int, typer.Option(min=1, max=16, help="How many of several missions at once.")] = 2,
    run_dir: RunDir = None,
    no_cache: NoCache = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Carry out a workflow that you wrote, or several. `orchestra run FILE` is enough.

    Of several, each has its own run and its own folder below --output. Exit codes: 0 done, 1 failed, 2 wrong input,
    3 a person must decide, 130 interrupted; of several the worst.
    """
    if task:
        with_files, files = [*(with_files or []), *map(Path, files or [])], None  # as the shell spells --files *.md
    elif not files:
        raise typer.BadParameter("give a workflow's FILE, or --task", param_hint="FILE")
    if files and len(files) > 1:
        passed = _passed_on(given, with_files, folders, no_cache)
        raise typer.Exit(_run_all(files, output, parallel, passed, as_json))
    source = _proposed(task, with_files or [], folders, save) if task else _read((files or [""])[0], given, folders)
    with tempfile.TemporaryDirectory() as folder:  # what cannot be planned leaves no run behind
        planned = plan_mission(source, output, ArtifactStore(Path(folder)), with_files or ())
        check_size(planned)
    check_writable(output)
    _say_notes(planned)
    settings = load()
    run = new_run(settings, source.workflow.workflow.replace("/", "-"), run_dir)
    store = ArtifactStore(run.artifacts)
    mission = with_recalled(plan_mission(source, output, store, with_files or ()), project_memory(settings), store)
    carry_out(run, mission, output, is_cached=not no_cache, is_quiet=quiet, as_json=as_json)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DefinitionError(f"{path} cannot be written: {error.strerror}") from error
    say(f"  {path}")


def _say_notes(mission: Mission) -> None:
    for note in mission.notes:
        warn(f"note: {note}", "dim")


def _read(name: str, given: list[str] | None, folders: list[Path] | None) -> Source:
    _check_exists(name)
    return read_workflow(Path(name), _given(given), folders or ())


def _proposed(task: str, files: list[Path], folders: list[Path] | None, save: Path | None) -> Source:
    """Make a workflow of a task in words, show what it is and why, and return it where it can be carried out."""
    made = propose(task, files, gathered(catalogues=folders or ()).definitions)
    for line in explained(made.choice):
        warn(line)
    for name, doer in made.doers.items():
        warn(f"{name}: @{doer.agent} with {doer.skill} (it says: {', '.join(doer.why)})")
    if save is not None:
        _write(save, as_yaml(made.workflow))
        raise typer.Exit(Exit.DONE)
    if not made.missing and not files:  # all skills that ship work on files; without any they find nothing wrong
        raise DefinitionError('the task says nothing of what it is about; name the files behind it: --task "…" FILE…')
    if made.missing:
        warn("\n" + as_yaml(made.workflow))
        listed = "".join(f"\n  {one}" for one in made.missing)
        raise DefinitionError(f"the task cannot be carried out as it stands:{listed}\nbegin with: --save FILE")
    return Source(made.workflow, Path.cwd(), catalogues=tuple(folders or ()))


@workflow_app.command()
def check(file: File, given: Given = None, with_files: Files = None, folders: Catalogue = None) -> None:
    """Say whether a workflow could be carried out; every fault with its file, its line and what to do."""
    with _planned(_read(str(file), given, folders), with_files) as (mission, graph):
        count = len(list(tasks_of(mission.plan)))
        names = ", ".join(member.name for member in mission.specialists)
        way = " → ".join(critical_path(graph))
        say(f"good: {file}: {count} task{'s' * (count != 1)} by {names}; the longest way: {way}", "green")


@workflow_app.command()
def show(
    file: File,
    svg: Annotated[Path | None, typer.Option(metavar="PATH", help="Write the picture here instead.")] = None,
    given: Given = None,
    with_files: Files = None,
    folders: Catalogue = None,
) -> None:
    """Draw a workflow: as a tree of text, or as SVG."""
    with _planned(_read(str(file), given, folders), with_files) as (mission, graph):
        if svg is None:
            say(mission.scenario)
            for line in as_text(graph):
                say(line)
            return
        _write(svg, as_svg(graph, mission.scenario))


@workflow_app.command()
def plan(
    file: File,
    with_assignments: Annotated[
        bool, typer.Option("--assignments", help="Each assignment as it would be sent.")
    ] = False,
    given: Given = None,
    with_files: Files = None,
    folders: Catalogue = None,
    as_json: Json = False,
) -> None:
    """Tell what would be done, by whom, in which order and for how long, without doing it.

    Times come from `estimate` (1 s where there is none); tokens are those of the files that are known now.
    """
    with _planned(_read(str(file), given, folders), with_files) as (mission, graph):
        steps = forecast(graph)
        if with_assignments:
            for message in assignments(mission, graph):
                say(encode(message).decode())
        elif as_json:
            for step in steps:
                say_json(_facts(step))
        else:
            _tell(mission, graph, steps)


def _tell(mission: Mission, graph: Graph, steps: Sequence[Step]) -> None:
    columns = ["task", "agent", "skill", "begins s", "takes s", "slack s", "tokens", "critical"]
    rows = [[_facts(step)[key] for key in _SHOWN] for step in steps]
    table(f"{mission.scenario}: {len(steps)} planned", columns, rows)
    whole_s = max((step.timing.earliest_s + step.timing.duration_s for step in steps), default=0)
    known = sum(step.tokens or 0 for step in steps)
    say(f"the longest way, {whole_s} s with as many agents as there is work for: {' → '.join(critical_path(graph))}")
    say(f"about {known:,} tokens in the files that are known now; what tasks make for each other comes on top")


_SHOWN = ("task", "agent", "skill", "begins_s", "takes_s", "slack_s", "tokens", "critical")


def _facts(step: Step) -> dict[str, Any]:
    planned = step.planned
    is_group = planned.group is not None
    return {
        "task": step.name,
        "agent": "" if is_group else planned.agent,
        "skill": group_in_words(planned) if is_group else planned.skill,
        "begins_s": step.timing.earliest_s,
        "takes_s": step.timing.duration_s,
        "slack_s": step.timing.slack_s,
        "tokens": "" if step.tokens is None else step.tokens,
        "critical": "yes" if step.is_critical else "",
    }


@contextmanager
def _planned(
    source: Source, with_files: list[Path] | None, output: Path = Path("out")
) -> Iterator[tuple[Mission, Graph]]:
    """Plan a workflow in a store that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        mission = plan_mission(source, output, ArtifactStore(Path(folder)), with_files or ())
        check_size(mission)
        _say_notes(mission)
        yield mission, graph_of(mission.plan)


def _check_exists(name: str) -> None:
    path = Path(name)
    if path.is_file():
        return
    if path.is_dir():
        raise DefinitionError(f"{name} is a folder; name a workflow's file in it")
    if path.is_symlink():
        raise DefinitionError(f"{name} is a link that leads nowhere; name the workflow's file itself")
    raise DefinitionError(
        f"{name} is neither a workflow's file nor a scenario (scenarios: {', '.join(SCENARIOS)}); name another"
    )


def _given(given: list[str] | None) -> dict[str, str]:
    found = {}
    for one in given or []:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise DefinitionError(f"--set {one!r}: write NAME=VALUE")
        found[name] = value
    return found


def _passed_on(
    given: list[str] | None, with_files: list[Path] | None, folders: list[Path] | None, no_cache: bool
) -> list[str]:
    passed = [part for one in given or [] for part in ("--set", one)]
    passed += [part for path in with_files or [] for part in ("--files", str(path))]
    passed += [part for path in folders or [] for part in ("--catalogue", str(path))]
    return passed + (["--no-cache"] if no_cache else [])


def _run_all(files: Sequence[str], output: Path, parallel: int, passed: Sequence[str], as_json: bool) -> int:
    """Carry out several missions, so many at once, each as a command of its own; return the worst exit code."""
    for name in files:
        _check_exists(name)
        read_workflow(Path(name), {})
    worst = 0
    with ThreadPoolExecutor(parallel) as pool:
        begun = {
            pool.submit(_run_one, name, output / _folder(number, files), passed): name
            for number, name in enumerate(files)
        }
        for number, ended in enumerate(as_completed(begun), 1):
            code, said, complained = ended.result()
            worst = max(worst, code)
            if as_json:
                is_told = said.strip().startswith("{")
                say_json(json.loads(said) if is_told else {"file": begun[ended], "error": complained})
            else:
                _tell_one(f"[{number}/{len(files)}] {begun[ended]}", code, said, complained)
    return worst


def _run_one(name: str, output: Path, passed: Sequence[str]) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "cli.main", "run", _COMMAND, name, "--output", str(output), "--json", *passed]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout, ended.stderr.strip()


def _tell_one(name: str, code: int, said: str, complained: str) -> None:
    if code in (Exit.DONE, Exit.PERSON) and said.strip():
        facts = json.loads(said)
        how = "done" if code == Exit.DONE else f"a person must decide: {facts['decide']}"
        say(f"{name}: {how} ({facts['run']})", "green" if code == Exit.DONE else "yellow")
        return
    warn(f"{name}: {complained or 'failed'}", "red")


def _folder(number: int, names: Sequence[str]) -> str:
    """Return the folder of one of several missions: its file's name, numbered where two are called alike."""
    stem = Path(names[number]).stem
    alike = [place for place, other in enumerate(names) if Path(other).stem == stem]
    return stem if len(alike) == 1 else f"{stem}-{alike.index(number) + 1}"
