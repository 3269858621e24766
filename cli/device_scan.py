"""`orchestra device scan`: which battery is on which port, and how to go on with it."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from shlex import quote
from typing import Annotated, Any, Final
from urllib.parse import parse_qs, urlsplit

import typer

from agents.device.links.opening import Place, SerialPlace, place_of
from agents.device.links.ports import serial_ports, users_of
from agents.device.protocols.catalogue import LINES
from agents.device.scanning import WRITING, Found, Probe, Scan, probes
from agents.device.status import Status
from cli.exits import Exit
from cli.missions import Json
from cli.screen import say, say_json, table, warn
from protocol.errors import LinkError

_HINT: Final = (
    "Nothing was found. Is the battery awake (a charger or its button wakes it), A wired to A and B to B, TX to RX, and"
    " no other master on the line? JK by RS485 is left out: --also jk-55aa."
)


def scan(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="URL…", help="Only these; otherwise every serial adapter.")
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="P", help=f"Try this one too, which is asked by a write: {', '.join(WRITING)}."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find out what is on the serial ports: which protocol, baud rate and address, and the command to go on with.

    It listens first, for devices that talk by themselves, and then asks, one protocol after the other, the most used
    first; only questions that read, with a pause before each. A port takes up to half a minute; it is left at the first
    good answer. A port that another program uses is named and not touched. Opening the port of an Arduino resets it.

    JK's RS485 protocol (jk-55aa) is asked by writing to a register, which other devices may obey: it is left out unless
    --also jk-55aa. An address with ?baud=N is tried at that rate alone; tcp:// at the one that the server has.

    Exit codes: 0 something was found, 1 nothing was, 2 wrong input.
    """
    lines = [_line(url, also or ()) for url in (paths or serial_ports())]
    if not lines:
        raise LinkError("no serial adapter is plugged in; name an address such as tcp://HOST:PORT to look there")
    results = [_scanned(line) for line in lines]
    if as_json:
        for row in (row for result in results for row in _rows(result)):
            say_json(row)
    else:
        _show(results)
    if not any(result.found for result in results):
        raise typer.Exit(Exit.FAILED)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line to look at. baud: where its address names one."""

    url: str
    place: Place
    baud: int | None
    probes: Sequence[Probe]


@dataclass(frozen=True, slots=True)
class _Result:
    """What came of a line. reason: why nothing was found there."""

    line: _Line
    found: Sequence[Found]
    reason: str = ""


def _line(url: str, also: Sequence[str]) -> _Line:
    """Raises SourceError when it is no address of a line, or there is nothing more to be tried of that name."""
    place = place_of(url)
    baud = place.baud if isinstance(place, SerialPlace) and "baud" in parse_qs(urlsplit(url).query) else None
    return _Line(url, place, baud, probes(place, baud, also))


def _scanned(line: _Line) -> _Result:
    users = users_of(line.place.path) if isinstance(line.place, SerialPlace) else []
    if users:
        return _left(line, f"not touched: {', '.join(users)} uses it")
    warn(f"{line.url}: opening it; an Arduino is reset by that")
    try:
        with closing(line.place.open()) as link:
            found = Scan(link, lambda probe, came: warn(f"{line.url}: {_tried(probe)}: {came}")).run(line.probes)
    except LinkError as error:
        return _left(line, str(error))
    return _Result(line, found, "" if found else "nothing that is known answered")


def _left(line: _Line, reason: str) -> _Result:
    warn(f"{line.url}: {reason}", "yellow")
    return _Result(line, (), reason)


def _tried(probe: Probe) -> str:
    where = "" if probe.address is None else f" at address {probe.address}"
    rate = "" if probe.baud is None else f"{probe.baud} baud, "
    return f"{rate}{probe.protocol}{where}{'' if probe.is_asked else ', listening'}"


def _rows(result: _Result) -> list[dict[str, Any]]:
    rows = [_row(result, found.probe, pack) for found in result.found for pack in found.status.packs or (found.status,)]
    return rows or [{"port": result.line.url, "protocol": None, "reason": result.reason}]


def _row(result: _Result, probe: Probe, status: Status) -> dict[str, Any]:
    return {
        "port": result.line.url,
        "protocol": probe.protocol,
        "baud": probe.baud,
        "address": probe.address if status.address is None else status.address,
        "model": status.model,
        "cells": _cells(status),
        "volts": None if status.pack_voltage_v is None else round(status.pack_voltage_v, 3),
        "command": _command(result.line, result.found),
        "reason": None,
    }


def _cells(status: Status) -> int | None:
    return status.cell_count or len(status.cells) or None


def _command(line: _Line, found: Sequence[Found]) -> str:
    """Return how all that was found on a line is looked at."""
    probe = found[0].probe
    rate = "" if probe.baud in (None, line.baud, LINES[probe.protocol].baud) else f"?baud={probe.baud}"
    addresses = "".join(f" --address {one.probe.address}" for one in found if one.probe.address is not None)
    # A shell would look for files that fit the question mark.
    return f"orchestra device monitor {quote(line.url + rate)} --protocol {probe.protocol}{addresses}"


def _show(results: Sequence[_Result]) -> None:
    rows = [row for result in results for row in _rows(result) if row["protocol"]]
    if rows:
        columns = ["port", "protocol", "baud", "address", "model", "cells", "volts"]
        table(f"{len(rows)} found", columns, [[_shown(row[column]) for column in columns] for row in rows])
    for result in results:
        if result.reason:
            say(f"{result.line.url}: {result.reason}")
    if not rows:
        say(_HINT)
        return
    say("Go on with:")
    for command in _commands(rows):
        say(f"  {command}")


def _commands(rows: Iterable[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(str(row["command"]) for row in rows))


def _shown(value: object) -> str:
    return "-" if value is None else str(value)
