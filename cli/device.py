"""`orchestra device`: looking at a battery, rehearsing without one, and keeping what came over the line."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, TextIO

import typer
from rich.live import Live

from agents.device.decoder import Decoder
from agents.device.emulation.catalogue import SPEECHES
from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.faults import ORDERS, fault_of
from agents.device.emulation.serving import Serving
from agents.device.limits import Limits
from agents.device.link import Link
from agents.device.links.opening import open_link
from agents.device.polling import Pace, Poller
from agents.device.protocols.catalogue import DECODERS, LINES
from agents.device.recording import Chunk, Head, RecordedLink, chunk_line, head_line, read_recording, statuses
from agents.device.status import Status
from agents.device.watched import Watched, is_measured
from cli.device_plot import plot
from cli.device_view import NOT_A_PROTECTION, json_row, one_line, view
from cli.lines import Lines
from cli.missions import Json
from cli.screen import out, say, say_json, table, warn
from protocol.errors import LinkError, OrchestraError, SourceError

device_app = typer.Typer(
    no_args_is_help=True,
    help="Batteries and their monitors: look at one, emulate one, record one. It monitors; it does not protect.",
)
device_app.command()(plot)
_READ_S: Final = 0.05
_REDRAW_S: Final = 0.25
Url = Annotated[
    str, typer.Argument(metavar="URL", help="/dev/ttyUSB0?baud=9600, serial:///dev/serial/by-id/… or tcp://HOST:PORT.")
]
Spoken = Annotated[str, typer.Option("--protocol", metavar="P", help="What it speaks; see: orchestra device info.")]
Period = Annotated[float, typer.Option(min=0.1, max=3600, metavar="S", help="Ask it each S seconds.")]


@device_app.command("info")
def show_protocols(as_json: Json = False) -> None:
    """List the protocols that are understood, how their lines are set, and which of them can be emulated.

    A line has 8 data bits, no parity and one stop bit, always.
    """
    rows = [_protocol_row(name) for name in sorted(DECODERS)]
    if as_json:
        for row in rows:
            say_json(row)
        return
    columns = ["protocol", "baud", "wires", "the device", "emulated"]
    talks = {True: "is asked", False: "talks by itself"}
    table(
        f"{len(rows)} protocols",
        columns,
        [[row["protocol"], row["baud"], row["wires"], talks[row["asked"]], "yes" if row["emulated"] else ""]
         for row in rows],
    )  # fmt: skip
    say(NOT_A_PROTECTION)


def _protocol_row(name: str) -> dict[str, Any]:
    line = LINES[name]
    about = {"protocol": name, "baud": line.baud, "wires": line.wires}
    return {**about, "asked": bool(DECODERS[name]().asks()), "emulated": name in SPEECHES}


@device_app.command()
def emulate(
    protocol: Spoken,
    cells: Annotated[int, typer.Option(min=1, max=48, help="How many cells the pack has.")] = 16,
    fault: Annotated[
        list[str] | None, typer.Option(metavar="ORDER", help='A fault from the start, such as "overvoltage 7 3.72".')
    ] = None,
    link: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A symbolic link to the pty, gone at the end.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which pack: the same one behaves the same.")] = 1,
) -> None:
    """Be a battery that is not there: a pack of LFP cells behind a pty, at the protocol's real line rate.

    The first line of output is the path to open: orchestra device monitor PATH --protocol P. Its current swings between
    charging and discharging with 40 A, once in ten minutes.

    Orders on standard input, one a line: overvoltage CELL V, open-wire N, stuck, open-ntc N, lost RATE, flipped RATE,
    silent, sleep, echo, unplug, plug, slow SECONDS, wrong-address, clear, clear FAULT, help, quit. It goes on when
    standard input ends, until it is interrupted.
    """
    speech = SPEECHES.get(protocol)
    if speech is None:
        raise SourceError(f"{protocol!r} cannot be emulated; there are: {', '.join(sorted(SPEECHES))}")
    if cells not in speech.cells:
        raise SourceError(f"{protocol} takes {speech.cells[0]} to {speech.cells[-1]} cells, not {cells}")
    device = EmulatedDevice(speech, cells=cells, seed=seed)
    for text in fault or ():
        fault_of(text, cells, speech)  # before there is a port: a slip is told at once
    serving = Serving(device, cells, LINES[protocol].baud, link)
    say(serving.path or "")
    warn(f"emulating {protocol}; orders: {', '.join(order.usage for order in ORDERS.values())}, plug, clear, quit")
    for text in fault or ():
        serving.order(text)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the link goes away
    try:
        serving.run(_orders(serving))
    except KeyboardInterrupt:
        return


def _orders(serving: Serving) -> Callable[[], bool]:
    lines = Lines(sys.stdin.fileno())

    def is_over() -> bool:
        """Carry out an order that has come; return whether it was to stop."""
        text = (lines.take() or "").strip()
        if text == "help":
            for order in ORDERS.values():
                warn(f"{order.usage:20} {order.says}")
        elif text not in ("", "quit"):
            try:
                warn(serving.order(text))
            except OrchestraError as error:
                warn(f"error: {error}", "red")
        return text == "quit"

    return is_over


@device_app.command()
def monitor(
    url: Url,
    protocol: Spoken,
    once: Annotated[bool, typer.Option("--once", help="Print one reading and leave.")] = False,
    as_json: Json = False,
    period: Period = 1.0,
    wait: Annotated[float, typer.Option(min=0.1, metavar="S", help="With --once: how long to wait for it.")] = 10.0,
) -> None:
    """Look at a battery: cells as bars, temperatures, current, SOC, alarms, and how far each can be relied on.

    A reading is good, suspect (it contradicts others, or what was before), stale, or absent; an old one is never shown
    as new. Bytes without the right length, type and check sum are never believed.

    It only asks; nothing is ever switched. It monitors and does not protect. Exit codes: 0 a reading was shown, 1 the
    line is gone or no answer came, 2 there is no such protocol or address.
    """
    decoder = _decoder(protocol)
    with _opened(url, protocol) as link:
        poller, watched = Poller(link, decoder, _pace(protocol, period)), Watched(Limits(period_s=period))
        show = _Show(url, protocol, poller, watched, as_json)
        if once:
            show.one(wait)
            return
        try:
            show.on()
        except KeyboardInterrupt:
            return


@device_app.command("record")
def record_line(
    url: Url,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; it must not be there yet.")],
    protocol: Annotated[
        str | None, typer.Option(metavar="P", help="Ask as this protocol does; otherwise only listen.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, metavar="S", help="Stop after so long.")] = None,
    period: Period = 1.0,
) -> None:
    """Keep every byte of a line with its time, as text, until it is interrupted or the line is gone.

    `orchestra device replay FILE` shows it again, without the battery.
    """
    decoder = _decoder(protocol) if protocol else None
    with _opened(url, protocol) as link:
        counted = _record(link, file, protocol, decoder, seconds, period)
    say(f"{counted} bytes came; see: orchestra device replay {file}{'' if protocol else ' --protocol P'}")


def _record(
    link: Link, file: Path, protocol: str | None, decoder: Decoder | None, seconds: float | None, period: float
) -> int:
    counted, began_ns = 0, time.monotonic_ns()
    end_s = time.monotonic() + seconds if seconds else float("inf")
    try:
        kept = file.open("x", encoding="ascii", buffering=1)
    except OSError as error:
        raise SourceError(f"cannot record to {file}: {error.strerror}") from error
    with kept:
        kept.write(head_line(Head(time.time_ns(), protocol)))

        def keep(is_sent: bool, data: bytes) -> None:
            nonlocal counted
            counted += 0 if is_sent else len(data)
            kept.write(chunk_line(Chunk(time.monotonic_ns() - began_ns, is_sent, data)))

        recorded = RecordedLink(link, keep)
        poller = Poller(recorded, decoder, _pace(protocol, period)) if decoder and protocol else None
        try:
            while (now_s := time.monotonic()) < end_s:
                if poller:
                    poller.poll(now_s, _READ_S)
                else:
                    recorded.read(_READ_S)
        except KeyboardInterrupt:
            return counted
    return counted


@device_app.command("replay")
def replay_line(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `orchestra device record` has kept.")],
    protocol: Annotated[
        str | None, typer.Option(metavar="P", help="What it speaks; default: as it was recorded.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read a recording as if it came over the line now, as fast as possible: a line for each reading, and a page at
    the end.

    The same bytes are judged the same way, so a fault can be looked at again without the battery.
    """
    try:
        with file.open(encoding="ascii", errors="replace", newline="\n") as lines:
            _replay(file, lines, protocol, as_json)
    except OSError as error:
        raise SourceError(f"cannot read {file}: {error.strerror}") from error


def _replay(file: Path, lines: TextIO, protocol: str | None, is_json: bool) -> None:
    head, chunks = read_recording(lines, str(file))
    name = protocol or head.protocol
    if name is None:
        raise SourceError(f"{file} does not say what the device speaks: add --protocol P")
    watched, known = Watched(Limits()), None
    for at_ns, status in statuses(chunks, _decoder(name)):
        known = watched.take(status, at_ns / 1e9)
        if is_json:
            say_json(json_row(known, head.began_ns + at_ns, str(file), name, None))
        elif is_measured(status):
            say(f"{at_ns / 1e9:9.3f} s  {one_line(known)}")
    if known is None:
        raise LinkError(f"{file} holds no whole frame of {name}")
    if not is_json:
        out.print(view(f"{file}  {name}", known))


class _Show:
    """Shows what a poller brings."""

    def __init__(self, url: str, protocol: str, poller: Poller, watched: Watched, is_json: bool) -> None:
        self._url, self._protocol, self._poller, self._watched = url, protocol, poller, watched
        self._is_json = is_json

    def one(self, wait_s: float) -> None:
        """Raises LinkError when nothing has been measured after so long."""
        end_s = time.monotonic() + wait_s
        while (now_s := time.monotonic()) < end_s:
            status = self._poller.poll(now_s, _READ_S)
            if status is not None:
                self._watched.take(status, now_s)
                if is_measured(status):
                    self._print(now_s)
                    return
        raise LinkError(self._silence(wait_s))

    def on(self) -> None:
        """Show until the line is gone."""
        if self._is_json or not out.is_terminal:
            self._lines()
        with Live(console=out, auto_refresh=False) as live:
            drawn_s = float("-inf")
            while True:
                now_s = time.monotonic()
                if (status := self._poller.poll(now_s, _READ_S)) is not None:
                    self._watched.take(status, now_s)
                if now_s - drawn_s >= _REDRAW_S:
                    live.update(self._page(now_s), refresh=True)
                    drawn_s = now_s

    def _lines(self) -> None:
        while True:
            now_s = time.monotonic()
            status = self._poller.poll(now_s, _READ_S)
            if status is not None:
                self._line(status, now_s)

    def _line(self, status: Status, now_s: float) -> None:
        known = self._watched.take(status, now_s)
        if self._is_json:
            say_json(json_row(known, time.time_ns(), self._url, self._protocol, self._poller.counts))
        elif is_measured(status):
            say(one_line(known))

    def _print(self, now_s: float) -> None:
        if self._is_json:
            known = self._watched.look(now_s)
            say_json(json_row(known, time.time_ns(), self._url, self._protocol, self._poller.counts))
        else:
            out.print(self._page(now_s))

    def _page(self, now_s: float) -> Any:
        return view(f"{self._url}  {self._protocol}", self._watched.look(now_s), self._poller.counts)

    def _silence(self, wait_s: float) -> str:
        """Say why there is nothing to show, as far as it can be told."""
        counts = self._poller.counts
        begun = f"no reading from {self._url} in {wait_s:g} s"
        if counts.refused:
            return f"{begun}: it answers, but {self._poller.last_error}"
        if counts.junk_bytes:
            return f"{begun}: {counts.junk_bytes} bytes came, none of them a whole {self._protocol} frame; is it this" \
                   f" protocol, {LINES[self._protocol].baud} baud, a good line? see: orchestra device info"  # fmt: skip
        return f"{begun}: not a byte came; is it awake, wired RX to TX, and does it speak {self._protocol}?"


def _decoder(protocol: str) -> Decoder:
    if protocol not in DECODERS:
        raise SourceError(f"{protocol!r} is no protocol; there are: {', '.join(sorted(DECODERS))}")
    return DECODERS[protocol]()


def _pace(protocol: str | None, period_s: float) -> Pace:
    pause_s = LINES[protocol].pause_s if protocol else 0.0
    return Pace(period_s=period_s, longest_s=max(8.0, period_s), pause_s=pause_s, silence_s=max(3.0, 3 * period_s))


@contextmanager
def _opened(url: str, protocol: str | None) -> Iterator[Link]:
    link = open_link(url, LINES[protocol].baud if protocol else 9600)
    try:
        yield link
    finally:
        link.close()
