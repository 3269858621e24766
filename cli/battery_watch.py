"""`orchestra run battery-watch`: a battery is observed, what is observed is assessed, and what is alarming goes up."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from agents.device.alarms.rules import parse_rules
from agents.device.watching.settings import LARGEST_AH, DeviceSettings, sources_of
from agents.document import text_of
from cli.device_lines import Addresses, Inverted, OwnMap, Period, addresses_of
from cli.device_view import NOT_A_PROTECTION
from cli.missions import Json, NoCache, Quiet, RunDir, carry_out
from cli.runs import new_run
from cli.screen import warn
from cli.settings import load
from coordinators.plan import check
from protocol.errors import SourceError
from scenarios.battery_watch import plan as battery_watch
from scenarios.mission import check_writable
from scenarios.start import check_size

_LENGTH: Final = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(s|m|h|d)?")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, None: 1}
_DEFAULT_S: Final = 3600.0


Devices = Annotated[
    list[str],
    typer.Option(
        "--device",
        metavar="URL",
        help="[NAME=][PROTOCOL@]URL[,URL…]: a port, tcp://HOST:PORT, emulated:jbd or recording:FILE; after a comma "
        "another monitor of the same pack. Repeatable: each device has an agent of its own.",
    ),
]
Protocol = Annotated[
    str, typer.Option(metavar="P", help="What those speak that do not say; see: orchestra device info.")
]
Output = Annotated[Path, typer.Option(help="Where WATCH.md, the readings and the raw bytes go.")]
Length = Annotated[
    str | None, typer.Option("--for", metavar="TIME", help="How long, such as 90s, 10m, 8h, 7d; default: 1h.")
]
Window = Annotated[
    str | None, typer.Option(metavar="TIME", help="What is assessed at a time; default: a sixtieth, from 10s.")
]
CellCount = Annotated[int, typer.Option(min=1, max=48, metavar="N", help="How many cells a pack has.")]
PackHours = Annotated[
    float, typer.Option("--ah", min=0.1, max=LARGEST_AH, metavar="AH", help="What a pack holds, in Ah.")
]
Alarms = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Your own alarms, in YAML; default: start values for LFP.")
]


def run_battery_watch(
    device: Devices,
    protocol: Protocol = "",
    output: Output = Path("out"),
    length: Length = None,
    window: Window = None,
    cells: CellCount = 16,
    hours: PackHours = 280.0,
    alarms: Alarms = None,
    period: Period = 1.0,
    address: Addresses = None,
    is_inverted: Inverted = False,
    own_map: OwnMap = None,
    run_dir: RunDir = None,
    no_cache: NoCache = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Watch batteries: every reading is kept, judged and assessed, and what is alarming goes up to a person.

    A device's agent reads, and tells telemetry and alarms; an analyst assesses each window of time; the gatekeeper
    holds what it claims to the readings; critical alarms go to the coordinator, the tech lead and you: orchestra inbox.
    Raw bytes, readings and every message are kept: orchestra device plot RUN, orchestra report RUN.

    It monitors; it does not protect. Interrupted, it goes on with: orchestra resume RUN. Exit codes: 0 done, 1 failed,
    2 wrong input, 3 a person must decide, 130 interrupted.
    """
    own_alarms = _checked(alarms)
    named = [sources_of(text, protocol, place) for place, text in enumerate(device, 1)]
    devices = [
        DeviceSettings(
            name=name,
            sources=sources,
            cells=cells,
            battery_ah=hours,
            period_s=period,
            addresses=addresses_of(address),
            is_current_inverted=is_inverted,
            register_map=str(own_map.absolute()) if own_map else "",
            alarms=own_alarms,
        )
        for name, sources in named
    ]
    is_live = any(one.recording is None for one in devices)
    seconds = _seconds(length, "--for") if length else _DEFAULT_S if is_live else None
    mission = battery_watch.plan_mission(
        devices, output, seconds=seconds, window_s=_seconds(window, "--window") if window else None
    )
    check(mission.plan)
    check_size(mission)
    check_writable(output)
    run = new_run(load(), battery_watch.NAME, run_dir)
    warn(NOT_A_PROTECTION, "yellow")
    _tell_what_is_not_there(devices)
    carry_out(run, mission, output, is_cached=not no_cache, is_quiet=quiet, as_json=as_json)


def _tell_what_is_not_there(devices: Sequence[DeviceSettings]) -> None:
    """A port may come later, and is opened then; but a slip in its name would be found out after hours."""
    for source in (source for device in devices for source in device.sources):
        path = Path(source.url.removeprefix("serial://").partition("?")[0])
        if source.url.startswith(("/", "serial://", ".")) and not path.exists():
            warn(f"there is no {path} now; it is opened as soon as it is there", "yellow")


def _checked(alarms: Path | None) -> str:
    """Return the text of a file of alarms, read once: of a pipe the second time nothing would be left."""
    if alarms is None:
        return ""
    text = text_of(alarms)
    parse_rules(text, str(alarms))
    return text


def _seconds(text: str, option: str) -> float:
    """Return a length of time. Raises SourceError: it is none."""
    found = _LENGTH.fullmatch(text.strip())
    if found is None or (seconds := float(found[1]) * _SECONDS[found[2]]) < 1:
        raise SourceError(f"{option} {text!r}: write such as 90s, 10m, 8h or 7d, and one second or more")
    return seconds
