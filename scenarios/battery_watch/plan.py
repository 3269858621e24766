"""From devices and a length of time to a mission: windows that are observed and assessed one after the other, a report.

house/observe-001 ── house/observe-002 ── …      the device's agent: everything that it reads
     │                    │
house/assess-001     house/assess-002            the analyst: what it means
     └──────────┬─────────┘
          house-report                           the whole watch, and the page
"""

from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Final

from agents.device.recording import length_s
from agents.device.watching.commands import LONGEST_S, OBSERVE
from agents.device.watching.settings import SETTING, DeviceSettings, check_can_be
from bus.roles import Role
from protocol.bodies import Plan, PlannedTask, Policy, Setting
from protocol.errors import SourceError
from scenarios.mission import CastMember, Mission

NAME: Final = "battery-watch"
COORDINATOR: Final = "@data-coordinator"
ANALYST: Final = "@battery-analyst"
MOST_WINDOWS: Final = 500
# The report is given references to all files of all windows, and a message carries no more than that.
_MOST_BYTES: Final = 900_000
_REFERENCE_BYTES: Final = 270  # besides the name of the device
_FILES: Final = 3  # of a window, besides the raw bytes of each source: the window, its readings, its assessment
_FEW: Final = 60  # windows of a watch whose length of window nobody has chosen
_SHORTEST_S: Final = 10
_REPORT_S: Final = 600
_AT_THE_END_S: Final = 0.001  # what a recording says last belongs to the last window


def plan_mission(
    devices: Sequence[DeviceSettings], output: Path, *, seconds: float | None = None, window_s: float | None = None
) -> Mission:
    """Return the mission that watches some devices for so long.

    seconds: None where recordings are played: as long as they are. window_s: what is assessed at a time; None: a
    sixtieth of the whole, and not less than ten seconds.

    Raises:
        SourceError, DefinitionError: a device cannot be, or the lengths of time do not fit.
    """
    check_can_be(devices)
    tasks = [task for device in devices for task in _tasks(device, seconds, window_s)]
    return Mission(
        scenario=NAME,
        coordinator=COORDINATOR,
        specialists=(CastMember(ANALYST, Role.SPECIALIST),),
        plan=Plan(tasks=tuple(tasks)),
        settings=(
            ("output", str(output.absolute())),
            *((f"{SETTING}{device.name}", device.model_dump_json()) for device in devices),
        ),
        devices=tuple(devices),
    )


def _tasks(device: DeviceSettings, seconds: float | None, window_s: float | None) -> list[PlannedTask]:
    whole_s = _length_s(device, seconds)
    each_s = window_s or max(_SHORTEST_S, ceil(whole_s / _FEW))
    count = ceil(whole_s / each_s)
    of_window = (_FILES + len(device.sources)) * (_REFERENCE_BYTES + len(device.name))
    most = min(MOST_WINDOWS, _MOST_BYTES // of_window)
    if count > most or each_s > LONGEST_S:
        raise SourceError(
            f"{device.name}: {whole_s:g} s in windows of {each_s:g} s make {count:,} windows; there may be "
            f"{most:,}, of up to {LONGEST_S:,} s: choose another --window"
        )
    numbers = range(1, count + 1)
    observed = [_observe(device, number, each_s, whole_s) for number in numbers]
    assessed = [_assess(device, number) for number in numbers]
    return [*observed, *assessed, _report(device, [*observed, *assessed])]


def _length_s(device: DeviceSettings, seconds: float | None) -> float:
    """Return for how long a device is watched: a recording no longer than it is."""
    if device.recording is None:
        if seconds is None:
            raise SourceError(f"{device.name}: say how long it is to be watched: --for 10m")
        return seconds
    length = length_s(device.recording) + _AT_THE_END_S
    return min(length, seconds or length)


def _observe(device: DeviceSettings, number: int, each_s: float, whole_s: float) -> PlannedTask:
    from_s = (number - 1) * each_s
    seconds = ceil(min(each_s, whole_s - from_s) * 1000) / 1000  # not rounded down: the last byte belongs to the last
    told = {"number": str(number), "from": f"{from_s:.3f}", "seconds": f"{seconds:.3f}"}
    return PlannedTask(
        id=f"{device.name}/observe-{number:03}",
        agent=device.agent,
        skill=OBSERVE,
        title=f"Observe {device.name}, window {number}",
        needs=(f"{device.name}/observe-{number - 1:03}",) if number > 1 else (),
        settings=tuple(Setting(name=name, value=value) for name, value in told.items()),
    )


def _assess(device: DeviceSettings, number: int) -> PlannedTask:
    return PlannedTask(
        id=f"{device.name}/assess-{number:03}",
        agent=ANALYST,
        skill="assess-readings",
        title=f"Assess window {number} of {device.name}",
        needs=(f"{device.name}/observe-{number:03}",),
    )


def _report(device: DeviceSettings, before: Sequence[PlannedTask]) -> PlannedTask:
    return PlannedTask(
        id=f"{device.name}-report",
        agent=ANALYST,
        skill="report-watch",
        title=f"Report the watch of {device.name}",
        needs=tuple(task.id for task in before),
        policy=Policy(timeout_s=_REPORT_S),
    )
