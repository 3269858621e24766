"""The `orchestra` command: thin. It finds the run, calls the layer that does the thing, and shows what came."""

import sys
from collections.abc import Sequence
from importlib.metadata import version
from inspect import cleandoc

import typer

from cli.agents import agents_app
from cli.auditing import audit_app, show_costs
from cli.battery_watch import run_battery_watch
from cli.cache import cache_app
from cli.chat import chat
from cli.device import device_app
from cli.doctor import doctor
from cli.exits import Exit
from cli.history import history, show
from cli.keys import keys_app
from cli.memory import memory_app
from cli.missions import fork, resume, run_battery_design, run_spec_facts
from cli.people import answer, approve, cancel, inbox, reject
from cli.recovery import recovery
from cli.replaying import record, record_test, replay
from cli.report import report
from cli.screen import log_to_screen, warn
from cli.validation import schema, template, validate
from cli.verifying import export, prune, stamp_run, verify_run
from cli.watching import observe, status
from cli.workflows import RunGroup, run_workflow, workflow_app
from protocol.errors import DefinitionError, KeyFault, OrchestraError, SourceError

run_app = typer.Typer(cls=RunGroup, no_args_is_help=True, help="Start a mission: a scenario, or a workflow's FILE.")
run_app.command("spec-facts")(run_spec_facts)
run_app.command("battery-design")(run_battery_design)
run_app.command("battery-watch")(run_battery_watch)
run_app.command("workflow")(run_workflow)
app = typer.Typer(
    name="orchestra",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Agents as processes, every message valid XML in one journal, every result judged before anyone builds on it.",
)
app.add_typer(run_app, name="run")
app.add_typer(workflow_app, name="workflow")
app.add_typer(agents_app, name="agents")
app.command()(chat)
app.command()(resume)
app.command()(fork)
app.command()(replay)
app.command()(record)
app.command("record-test")(record_test)
app.command()(inbox)
app.command()(answer)
app.command()(approve)
app.command()(reject)
app.command()(cancel)
app.command()(history)
app.command()(show)
app.command()(recovery)
app.command()(report)
app.command()(observe)
app.command()(status)
audit_app.command("verify")(verify_run)
audit_app.command()(export)
audit_app.command()(prune)
audit_app.command("stamp")(stamp_run)
app.add_typer(audit_app, name="audit")
app.add_typer(keys_app, name="keys")
app.add_typer(cache_app, name="cache")
app.add_typer(memory_app, name="memory")
app.add_typer(device_app, name="device")
app.command("costs")(show_costs)
app.command()(validate)
app.command()(template)
app.command()(schema)
app.command()(doctor)


def _in_paragraphs(text: str) -> str:
    """Return a docstring with each paragraph on one line: the terminal breaks lines, not the source."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in cleandoc(text).split("\n\n"))


for _group in (app, run_app, workflow_app, agents_app, audit_app, keys_app, cache_app, memory_app, device_app):
    for _command in _group.registered_commands:
        _command.help = _in_paragraphs(getattr(_command.callback, "__doc__", None) or "")


@app.callback(invoke_without_command=True)
def _options(
    show_version: bool = typer.Option(False, "--version", help="Print the version and exit."),
    debug: bool = typer.Option(False, "--debug", help="Show tracebacks instead of one sentence."),
) -> None:
    if show_version:
        sys.stdout.write(version("agent-orchestra") + "\n")
        raise typer.Exit(Exit.DONE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every error is one sentence and an exit code, tracebacks only with --debug."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    log_to_screen()
    try:
        app(given, prog_name="orchestra")
    except (SourceError, DefinitionError, KeyFault) as error:
        sys.exit(_say(error, debug, Exit.USAGE))
    except OrchestraError as error:
        sys.exit(_say(error, debug, Exit.FAILED))
    except KeyboardInterrupt:
        sys.exit(Exit.INTERRUPTED)


def _say(error: OrchestraError, debug: bool, code: Exit) -> Exit:
    if debug:
        raise error
    warn(f"error: {error}", "red")
    return code


if __name__ == "__main__":
    main()
