"""`orchestra run`, `resume` and `fork`: missions from beginning to end."""

import signal
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

import typer

from bus.artifacts import ArtifactStore
from bus.journal import JournalReader
from bus.run import RunFolder
from cli.exits import Exit
from cli.progress import ProgressView
from cli.runs import all_runs, find_run, kept_results, listening, new_run, project_memory
from cli.screen import say, say_json, warn
from cli.settings import Settings, load
from coordinators.plan import check, tasks_of
from coordinators.refold import refold
from coordinators.tech_lead import TechLead
from protocol.bodies import Control, File, Verb
from protocol.decoder import decode
from protocol.errors import DefinitionError, OrchestraError, SourceError
from protocol.topics import TECH_LEAD
from scenarios.battery_design import plan as battery_design
from scenarios.battery_watch import plan as battery_watch
from scenarios.fork import branch
from scenarios.fork import fork as make_fork
from scenarios.launch import End, Launch
from scenarios.mission import Mission, check_writable, mission_of, write_results
from scenarios.person import tell
from scenarios.rates import MEMORY, with_rates
from scenarios.revision import acceptance, revision
from scenarios.spec_facts import plan as spec_facts
from scenarios.start import check_size

SCENARIOS: Final = (spec_facts.NAME, battery_design.NAME, battery_watch.NAME)
_LISTED: Final = 20

Specs = Annotated[Path, typer.Option(help="The folder with the documents: PDF, Markdown, text, CSV.")]
Output = Annotated[Path, typer.Option(help="Where FACTS.md and facts.json go.")]
RunDir = Annotated[Path | None, typer.Option(help="The run's folder; default: runs/<mission id>.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the result.")]
Json = Annotated[bool, typer.Option("--json", help="The result as one JSON object on standard output.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Do all work again: use no kept result and keep none.")]
Instances = Annotated[int | None, typer.Option(min=1, max=64, help="Processes that read documents.")]
SkipUnreadable = Annotated[bool, typer.Option(help="Leave out documents that cannot be read.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, its id, or `last`.")]


def run_spec_facts(
    specs: Specs,
    output: Output = Path("out"),
    run_dir: RunDir = None,
    instances: Instances = None,
    skip_unreadable: SkipUnreadable = False,
    no_cache: NoCache = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Turn a folder of specification documents into a checked list of facts and contradictions.

    Every fact has its document, place and verbatim quote, and passed the gatekeeper. Exit codes: 0 done,
    1 failed, 2 wrong input, 3 a person must decide, 130 interrupted.
    """
    planned = partial(
        spec_facts.plan_mission,
        specs,
        output,
        skips_unreadable=skip_unreadable,
        instances=instances or load().instances,
    )
    run, mission = _planned(spec_facts.NAME, specs, output, run_dir, planned)
    carry_out(run, mission, output, is_cached=not no_cache, is_quiet=quiet, as_json=as_json)


def run_battery_design(
    specs: Specs,
    output: Annotated[Path, typer.Option(help="Where the design goes.")] = Path("out"),
    pack: Annotated[
        Path | None, typer.Option(help="The pack, in YAML; default: 16 cells EVE 280 Ah LiFePO4, 280 A, 200 USD.")
    ] = None,
    parts: Annotated[Path | None, typer.Option(help="Parts and prices, in CSV; default: the list that ships.")] = None,
    run_dir: RunDir = None,
    instances: Instances = None,
    skip_unreadable: SkipUnreadable = False,
    no_cache: NoCache = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Design a monitor for a battery from a folder of specification documents.

    Safety requirements, each traced to words in a document, the pack or the practice; a design with error budgets,
    drawings and wiring; bill of materials; a sketch for the Arduino Mega; test plan; and a verification by another
    specialist than the designer. The keys of the pack: docs/battery-design.md. Exit codes: 0 done, 1 failed, 2 wrong
    input, 3 a person must decide (such as a pack that a documented device cannot take), 130 interrupted.
    """
    planned = partial(
        battery_design.plan_mission,
        specs,
        output,
        pack=pack,
        parts=parts,
        skips_unreadable=skip_unreadable,
        instances=instances or load().instances,
    )
    run, mission = _planned(battery_design.NAME, specs, output, run_dir, planned)
    carry_out(run, mission, output, is_cached=not no_cache, is_quiet=quiet, as_json=as_json)


def _planned(
    scenario: str, specs: Path, output: Path, run_dir: Path | None, plan: Callable[[ArtifactStore], Mission]
) -> tuple[RunFolder, Mission]:
    """Make a run's folder and plan its mission; what is wrong with the input is said before anything starts."""
    if not specs.is_dir():
        raise typer.BadParameter(f"{specs} is not a folder", param_hint="--specs")
    try:
        with tempfile.TemporaryDirectory() as folder:  # what cannot be planned leaves no run behind
            planned = plan(ArtifactStore(Path(folder)))
            check(planned.plan)
            check_size(planned)
        check_writable(output)
        run = new_run(load(), scenario, run_dir)
        mission = plan(ArtifactStore(run.artifacts))
    except OrchestraError as error:
        warn(f"error: {error}", "red")
        raise typer.Exit(Exit.USAGE) from error
    return run, mission


def resume(
    name: RunName = "last",
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on with the workflow as its file says now.")
    ] = False,
    as_recorded: Annotated[
        bool, typer.Option("--as-recorded", help="Go on as it began, whatever the file says now.")
    ] = False,
    no_cache: NoCache = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Go on with a run that was interrupted or whose machine went down; finished work is not done again.

    Where the workflow's file, its inputs or its skills were edited meanwhile, you have to say which is meant. With
    --accept-changes what is unchanged, and builds on nothing that is not, keeps its results.
    """
    if accept_changes and as_recorded:
        raise typer.BadParameter("only one of --accept-changes and --as-recorded", param_hint="--as-recorded")
    run = find_run(load(), name)
    if not as_recorded:
        _consider_changes(run, accept_changes)
    _go_on(run, is_cached=not no_cache, is_quiet=quiet, as_json=as_json)


def _consider_changes(run: RunFolder, accept: bool) -> None:
    start = start_of(run)
    try:
        found = revision(run, start, Path(dict(mission_of(start, 1).settings)["output"]))
    except DefinitionError as error:
        raise DefinitionError(f"{error}\nto go on as it began: orchestra resume {run.path} --as-recorded") from error
    if found is None:
        return
    listed = "; ".join(found.differences[:8])
    more = f"; and {len(found.differences) - 8} more" if len(found.differences) > 8 else ""
    if not accept:
        raise SourceError(
            f"{found.path} says something else than when {run.id} began: {listed}{more}. Go on with the changes: "
            "--accept-changes; go on as it began: --as-recorded"
        )
    lead = refold(TechLead(), TECH_LEAD, JournalReader(run.journal).entries()).state
    if lead.is_over:
        raise SourceError(
            f"{run.id} was given up or ended by a person; go another way from before that: "
            f"orchestra fork {run.path} --at SEQ, or run {found.path} anew"
        )
    settings = load()
    message = acceptance(run.id, found, time.time_ns())
    tell(run, message, anchors=settings.anchors, authority=settings.authority)
    warn(f"changes accepted: {listed}{more}", "yellow")


def fork(
    name: RunName,
    at: Annotated[int, typer.Option(min=1, metavar="SEQ", help="The last entry of the past that both share.")],
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="TASK.NAME=VALUE", help="A setting, or TASK.input=FILE.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Where the results go.")] = Path("out"),
    run_dir: RunDir = None,
    no_cache: NoCache = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Start a new run from any moment of another one, with changes or without, and carry it out.

    What was accepted by then is not done again, except the changed tasks and what builds on them. Sequences:
    `orchestra audit show`; where the tasks stood: `orchestra show RUN --at SEQ`.
    """
    settings = load()
    parent = find_run(settings, name)
    start = start_of(parent)
    check_writable(output)
    begun = branch(parent, at, coordinator_of(start), changes or [])
    child = new_run(settings, f"{start.subject}-fork", run_dir)
    make_fork(begun, child, output)
    _go_on(child, is_cached=not no_cache, is_quiet=quiet, as_json=as_json)


def _go_on(run: RunFolder, *, is_cached: bool, is_quiet: bool, as_json: bool) -> None:
    mission = mission_of(start_of(run), load().instances)
    output = Path(dict(mission.settings)["output"])
    carry_out(run, mission, output, is_cached=is_cached, is_quiet=is_quiet, as_json=as_json)


def coordinator_of(start: Control) -> str:
    """Return who carries the mission's plan out."""
    return next(setting.value for setting in start.settings if setting.name == "coordinator")


def start_of(run: RunFolder) -> Control:
    """Return the message that started a run's mission, with what was changed since by a fork or by a person.

    Raises:
        SourceError: the run stopped before.
    """
    start: Control | None = None
    for entry in JournalReader(run.journal).entries():
        body = decode(entry.document).body if entry.topic.endswith("/control") else None
        if isinstance(body, Control) and body.verb is Verb.START and start is None:
            start = body
        elif isinstance(body, Control) and start is not None and (body.verb is Verb.FORK or _is_other_plan(body)):
            told = {setting.name: setting for setting in (*start.settings, *body.settings)}
            plan = body.plan if _is_other_plan(body) else start.plan
            start = start.model_copy(update={"settings": tuple(told.values()), "plan": plan})
    if start is None:
        raise SourceError(f"{run.path} stopped before its mission began; start it again in another --run-dir")
    return start


def _is_other_plan(body: Control) -> bool:
    return body.verb is Verb.SET and body.plan is not None


def carry_out(
    run: RunFolder, mission: Mission, output: Path, *, is_cached: bool, is_quiet: bool, as_json: bool
) -> None:
    """Run a mission to its end, write what it brought, and leave with the code that says how it went."""
    resumed_ns = time.time_ns() if any(run.journal.glob("*.mcap")) else 0
    total = len(list(tasks_of(mission.plan)))
    with ProgressView(total, is_quiet=is_quiet or as_json, resumed_ns=resumed_ns) as view:
        try:
            settings = load()
            if not resumed_ns:  # a start is said once: what was told then is told for good
                mission = with_rates(mission, all_runs(settings), settings.runs / MEMORY, warn)
            launch = prepared(run, mission, settings, is_cached=is_cached)
            launch.on_entry, launch.on_death = view.entry, view.death
            end = launch.until_done()
        except KeyboardInterrupt:
            warn(f"interrupted; go on with: orchestra resume {run.path}", "yellow")
            raise typer.Exit(Exit.INTERRUPTED) from None
    written = write_results(_artifacts(end), ArtifactStore(run.artifacts), output) if end.is_done else []
    if as_json:
        say_json(_facts(run, end, written))
    else:
        _tell(run, end, written)
    raise typer.Exit(Exit.DONE if end.is_done else Exit.FAILED if end.is_over else Exit.PERSON)


def prepared(run: RunFolder, mission: Mission, settings: Settings, *, is_cached: bool) -> Launch:
    """Return a mission ready to be carried out as the settings say; from now on SIGTERM and SIGHUP are as Ctrl-C.

    Raises:
        KeyFault, BusError: it cannot be reached from elsewhere as the settings want it.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # stopped in order, and sealed
    return Launch(
        run,
        mission,
        listen=listening(settings),
        anchors=settings.anchors,
        authority=settings.authority,
        results=kept_results(settings) if is_cached else None,
        memory=project_memory(settings),
    )


def _summary(artifacts: tuple[File, ...]) -> list[str]:
    """Return the summary of what one task made; of what several made the first would not tell of the others."""
    makers = {PurePosixPath(file.path).parent for file in artifacts}
    return [file.summary for file in artifacts[:1] if len(makers) == 1 and file.summary]


def _artifacts(end: End) -> tuple[File, ...]:
    return end.report.result.artifacts if end.report.result else ()


def _facts(run: RunFolder, end: End, written: list[Path]) -> dict[str, object]:
    return {
        "run": str(run.path),
        "done": end.is_done,
        "files": [str(path) for path in written],
        "decide": None if end.is_over else end.why,
    }


def _tell(run: RunFolder, end: End, written: list[Path]) -> None:
    if end.is_done:
        say(": ".join(["done", *_summary(_artifacts(end))]), "green")
        for path in written[:_LISTED]:
            say(f"  {path}")
        if len(written) > _LISTED:
            say(f"  and {len(written) - _LISTED:,} more files")
        say(f"who said what and why it was accepted: orchestra audit show {run.path}")
        return
    error = end.report.error_details
    if end.is_over:
        warn(f"it was ended: {end.why}", "red")
        return
    warn("a person must decide:", "bold yellow")
    warn(f"  {end.why}")
    if error and error.attempted_recovery:
        warn(f"  tried so far: {error.attempted_recovery}")
    if error:
        warn(f"what led to it: orchestra audit show {run.path} --type escalation")
    warn(f"what is asked, and how to answer: orchestra inbox {run.path}")
