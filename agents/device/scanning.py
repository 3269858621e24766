"""Finding out what is on a line, without upsetting it.

1. First it is listened, for devices that talk by themselves. Then it is asked, one protocol after the other, in the
   order of how often they are met, grouped by baud rate; with a pause before each question.
2. Only questions that read are sent. JK's 55AA frames are asked for by writing to a register: that is not sent unless
   somebody says so.
3. Found is what gives a whole frame with the right check sum that says what can be; a sum of 8 bits, which fits by
   chance once in 256 times, more than one. Then it is asked no further, but for its neighbours on the line.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from agents.device.decoder import Decoder, TakesQuestions
from agents.device.device_address import DeviceAddress, decoders_of
from agents.device.judging.limits import Limits
from agents.device.link import Link
from agents.device.links.opening import Place, TcpPlace
from agents.device.links.serial_port import SerialPort
from agents.device.polling import Poller, PollingPace
from agents.device.protocols.catalogue import LINES
from agents.device.status import FrameError, Status, is_measured
from protocol.errors import SourceError

TALKING: Final = ("battery-monitor", "vedirect-text")
ASKED: Final = (
    *("jbd", "daly-a5", "seplos-v2-ascii", "pace-ascii", "daly-modbus-d2", "daly-modbus-81", "jbd-up"),
    *("modbus-rtu-eg4", "modbus-rtu-renogy", "modbus-rtu-pylontech-rt", "jk-uart", "pylontech-ascii", "seplos-v3"),
)
WRITING: Final = ("jk-55aa",)
# Some of these families are set to another rate than the usual one.
_ALSO_AT: Final = {19200: ("seplos-v2-ascii", "pace-ascii")}
# Where a device of such a protocol may stand when it stands alone; the one it has out of the box comes first.
_ALONE_AT: Final = {
    "seplos-v2-ascii": (0, 1),
    "pace-ascii": (1, 0),
    "pylontech-ascii": (2, 1),
    "jbd-up": (1, 0),
    "seplos-v3": (1, 0),
    "modbus-rtu-eg4": (1,),
    "modbus-rtu-renogy": (0x30,),
    "modbus-rtu-pylontech-rt": (1,),
    "jk-55aa": (1, 0),
}
_MOST_NEIGHBOURS, _MISSING_IN_A_ROW = 16, 3
# These sleep, and what wakes them is lost.
_ASKED_TWICE: Final = ("jbd", "daly-a5", "jk-uart")
_SUMS_OF_8_BITS: Final = ("daly-a5", "jk-55aa", "vedirect-text")
_FRAMES_NEEDED: Final = 2
_READ_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited, in seconds.

    boot_s: for what talks by itself to begin; an Arduino is reset by opening its port, and begins after two.
    talk_s: likewise, of what is not reset. word_s: for a whole word of what has begun to talk. answer_s: for the first
    byte of an answer. rest_s: for its rest. whole_s: for everything that a device tells. pause_s: before each question.
    """

    boot_s: float = 2.5
    talk_s: float = 1.3
    word_s: float = 3.5
    answer_s: float = 0.5
    rest_s: float = 0.3
    whole_s: float = 8.0
    pause_s: float = 0.1


@dataclass(frozen=True, slots=True)
class Probe:
    """What is tried: a protocol at a rate, and who is asked. address: None where there are none. baud: None: any."""

    protocol: str
    baud: int | None
    address: int | None = None

    @property
    def is_asked(self) -> bool:
        return self.protocol not in TALKING


@dataclass(frozen=True, slots=True)
class Found:
    """A device, where it was found and what it says."""

    probe: Probe
    status: Status


def probes(place: Place, baud: int | None = None, also: Sequence[str] = ()) -> list[Probe]:
    """Return what is tried on a line, in order. baud: its one rate; None: each protocol's own.

    Raises:
        SourceError: what is to be tried as well is none of WRITING.
    """
    if unknown := sorted(set(also) - set(WRITING)):
        raise SourceError(f"{unknown[0]!r} is not left out; what is: {', '.join(WRITING)}")
    names = (*ASKED, *also)
    if baud is not None or isinstance(place, TcpPlace):  # a serial server has a rate, and does not tell it
        return [Probe(name, baud) for name in TALKING] + [one for name in names for one in _asking(name, baud)]
    talking = [Probe(name, LINES[name].baud) for name in TALKING]
    rates = dict.fromkeys(LINES[name].baud for name in names)
    return talking + [one for rate in rates for name in _at(names, rate) for one in _asking(name, rate)]


def _at(names: Sequence[str], rate: int) -> Iterator[str]:
    yield from (name for name in names if LINES[name].baud == rate)
    yield from _ALSO_AT.get(rate, ())


def _asking(name: str, baud: int | None) -> Iterator[Probe]:
    yield from (Probe(name, baud, address) for address in _ALONE_AT.get(name, (None,)))


class Scan:
    """Looks for devices on one open line. tell: what is tried, and what came of it.

    clock: monotonic; reading from the link is what makes time pass.
    """

    def __init__(
        self,
        link: Link,
        tell: Callable[[Probe, str], None],
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link, self._tell, self._clock = link, tell, clock
        self._patience = patience or Patience()
        self._bytes = 0

    def run(self, tried: Sequence[Probe]) -> list[Found]:
        """Return the devices that are there: those of the first protocol that is spoken.

        Raises:
            LinkError: the line is gone.
        """
        for number, probe in enumerate(tried):
            self._change_baud(probe)
            found = self._asked(probe) if probe.is_asked else self._heard(probe, is_first=number == 0)
            if found is not None:
                self._tell(probe, "found")
                return [found, *self._neighbours(found)]
        return []

    def _change_baud(self, probe: Probe) -> None:
        if isinstance(self._link, SerialPort) and probe.baud is not None:
            self._link.change_baud(probe.baud)

    def _heard(self, probe: Probe, *, is_first: bool) -> Found | None:
        """Listen. A line that goes on saying nothing is soon left, one that talks is given time for whole words."""
        decoder, said, frames = _decoder(probe), Status(), 0
        begun_s, self._bytes = self._clock(), 0
        silent_s = begun_s + (self._patience.boot_s if is_first else self._patience.talk_s)
        while self._clock() < (begun_s + self._patience.word_s if self._bytes else silent_s):
            for status in self._statuses(decoder):
                frames += 1
                said = status if is_measured(status) else said
                if frames >= _needed(probe) and is_possible(said):
                    return Found(probe, said)
        self._tell(probe, f"{self._bytes} bytes that are something else" if self._bytes else "silent")
        return None

    def _asked(self, probe: Probe) -> Found | None:
        decoder = _decoder(probe)
        times = 2 if probe.protocol in _ASKED_TWICE else 1
        if not any(self._answers(decoder) for _ in range(times)):
            self._tell(probe, f"{self._bytes} bytes that are no answer" if self._bytes else "no answer")
            return None
        status, frames, error = self._whole(probe)
        if status is not None and frames >= _needed(probe) and is_possible(status):
            return Found(probe, status)
        self._tell(probe, f"it answers, but {error or 'what it says cannot be'}")
        return None

    def _answers(self, decoder: Decoder) -> bool:
        """Ask the first question, and return whether a frame has come that says something."""
        self._quiet()
        question = decoder.asks()[0]
        decoder.reset()
        if isinstance(decoder, TakesQuestions):
            decoder.asked(question)
        self._link.write(question)
        begun_s, self._bytes, heard = self._clock(), 0, 0
        end_s, last_s = begun_s + self._patience.answer_s, begun_s + 2 * self._patience.answer_s
        while self._clock() < end_s:
            if any(True for _ in self._statuses(decoder)):
                return True
            if self._bytes > heard:
                heard, end_s = self._bytes, min(max(end_s, self._clock() + self._patience.rest_s), last_s)
        return False

    def _quiet(self) -> None:
        """Leave the device alone for a while, and throw away what comes meanwhile."""
        end_s = self._clock() + self._patience.pause_s
        while (left_s := end_s - self._clock()) > 0:
            self._link.read(left_s)

    def _statuses(self, decoder: Decoder) -> Iterator[Status]:
        data = self._link.read(_READ_S)
        self._bytes += len(data)
        for frame in decoder.feed(data):
            try:
                yield decoder.decode(frame)
            except FrameError:
                continue  # a frame, and no status: a refusal, or what another device says

    def _whole(self, probe: Probe) -> tuple[Status | None, int, str]:
        """Return everything that a device tells in a round of questions, in how many frames, and what was refused."""
        poller = Poller(self._link, _decoder(probe), PollingPace(pause_s=max(0.05, LINES[probe.protocol].pause_s)))
        end_s = self._clock() + self._patience.whole_s
        self._quiet()
        while (now_s := self._clock()) < end_s:
            status = poller.poll(now_s, _READ_S)
            if status is not None and is_measured(status):
                return status, poller.counts.frames - poller.counts.refused, poller.last_error
        return None, 0, poller.last_error

    def _neighbours(self, found: Found) -> Iterator[Found]:
        """Ask who else speaks this protocol here, up to where several in a row are missing."""
        first, missing = found.probe.address, 0
        if first is None:
            return
        for address in range(first + 1, first + _MOST_NEIGHBOURS):
            probe = Probe(found.probe.protocol, found.probe.baud, address)
            neighbour = self._asked(probe) if _exists(probe) else None
            if neighbour is not None:
                self._tell(probe, "found")
                yield neighbour
            missing = missing + 1 if neighbour is None else 0
            if missing == _MISSING_IN_A_ROW:
                return


def is_possible(status: Status) -> bool:
    """Return whether a battery can say this: it has a voltage, or a cell has, and no cell has one that none can."""
    limits, cells = Limits(), list(status.cells.values())
    low_v, high_v = limits.pack_v
    has_pack = status.pack_voltage_v is not None and low_v <= status.pack_voltage_v <= high_v
    has_cells = any(limits.cell_v[0] <= volts <= limits.cell_v[1] for volts in cells)
    packs = [is_possible(pack) for pack in status.packs]
    return (has_pack or has_cells or any(packs)) and all(volts <= limits.cell_v[1] for volts in cells)


def _needed(probe: Probe) -> int:
    return _FRAMES_NEEDED if probe.protocol in _SUMS_OF_8_BITS else 1


def _exists(probe: Probe) -> bool:
    try:
        _decoder(probe)
    except SourceError:
        return False
    return True


def _decoder(probe: Probe) -> Decoder:
    addresses = () if probe.address is None else (probe.address,)
    return decoders_of(DeviceAddress(url="", protocol=probe.protocol, addresses=addresses))[0]
