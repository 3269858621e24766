"""`orchestra device monitor`: a battery, or several on one line, looked at for as long as one likes."""

import time
from contextlib import closing
from typing import Annotated, Any, Final

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from agents.device.device_address import DeviceAddress, line_of
from agents.device.judging.known import Known, KnownPacks
from agents.device.judging.limits import Limits
from agents.device.line import Line
from agents.device.status import Status, is_measured
from cli.device_lines import (
    Addresses,
    Cells,
    Hours,
    Inverted,
    OwnMap,
    Period,
    Presence,
    SpokenUnlessEmulated,
    Url,
    addresses_of,
    limits_of,
    spoken_by,
)
from cli.device_view import json_row, one_line, overview, view
from cli.missions import Json
from cli.screen import out, say, say_json
from observers.summary import printable
from protocol.errors import LinkError

_READ_S: Final = 0.05
_REDRAW_S: Final = 0.25


def monitor(
    url: Url,
    protocol: SpokenUnlessEmulated = None,
    once: Annotated[bool, typer.Option("--once", help="Print one reading and leave.")] = False,
    as_json: Json = False,
    period: Period = 1.0,
    wait: Annotated[float, typer.Option(min=0.1, metavar="S", help="With --once: how long to wait for it.")] = 10.0,
    address: Addresses = None,
    cells: Cells = None,
    ah: Hours = None,
    invert_current: Inverted = False,
    own_map: OwnMap = None,
) -> None:
    """Look at a battery: cells as bars, temperatures, current, SOC, alarms, and how far each can be relied on.

    A reading is good, suspect (it contradicts others, or what was before), stale, or absent; an old one is never shown
    as new. Bytes without the right length, type and check sum are never believed.

    It goes on until it is interrupted: a line that is gone is shown as gone, and opened again as soon as it is there.
    With several --address each pack is asked in turn and shown on a line of its own; one that is missing does not stop
    the others.

    It only asks; nothing is ever switched. It monitors and does not protect. Exit codes: 0 a reading was shown, 1 the
    line cannot be opened, or with --once no answer came, 2 there is no such protocol or address.
    """
    device = DeviceAddress(
        url=url,
        protocol=spoken_by(url, protocol),
        period_s=period,
        addresses=addresses_of(address),
        is_current_inverted=invert_current,
        register_map=own_map,
        cells=cells,
    )
    with closing(Line(device)) as line:
        show = _Show(device, line, limits_of(device, ah), as_json)
        if once:
            show.one(wait)
            return
        try:
            show.on()
        except KeyboardInterrupt:
            return


class _Show:
    """Shows what comes over a line."""

    def __init__(self, device: DeviceAddress, line: Line, limits: Limits, is_json: bool) -> None:
        self._device, self._line, self._is_json = device, line, is_json
        self._watched, self._title = KnownPacks(limits), f"{device.url}  {device.protocol}"
        self._presence = Presence(is_told=is_json or not out.is_terminal)
        self._shown = dict[str, list[tuple[str, str]]]()

    def one(self, wait_s: float) -> None:
        """Raises LinkError when the line is gone, or nothing has been measured after so long."""
        end_s = time.monotonic() + wait_s
        while (now_s := time.monotonic()) < end_s:
            status = self._line.poll(now_s, _READ_S)
            if status is not None:
                self._watched.take(status, now_s)
                if is_measured(status):
                    self._print(now_s)
                    return
        raise LinkError(self._silence(wait_s))

    def on(self) -> None:
        """Show until it is interrupted."""
        if self._is_json or not out.is_terminal:
            self._lines()
        with Live(console=out, auto_refresh=False) as live:
            drawn_s = float("-inf")
            while True:
                now_s = time.monotonic()
                if (status := self._poll(now_s)) is not None:
                    self._watched.take(status, now_s)
                if now_s - drawn_s >= _REDRAW_S:
                    live.update(Group(*self._gone(now_s), self._page(now_s)), refresh=True)
                    drawn_s = now_s

    def _poll(self, now_s: float) -> Status | None:
        try:
            status = self._line.poll(now_s, _READ_S)
        except LinkError as error:
            self._presence.gone(error, now_s)
            time.sleep(_READ_S)
            return None
        self._presence.there(now_s)
        return status

    def _lines(self) -> None:
        while True:
            now_s = time.monotonic()
            status = self._poll(now_s)
            if status is not None:
                for name, known in self._watched.take(status, now_s).items():
                    self._line_of(name, known, is_told=self._is_json or is_measured(status))
            self._grown_old(now_s)

    def _grown_old(self, now_s: float) -> None:
        """Whoever reads along is told when what it was told last is not good any more, and not just no more."""
        for name, known in self._watched.look(now_s).items():
            if name in self._shown and _qualities(known) != self._shown[name]:
                self._line_of(name, known, is_told=True)

    def _line_of(self, name: str, known: Known, *, is_told: bool) -> None:
        self._shown[name] = _qualities(known)
        if self._is_json:
            say_json(self._row(name, known))
        elif is_told:
            say(f"{f'pack {name}  ' if name else ''}{one_line(known)}")

    def _row(self, name: str, known: Known) -> dict[str, Any]:
        row = json_row(known, time.time_ns(), self._device.url, self._device.protocol, self._line.counts)
        return {**row, "pack": name or None}

    def _print(self, now_s: float) -> None:
        if not self._is_json:
            out.print(self._page(now_s))
            return
        for name, known in self._watched.look(now_s).items():
            say_json(self._row(name, known))

    def _page(self, now_s: float) -> Any:
        packs, counts = self._watched.look(now_s), self._line.counts
        if len(packs) > 1:
            return overview(self._title, packs, counts)
        [(name, known)] = packs.items()
        return view(f"{self._title}{f'  pack {name}' if name else ''}", known, counts)

    def _gone(self, now_s: float) -> list[Text]:
        since_s = self._presence.gone_since_s
        if since_s is None:
            return []
        began = time.strftime("%H:%M:%S", time.localtime(time.time() - (now_s - since_s)))
        told = f"THE LINE IS GONE since {began}, {now_s - since_s:.0f} s: {self._presence.reason}"
        return [Text(printable(told), style="bold red")]

    def _silence(self, wait_s: float) -> str:
        """Say why there is nothing to show, as far as it can be told."""
        counts, protocol = self._line.counts, self._device.protocol
        begun = f"no reading from {self._device.url} in {wait_s:g} s"
        if counts.refused:
            return f"{begun}: it answers, but {self._line.last_error}"
        if counts.junk_bytes:
            return f"{begun}: {counts.junk_bytes} bytes came, none of them a whole {protocol} frame; is it this" \
                   f" protocol, {line_of(protocol).baud} baud, a good line? see: orchestra device scan"  # fmt: skip
        return f"{begun}: not a byte came; is it awake, wired RX to TX, and does it speak {protocol}?"


def _qualities(known: Known) -> list[tuple[str, str]]:
    return [(one.reading.name, one.reading.quality.value) for one in known.readings]
