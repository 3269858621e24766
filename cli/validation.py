"""`orchestra validate`, `template` and `schema`: the protocol at hand, without a run."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from agents.templates import template_for
from cli.agents import Catalogue, one_of, told_of
from cli.exits import Exit
from cli.screen import say
from observers.summary import printable
from protocol.decoder import decode
from protocol.errors import TooLarge, WireError
from protocol.messages import MessageType
from protocol.schema import documentation, schema_bytes, schema_digest
from protocol.template import template as template_text
from protocol.xml import MAX_DOCUMENT_BYTES
from scenarios.workflow import schema as workflow_schema

_UNREADABLE = "unreadable"


def validate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Documents to judge; any number.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Judge files as messages: `FILE: valid` or `FILE:LINE:COL: reason`, one line each.

    Exit codes: 0 all valid, 1 some invalid, 2 some unreadable. No other file and no network is touched.
    With --json: file, valid, code (null, too-large, malformed, invalid, unreadable), line, column, reason.
    Line and column count from 1; both are null where there is no place: in a valid or unreadable file.
    """
    worst = Exit.DONE
    for path in files:
        row = _judge(path)
        worst = max(worst, Exit.USAGE if row["code"] == _UNREADABLE else Exit.DONE if row["valid"] else Exit.FAILED)
        _write(json.dumps(row, ensure_ascii=True) if as_json else _line(row))
    raise typer.Exit(worst)


def _judge(path: Path) -> dict[str, Any]:
    row: dict[str, Any] = {
        "file": str(path),
        "valid": False,
        "code": None,
        "line": None,
        "column": None,
        "reason": None,
    }
    try:
        decode(_read(path))
    except OSError as error:
        return {**row, "code": _UNREADABLE, "reason": f"cannot be read: {error.strerror or error}"}
    except WireError as error:
        return {**row, "code": error.code, "line": error.line, "column": error.column, "reason": error.reason}
    return {**row, "valid": True}


def _read(path: Path) -> bytes:
    """Return a file's bytes, no more of them than it takes to see that it is too large."""
    if not path.is_file():
        # A pipe or a device may never end, so neither is opened.
        what = "a directory" if path.is_dir() else "not a regular file" if path.exists() else "no such file"
        raise OSError(None, what)
    with path.open("rb") as file:
        raw = file.read(MAX_DOCUMENT_BYTES + 1)
    if len(raw) > MAX_DOCUMENT_BYTES:
        size = path.stat().st_size
        raise TooLarge(f"{size:,} bytes, the limit for a message is {MAX_DOCUMENT_BYTES:,}", line=1, column=1)
    return raw


def _write(line: str) -> None:
    """Print a line in the terminal's encoding, with what that lacks shown by its code point."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")


def _line(row: dict[str, Any]) -> str:
    name = printable(row["file"])
    if row["valid"]:
        return f"{name}: valid"
    place = "" if row["code"] == _UNREADABLE else f"{row['line']}:{row['column']}:"
    return printable(f"{name}:{place} {row['reason']}")


def template(
    kind: Annotated[MessageType, typer.Argument(metavar="TYPE", help="A message type, such as task-completion.")],
    agent: Annotated[
        str | None, typer.Option(metavar="NAME", help="As this agent would send it, or else as it would get it.")
    ] = None,
    folders: Catalogue = None,
) -> None:
    """Print a complete message of a type, valid as it is, with a comment on what each element takes."""
    if agent is None:
        sys.stdout.write(template_text(kind))
        return
    found = told_of(folders)
    sys.stdout.write(template_for(kind, one_of(found, agent).name, found.definitions))


def schema(
    of: Annotated[str, typer.Argument(metavar="[messages|workflow]", help="Of what.")] = "messages",
    xsd: Annotated[bool, typer.Option("--xsd", help="The schema itself, one XSD 1.0 document.")] = False,
) -> None:
    """Say what the message types are, or print the schema; `workflow`: the JSON Schema of a workflow's file."""
    if of == "workflow":
        sys.stdout.write(json.dumps(workflow_schema(), indent=2, ensure_ascii=False) + "\n")
        return
    if of != "messages":
        raise typer.BadParameter(f"{of!r} is not one of messages, workflow", param_hint="[messages|workflow]")
    if xsd:
        sys.stdout.buffer.write(schema_bytes())
        return
    words = documentation()
    for kind in MessageType:
        say(f"{kind.value:16} {words.get(kind.value) or words['report']}")
    say(f"\nschema {schema_digest()}; print it with --xsd")
