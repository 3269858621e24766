"""What is known of a device now: the last readings with their quality, and how long ago they were heard."""

from dataclasses import dataclass
from typing import Final

from agents.device.judging.limits import Limits
from agents.device.judging.past import NOTHING
from agents.device.judging.plausibility import Judged, aged, judge
from agents.device.status import Status, is_measured, packs_of

_UNHEARD: Final = float("-inf")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known at one moment. alarms: None where none were ever told of. age_s: of the last measurement.

    age_s is None while nothing has been heard: that is not known, and not fine.
    """

    readings: tuple[Judged, ...]
    alarms: frozenset[str] | None
    age_s: float | None
    model: str | None = None


class KnownDevice:
    """One device. Time comes as an argument, monotonic."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._past = limits, NOTHING
        self._latest: dict[str, Judged] = {}
        self._alarms: frozenset[str] | None = None
        self._model: str | None = None
        self._heard_s = _UNHEARD

    def take(self, status: Status, at_s: float) -> Known:
        """Take in what it says, and return what is known with it."""
        judged, self._past = judge(status, self._past, at_s, self._limits)
        self._latest |= {one.reading.name: one for one in judged}
        self._alarms = self._alarms if status.alarms is None else status.alarms
        self._model = status.model or self._model
        self._heard_s = at_s if is_measured(status) else self._heard_s
        return self.look(at_s)

    def look(self, at_s: float) -> Known:
        """Return what is known now: what has not been said again for long is stale, then absent."""
        old = {one.reading.name: one for one in aged(self._past, at_s, self._limits)}
        age_s = None if self._heard_s == _UNHEARD else at_s - self._heard_s
        return Known(tuple({**self._latest, **old}.values()), self._alarms, age_s, self._model)


class KnownPacks:
    """Each pack of a line, by its name there; "" is a device that speaks for itself. Time is monotonic."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._packs = limits, dict[str, KnownDevice]()

    def take(self, status: Status, at_s: float) -> dict[str, Known]:
        """Take in what is said, and return what is known of those of whom it tells."""
        said = {name.removeprefix("/"): one for name, one in packs_of("", status).items() if name or not status.packs}
        return {name: self._pack(name).take(one, at_s) for name, one in said.items()}

    def look(self, at_s: float) -> dict[str, Known]:
        """Return what is known of all of them now; of nobody so far, that nothing is."""
        return {name: one.look(at_s) for name, one in (self._packs or {"": KnownDevice(self._limits)}).items()}

    def _pack(self, name: str) -> KnownDevice:
        return self._packs.setdefault(name, KnownDevice(self._limits))
