"""An emulated device, a line at its real rate, a poller and a watched pack, in a time of their own: nothing waits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agents.device.alarms.rules import start_rules
from agents.device.alarms.standing import Alarms
from agents.device.emulation.catalogue import served_device
from agents.device.emulation.faults import fault_of
from agents.device.emulation.line_rate import PacedLine
from agents.device.judging.checks import CHECKS, rails
from agents.device.judging.combining import Heard
from agents.device.judging.limits import Limits
from agents.device.judging.past import Past, now_of, recent
from agents.device.links.loopback import pair
from agents.device.polling import Counts, Poller, PollingPace
from agents.device.protocols.catalogue import DECODERS, LINES
from agents.device.quantities import values_of
from agents.device.status import Status
from agents.device.watching.watch import Terms, Watched, look
from protocol.bodies import AlertState, Quality
from protocol.errors import LinkError

CELLS: Final = 16
_TICK_S: Final = 0.02
_LOOK_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing that was noticed of a device. what: a quality with its check, or the code of an alarm, and how bad."""

    what: str
    after_s: float
    is_alarm: bool


class Watch:
    """Looks at a pack as its agent does, keeps the first of each sign. began_s: from when their times are counted."""

    def __init__(self, period_s: float = 1.0) -> None:
        self._limits = Limits(cell_count=CELLS, period_s=period_s)
        self._terms = Terms(start_rules(CELLS, 280), self._limits)
        self._watched: Watched | None = None
        self.began_s, self.signs = 0.0, dict[str, Sign]()

    def see(self, status: Status | None, at_s: float) -> None:
        """Look once. status: None where it has said nothing new."""
        watched = self._watched or Watched("pack", Alarms(at_s), {"bms": Heard(at_s)})
        before = recent(watched.sources["bms"].past, at_s, self._limits)
        found = look(watched, {} if status is None else {"bms": status}, at_s, round(at_s * 1e9), self._terms)
        self._watched, readings = found.watched, found.readings
        for quality in dict.fromkeys(one.quality for one in readings if one.quality is not Quality.GOOD):
            named = {one.name for one in readings if one.quality is quality}
            checks = _checks(status, before, at_s, self._limits, named) if status else []
            what = f"{quality.value} by {' and '.join(f'`{check}`' for check in checks)}" if checks else quality.value
            if not any(sign.startswith(quality.value) for sign in self.signs):
                self._note(what, at_s, is_alarm=False)
        for one in found.alerts:
            if one.alert.state is AlertState.RAISED:
                self._note(f"`{one.alert.code}` {one.alert.severity.value}", at_s, is_alarm=True)

    def _note(self, what: str, at_s: float, *, is_alarm: bool) -> None:
        self.signs.setdefault(what, Sign(what, at_s - self.began_s, is_alarm))


def _checks(status: Status, past: Past, at_s: float, limits: Limits, named: set[str]) -> list[str]:
    """The names of the checks that have something against these readings."""
    said = values_of(status)
    absent = rails(said, limits)
    now = now_of(status, {name: value for name, value in said.items() if name not in absent}, at_s)
    found = {check.__name__: check(now, past, limits) for check in CHECKS}
    return [name for name, doubts in {**found, "rails": absent}.items() if doubts.keys() & named]


class VirtualLine:
    """An emulated device on a line within one process, and a poller that asks it. orders: the faults it begins with."""

    def __init__(self, name: str, *orders: str, pace: PollingPace | None = None, tick_s: float = _TICK_S) -> None:
        self.device, self._tick_s = served_device(name, CELLS, seed=1), tick_s
        self.near, self.far = pair()
        self._line = PacedLine(LINES[name].baud)
        self.poller = Poller(self.near, DECODERS[name](), pace or PollingPace())
        self.now_s, self.gone = 1000.0, ""
        for order in orders:
            self.order(order)

    @property
    def counts(self) -> Counts:
        return self.poller.counts

    def order(self, text: str) -> None:
        """Carry out an order of a fault; `unplug` closes the line."""
        fault = fault_of(text, CELLS, self.device.speech)
        if fault.word == "unplug":
            self.far.close()
        else:
            self.device.faults.append(fault)

    def run(self, seconds: float, see: Callable[[Status | None, float], None]) -> None:
        """Let so much time pass, and show each status, or that there is none, as the agent of a device looks."""
        looked_s = self.now_s
        for _ in range(round(seconds / self._tick_s)):
            self._go_on()
            status = self._poll()
            if status is not None or self.now_s - looked_s >= _LOOK_S:
                see(status, self.now_s)
                looked_s = self.now_s

    def statuses(self, seconds: float) -> list[Status]:
        """Let so much time pass, and return what was said in it."""
        found: list[Status] = []
        self.run(seconds, lambda status, _: found.append(status) if status is not None else None)
        return found

    def answer(self, asked: bytes, seconds: float = 1.0) -> bytes:
        """What comes of a question that the poller would not ask."""
        self.near.write(asked)
        for _ in range(round(seconds / self._tick_s)):
            self._go_on()
        return self.near.read(0)

    def close(self) -> None:
        self.device.close()

    def _go_on(self) -> None:
        self.now_s = round(self.now_s + self._tick_s, 6)
        try:
            sent = self.device.step(self.now_s, self.far.read(0))
            self.far.write(self._line.carry(self.now_s, sent))
        except LinkError:
            pass  # unplugged: the device goes on without anybody to talk to

    def _poll(self) -> Status | None:
        try:
            return self.poller.poll(self.now_s)
        except LinkError as error:
            self.gone = str(error)
            return None
