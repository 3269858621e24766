"""`orchestra device`: looking at a battery, rehearsing without one, and keeping what came over the line."""

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from agents.device.device_address import OWN_MAP, line_of
from agents.device.emulation.catalogue import EMULATED, served_device
from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.faults import ORDERS, fault_of
from agents.device.emulation.serving import Serving
from agents.device.protocols.catalogue import DECODERS, LINES
from cli.device_lines import Spoken
from cli.device_monitor import monitor
from cli.device_plot import plot
from cli.device_recording import record_line, replay_line
from cli.device_scan import scan
from cli.device_view import NOT_A_PROTECTION
from cli.lines import Lines
from cli.missions import Json
from cli.screen import say, say_json, table, warn
from protocol.errors import OrchestraError

device_app = typer.Typer(
    no_args_is_help=True,
    help="Batteries and their monitors: look at one, emulate one, record one. It monitors; it does not protect.",
)
device_app.command()(plot)


@device_app.command("info")
def show_protocols(as_json: Json = False) -> None:
    """List the protocols that are understood, how their lines are set, and which of them can be emulated.

    A line has 8 data bits, no parity and one stop bit, always.
    """
    rows = [*(_protocol_row(name) for name in sorted(DECODERS)), _OWN_MAP_ROW]
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


_OWN_MAP_ROW: Final = {
    "protocol": OWN_MAP, "baud": line_of(OWN_MAP).baud, "wires": "RS485; --map FILE.yaml", "asked": True,
    "emulated": False,
}  # fmt: skip


def _protocol_row(name: str) -> dict[str, Any]:
    line = LINES[name]
    about = {"protocol": name, "baud": line.baud, "wires": line.wires}
    return {**about, "asked": bool(DECODERS[name]().asks()), "emulated": name in EMULATED}


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
    charging and discharging with 40 A, once in ten minutes. jk, daly, vedirect and mega are short names.

    Orders on standard input, one a line: overvoltage CELL V, open-wire N, stuck, open-ntc N, lost RATE, flipped RATE,
    silent, sleep, echo, unplug, plug, slow SECONDS, wrong-address, clear, clear FAULT, help, quit. It goes on when
    standard input ends, until it is interrupted.
    """
    with closing(served_device(protocol, cells, seed)) as device:
        _emulate(device, cells, fault or (), link)


def _emulate(device: EmulatedDevice, cells: int, faults: Sequence[str], link: Path | None) -> None:
    speech = device.speech
    for text in faults:
        fault_of(text, cells, speech)  # before there is a port: a slip is told at once
    serving = Serving(device, cells, LINES[speech.name].baud, link)
    say(serving.path or "")
    warn(f"emulating {speech.name}; orders: {', '.join(order.usage for order in ORDERS.values())}, plug, clear, quit")
    for text in faults:
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


device_app.command()(monitor)
device_app.command()(scan)
device_app.command("record")(record_line)
device_app.command("replay")(replay_line)
