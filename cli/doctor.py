"""`orchestra doctor`: what is installed, what is missing for what, and how to get it."""

import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer
import xmlschema
import zmq

from agents.memory import Memory
from cli.exits import Exit
from cli.screen import say, say_json
from gates.sketches import missing_here
from protocol.decoder import decode
from protocol.encoder import encode
from protocol.errors import SourceError
from protocol.examples import example
from protocol.messages import MessageType
from protocol.schema import schema_bytes

_NEEDED = (
    "pyzmq",
    "lxml",
    "xmlschema",
    "pydantic",
    "structlog",
    "typer",
    "rich",
    "cryptography",
    "zstandard",
    "pypdf",
    "pint",
)
_EXTRAS = {  # by package: its extra, and what for
    "anthropic": ("anthropic", "models"),
    "google-genai": ("google", "models"),
    "pymodbus": ("modbus", "emulated Modbus devices"),
    "aiobmsble": ("ble", "batteries by Bluetooth"),
    "matplotlib": ("plot", "pictures of batteries"),
}
_FREE_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. is_needed: without it missions do not run."""

    name: str
    is_there: bool
    found: str
    fix: str = ""
    is_needed: bool = True


def doctor(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """Say what this machine has, what is missing for what, and how to get it. Exit code 1 where it cannot run."""
    checks = [
        _python(),
        *map(_package, _NEEDED),
        _schema(),
        _ipc(),
        _disk(),
        _words(),
        *(_extra(package, *about) for package, about in _EXTRAS.items()),
        _sketches(),
    ]
    for check in checks:
        if as_json:
            say_json(asdict(check))
        else:
            mark, style = ("✓", "green") if check.is_there else ("✗", "red") if check.is_needed else ("–", "yellow")
            say(
                f"{mark} {check.name}: {check.found}" + (f"; {check.fix}" if check.fix and not check.is_there else ""),
                style,
            )
    raise typer.Exit(Exit.DONE if all(c.is_there for c in checks if c.is_needed) else Exit.FAILED)


def _python() -> Check:
    return Check("Python", sys.version_info >= (3, 11), platform.python_version(), "install Python 3.11 or newer")


def _package(name: str) -> Check:
    try:
        return Check(name, True, version(name))
    except PackageNotFoundError:
        return Check(name, False, "missing", "pip install agent-orchestra")


def _extra(package: str, extra: str, purpose: str) -> Check:
    """SDKs are needed only by agents whose definition names a model; the missions shipped run without."""
    name = f"{package} (for {purpose})"
    try:
        return Check(name, True, version(package), is_needed=False)
    except PackageNotFoundError:
        fix = f"only for {purpose}: pip install 'agent-orchestra[{extra}]'"
        return Check(name, False, "not installed", fix, is_needed=False)


def _sketches() -> Check:
    """Without a compiler the sketch of a battery monitor is handed over with "not checked" beside it."""
    missing, fix = missing_here(), "only for battery-design: apt install gcc-avr avr-libc arduino-core-avr"
    name = "avr-g++ and Arduino's core (for sketches)"
    return Check(name, not missing, f"{missing} is not here" if missing else "there", fix, is_needed=False)


def _schema() -> Check:
    """Two independent validators have to accept an example of every message type, or nothing here can be trusted."""
    second = xmlschema.XMLSchema10(schema_bytes())
    documents = [encode(example(kind)) for kind in MessageType]
    agreed = len([raw for raw in documents if decode(raw).id and second.is_valid(raw.decode())])
    found = f"{agreed} of {len(documents)} message types valid to lxml and to xmlschema"
    return Check("protocol", agreed == len(documents), found, "reinstall lxml and xmlschema")


def _ipc() -> Check:
    has_ipc = bool(zmq.has("ipc"))
    return Check("ZeroMQ over Unix sockets", has_ipc, f"libzmq {zmq.zmq_version()}", "use Linux or macOS")


def _words() -> Check:
    """Without it missions run and remember nothing."""
    name, found = "SQLite with FTS5 (for the memory)", f"SQLite {sqlite3.sqlite_version}"
    try:
        Memory(Path(), "").check()
    except SourceError:
        return Check(name, False, f"{found} without FTS5", "take a Python that has it", is_needed=False)
    return Check(name, True, found, is_needed=False)


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free
    private = os.access(tempfile.gettempdir(), os.W_OK)
    found = f"{free / 1e9:.1f} GB free" + ("" if private else ", no writable temporary folder")
    return Check("disk", free > _FREE_BYTES and private, found, "free at least 1 GB: a full disk stops a mission")
