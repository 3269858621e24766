"""One pack as it is watched: what was read of it, how its alarms stand and what was told. A fold, without a clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agents.device.alarms.own import named, own_alarms, rules_with
from agents.device.alarms.own import readings as own_readings
from agents.device.alarms.rules import Rule
from agents.device.alarms.standing import Alarms, Said, advance
from agents.device.judging.combining import Heard, combined, listen
from agents.device.judging.limits import Limits
from agents.device.judging.plausibility import Judged
from agents.device.status import Status
from agents.device.watching.publishing import NOTHING_TOLD, PublishingPace, Told, telemetry
from protocol.bodies import Reading, Telemetry
from protocol.ids import derived


@dataclass(frozen=True, slots=True)
class Terms:
    """How a device is watched. rules: in the order in which alerts are told."""

    rules: tuple[Rule, ...]
    limits: Limits = field(default_factory=Limits)
    pace: PublishingPace = field(default_factory=PublishingPace)


@dataclass(frozen=True, slots=True)
class Watched:
    """One pack. name: of the device, or of a pack behind it. sources: who speaks of it, by name.

    own: the names of what the devices themselves have called alarming so far.
    """

    name: str
    alarms: Alarms
    sources: Mapping[str, Heard]
    told: Told = NOTHING_TOLD
    own: frozenset[str] = frozenset()

    def rules(self, terms: Terms) -> tuple[Rule, ...]:
        """Return what raises an alarm of this pack: the terms, and what its devices call alarming."""
        return rules_with(self.own, terms.rules)


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a pack has brought. readings: all that is new, before it is decided what is told."""

    watched: Watched
    readings: tuple[Reading, ...]
    telemetry: tuple[Telemetry, ...]
    alerts: tuple[Said, ...]


def look(watched: Watched, said: Mapping[str, Status], at_s: float, taken_ns: int, terms: Terms) -> Look:
    """Return a pack after one look at it. said: by source; where one has said nothing, what was known gets older.

    at_s: monotonic. taken_ns: the same moment, since 1970.
    """
    watched, judged = heard(watched, said, at_s, terms)
    now = own_alarms(said.values())
    watched = replace(watched, own=named(watched.own, now)) if now else watched
    own = () if now is None else own_readings(watched.own, now)
    readings = (*(one.reading for one in judged), *own)
    gap_s = terms.limits.gone_s
    alarms, alerts = advance(watched.alarms, watched.rules(terms), readings, at_s, is_heard=bool(said), gap_s=gap_s)
    messages, told = _told(watched, readings, at_s, taken_ns, terms)
    return Look(replace(watched, alarms=alarms, told=told), readings, messages, alerts)


def heard(
    watched: Watched, said: Mapping[str, Status], at_s: float, terms: Terms
) -> tuple[Watched, tuple[Judged, ...]]:
    """Return a pack after its sources were listened to, and what is new of it."""
    after = {name: listen(one, said.get(name), at_s, terms.limits) for name, one in watched.sources.items()}
    sources = {name: one for name, (one, _) in after.items()}
    news = {name: judged for name, (_, judged) in after.items()}
    return replace(watched, sources=sources), combined(sources, news, at_s, terms.limits)


def _told(
    watched: Watched, readings: Sequence[Reading], at_s: float, taken_ns: int, terms: Terms
) -> tuple[tuple[Telemetry, ...], Told]:
    return telemetry(watched.told, watched.name, readings, at_s, taken_ns, terms.pace)


def alert_id(mission: str, name: str, code: str, number: int) -> str:
    """Return the id of an alarm's alert, counted from 1: the same in every life of the process."""
    return derived("alert", mission, name, code, number)
