"""What was told of batteries, as series over time: a fold over telemetry and alerts. Plain values, no drawing.

1. What is told holds until it is told again. Whether a value was measured at a moment, `observers.battery.grid` says.
2. Times are seconds since 1970 by the clock of whoever measured; what is told out of order is put in order.
3. Of two tellings of one reading at one moment the later one counts.
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final, TypeAlias

from bus.records import Entry
from observers.battery.groups import Group, group_of, place_of
from protocol.bodies import Alert, AlertState, Quality, Reading, Severity, Telemetry
from protocol.decoder import reread
from protocol.messages import MessageType

Numbers: TypeAlias = "array[float]"
NS: Final = 1_000_000_000
QUALITIES: Final = tuple(Quality)
_NUMBERS: Final = {quality: number for number, quality in enumerate(QUALITIES)}
_TOPICS: Final = (f"/{MessageType.TELEMETRY.value}", f"/{MessageType.ALERT.value}")


@dataclass(frozen=True, slots=True)
class Track:
    """All that was told of one reading. at_s, values, qualities: of each telling; qualities as places in QUALITIES."""

    name: str
    group: Group
    at_s: Numbers = field(default_factory=lambda: array("d"))
    values: Numbers = field(default_factory=lambda: array("d"))
    qualities: bytearray = field(default_factory=bytearray)

    def tell(self, at_s: float, reading: Reading) -> None:
        self.at_s.append(at_s)
        self.values.append(float(reading.value))
        self.qualities.append(_NUMBERS[reading.quality])


@dataclass(frozen=True, slots=True)
class Stage:
    """An alarm from one raising to the next.

    severity: None where the device tells of it itself. value, limit: in the unit of the reading.
    """

    at_s: float
    severity: Severity | None
    text: str = ""
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm from raised to cleared. stages: at least one. cleared_s: None where it still stands."""

    code: str
    stages: tuple[Stage, ...]
    acknowledged_s: tuple[float, ...] = ()
    cleared_s: float | None = None

    @property
    def began_s(self) -> float:
        return self.stages[0].at_s

    def lies_in(self, begin_s: float, end_s: float) -> bool:
        """Return whether it stood at any moment between these."""
        return self.began_s <= end_s and (self.cleared_s is None or self.cleared_s >= begin_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that was told of one device. tracks: in the order of their names. heard_s: when anything was told, rising.

    end_s: until when somebody watched, as far as is known.
    """

    device: str
    tracks: tuple[Track, ...]
    alarms: tuple[Alarm, ...]
    heard_s: Sequence[float]
    end_s: float

    @property
    def begin_s(self) -> float:
        return self.heard_s[0]


class Told:
    """Takes in what is told of any number of devices."""

    def __init__(self) -> None:
        self._tracks: dict[str, dict[str, Track]] = {}
        self._heard_s: dict[str, list[float]] = {}
        self._alarms: dict[str, list[Alarm]] = {}
        self._standing: dict[tuple[str, str], int] = {}
        self._end_s = float("-inf")

    def readings(self, device: str, at_s: float, readings: Iterable[Reading]) -> None:
        """Take in readings of a device; those that no picture shows are left out."""
        tracks = self._tracks.setdefault(device, {})
        self._heard_s.setdefault(device, []).append(at_s)
        self._end_s = max(self._end_s, at_s)
        for reading in readings:
            track = tracks.get(reading.name)
            if track is None:
                group = group_of(reading)
                if group is None:
                    continue
                track = tracks[reading.name] = Track(reading.name, group)
            track.tell(at_s, reading)

    def raised(self, device: str, code: str, stage: Stage) -> None:
        """Take in that an alarm is raised, or is raised again because it got worse."""
        alarms = self._alarms.setdefault(device, [])
        self._end_s = max(self._end_s, stage.at_s)
        place = self._standing.setdefault((device, code), len(alarms))
        if place == len(alarms):
            alarms.append(Alarm(code, (stage,)))
        else:
            alarms[place] = replace(alarms[place], stages=(*alarms[place].stages, stage))

    def acknowledged(self, device: str, code: str, at_s: float) -> None:
        """Take in that a person has taken note; of an alarm that nobody has raised nothing is said."""
        self._end_s = max(self._end_s, at_s)
        if (place := self._standing.get((device, code))) is not None:
            alarm = self._alarms[device][place]
            self._alarms[device][place] = replace(alarm, acknowledged_s=(*alarm.acknowledged_s, at_s))

    def cleared(self, device: str, code: str, at_s: float) -> None:
        """Take in that an alarm is over."""
        self._end_s = max(self._end_s, at_s)
        if (place := self._standing.pop((device, code), None)) is not None:
            self._alarms[device][place] = replace(self._alarms[device][place], cleared_s=at_s)

    def watched(self, at_s: float) -> None:
        """Take in that somebody watched until then, whether or not anything was said."""
        self._end_s = max(self._end_s, at_s)

    def entries(self, entries: Iterable[Entry]) -> None:
        """Take in the telemetry and the alerts of a journal.

        Raises:
            WireError: an entry is no message.
        """
        for entry in entries:
            if not entry.topic.endswith(_TOPICS):
                continue
            message = reread(entry.document)
            if isinstance(message.body, Telemetry):
                self.readings(message.body.device, message.body.taken / NS, message.body.readings)
            elif isinstance(message.body, Alert):
                self._alert(message.task, message.timestamp_ns / NS, message.body)

    def histories(self) -> list[History]:
        """Return what was told of each device of which there are readings to show, in the order of their names."""
        return [self._history(device) for device in sorted(self._tracks, key=place_of) if self._tracks[device]]

    def _alert(self, device: str, at_s: float, alert: Alert) -> None:
        if alert.state is AlertState.RAISED:
            stage = Stage(at_s, alert.severity, alert.text, _float(alert.value), _float(alert.limit))
            self.raised(device, alert.code, stage)
        elif alert.state is AlertState.ACKNOWLEDGED:
            self.acknowledged(device, alert.code, at_s)
        else:
            self.cleared(device, alert.code, at_s)

    def _history(self, device: str) -> History:
        tracks = self._tracks[device]
        alarms = [alarm for name in self._alarms if _is_about(name, device) for alarm in self._alarms[name]]
        return History(
            device=device,
            tracks=tuple(_in_order(tracks[name]) for name in sorted(tracks, key=place_of)),
            alarms=tuple(sorted(alarms, key=lambda one: one.began_s)),
            heard_s=sorted(self._heard_s[device]),
            end_s=self._end_s,
        )


def _is_about(name: str, device: str) -> bool:
    """Return whether what is said of a device concerns this one: itself, or the device that it is a pack of."""
    return name == device or device.startswith(f"{name}/")


def _float(value: object) -> float | None:
    return None if value is None else float(str(value))


def _in_order(track: Track) -> Track:
    """Return a track whose times rise, each of them once."""
    at_s = track.at_s
    if all(before < after for before, after in pairwise(at_s)):
        return track
    places = {at_s[place]: place for place in range(len(at_s))}
    chosen = [places[moment] for moment in sorted(places)]
    return replace(
        track,
        at_s=array("d", [at_s[one] for one in chosen]),
        values=array("d", [track.values[one] for one in chosen]),
        qualities=bytearray(track.qualities[one] for one in chosen),
    )
