"""From judged readings to telemetry: what has changed, at a bearable rate, and everything now and then. No clock.

1. A reading is told when it has moved beyond its dead band, at most once in `least_s`; when its quality has changed, at
   once; with all others every `full_s`.
2. Only what is read now is told as good or suspect: nothing waits here to be told later. What has become old is told
   once, as stale and then as absent, and again only among all others and under that name.
3. The id of a message follows from the device and from when it measured: the same measurement is journaled once,
   however often a process is started.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from protocol.bodies import Quality, Reading, Telemetry
from protocol.ids import derived
from protocol.names import MAX_ITEMS


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishingPace:
    """How often what is told. dead_bands: by unit; a reading that has moved by so much has moved.

    least_s: between two messages of values. full_s: between two messages of everything.
    """

    least_s: float = 1.0
    full_s: float = 60.0
    dead_bands: Mapping[str, float] = field(
        default_factory=lambda: {"V": 0.003, "A": 0.5, "degC": 0.5, "%": 0.5, "Ah": 0.5, "1": 0.5}
    )

    def has_moved(self, before: Reading, now: Reading) -> bool:
        return abs(float(now.value - before.value)) >= self.dead_bands.get(now.unit, 0.0) and now.value != before.value


@dataclass(frozen=True, slots=True)
class Told:
    """What was told last of each reading, when anything was, and when everything was; None: never. Monotonic."""

    readings: Mapping[str, Reading] = field(default_factory=dict)
    at_s: float | None = None
    full_s: float | None = None


NOTHING_TOLD: Final = Told()


def telemetry(
    told: Told, device: str, readings: Sequence[Reading], at_s: float, taken_ns: int, pace: PublishingPace
) -> tuple[tuple[Telemetry, ...], Told]:
    """Return what is to be published of some readings, and what has been told with it.

    readings: of one status, or of a look at what has become old. at_s: monotonic. taken_ns: since 1970.
    """
    is_measured = any(one.quality.is_usable for one in readings)
    is_full = is_measured and (told.full_s is None or at_s - told.full_s >= pace.full_s)
    chosen = readings if is_full else _chosen(told, readings, at_s, pace)
    if not chosen:
        return (), told
    later = {**told.readings, **{one.name: one for one in chosen}}
    parts = [tuple(chosen[first : first + MAX_ITEMS]) for first in range(0, len(chosen), MAX_ITEMS)]
    messages = tuple(Telemetry(device=device, taken=taken_ns, readings=part) for part in parts)
    return messages, Told(later, at_s, at_s if is_full else told.full_s)


def telemetry_id(body: Telemetry) -> str:
    """Return the id of the message that carries it."""
    return derived("telemetry", body.device, body.taken, body.readings[0].name if body.readings else "")


def _chosen(told: Told, readings: Sequence[Reading], at_s: float, pace: PublishingPace) -> Sequence[Reading]:
    moved = [one for one in readings if _is_news(told.readings.get(one.name), one, pace)]
    is_early = told.at_s is not None and at_s - told.at_s < pace.least_s
    is_urgent = any(_quality_of(told, one.name) is not one.quality for one in moved)
    return [] if is_early and not is_urgent else moved


def _is_news(before: Reading | None, now: Reading, pace: PublishingPace) -> bool:
    if before is None or before.quality is not now.quality:
        return True
    return now.quality.is_usable and pace.has_moved(before, now)


def _quality_of(told: Told, name: str) -> Quality | None:
    before = told.readings.get(name)
    return before.quality if before else None
