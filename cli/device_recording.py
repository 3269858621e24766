"""`orchestra device record` and `replay`: a line kept byte for byte, and read again without the battery."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, TextIO

import typer

from agents.device.device_address import DeviceAddress, decoders_of
from agents.device.judging.known import KnownPacks
from agents.device.line import Line, Listening
from agents.device.recording import Chunk, Head, chunk_line, head_line, opened, statuses
from agents.device.status import inverted, is_measured
from cli.device_lines import (
    Addresses,
    Cells,
    Hours,
    Inverted,
    OwnMap,
    Period,
    Presence,
    Url,
    addresses_of,
    limits_of,
    spoken_in,
)
from cli.device_view import json_row, one_line, overview, view
from cli.missions import Json
from cli.screen import out, say, say_json
from protocol.errors import LinkError, SourceError

_READ_S: Final = 0.05


def record_line(
    url: Url,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; it must not be there yet.")],
    protocol: Annotated[
        str | None, typer.Option(metavar="P", help="Ask as this protocol does; otherwise only listen.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, metavar="S", help="Stop after so long.")] = None,
    period: Period = 1.0,
    address: Addresses = None,
    cells: Cells = None,
    own_map: OwnMap = None,
) -> None:
    """Keep every byte of a line with its time, as text, until it is interrupted. A line that is gone is opened again.

    `orchestra device replay FILE` shows it again, without the battery.
    """
    addresses = addresses_of(address)
    if protocol is None and (addresses or own_map):
        raise SourceError("whoever only listens asks no address and reads no map: add --protocol P")
    device = DeviceAddress(
        url=url, protocol=protocol or "", period_s=period, addresses=addresses, register_map=own_map, cells=cells
    )
    counted = _Recorder(file, protocol).run(device, seconds)
    say(f"{counted} bytes came; see: orchestra device replay {file}{_again(protocol, address, own_map)}")


def _again(protocol: str | None, address: list[str] | None, own_map: Path | None) -> str:
    """Return what a replay has to be told, because the recording does not say it."""
    words = [] if protocol else ["--protocol P"]
    words += [f"--address {one}" for one in address or ()]
    words += [f"--map {own_map}"] if own_map else []
    return "".join(f" {word}" for word in words)


class _Recorder:
    """Writes down what is sent and received. file: made anew, when the line is there."""

    def __init__(self, file: Path, protocol: str | None) -> None:
        self._file, self._protocol = file, protocol
        self._began_ns, self._counted = time.monotonic_ns(), 0

    def run(self, device: DeviceAddress, seconds: float | None) -> int:
        """Record, and return how many bytes came.

        Raises:
            SourceError: there cannot be such a file or device.
            LinkError: the line never was there.
        """
        kept, presence = list[Chunk](), Presence(is_told=True)
        end_s = time.monotonic() + seconds if seconds else float("inf")
        with closing(self._line(device, kept.append)) as line:
            _poll(line, presence)  # so that there is no file where there is no line
            with self._opened() as written:
                try:
                    while time.monotonic() < end_s:
                        _poll(line, presence)
                        self._write(kept, written)
                except KeyboardInterrupt:
                    self._write(kept, written)
        return self._counted

    def _line(self, device: DeviceAddress, take: Callable[[Chunk], None]) -> Line | Listening:
        def keep(is_sent: bool, data: bytes) -> None:
            take(Chunk(time.monotonic_ns() - self._began_ns, is_sent, data))

        return Line(device, keep) if self._protocol else Listening(device.url, keep)

    def _opened(self) -> TextIO:
        try:
            written = self._file.open("x", encoding="ascii", buffering=1)
        except OSError as error:
            raise SourceError(f"cannot record to {self._file}: {error.strerror}") from error
        written.write(head_line(Head(time.time_ns(), self._protocol)))
        return written

    def _write(self, kept: list[Chunk], written: TextIO) -> None:
        for chunk in kept:
            self._counted += 0 if chunk.is_sent else len(chunk.data)
            written.write(chunk_line(chunk))
        kept.clear()


def _poll(line: Line | Listening, presence: Presence) -> None:
    now_s = time.monotonic()
    try:
        line.poll(now_s, _READ_S)
    except LinkError as error:
        presence.gone(error, now_s)
        time.sleep(_READ_S)
        return
    presence.there(now_s)


def replay_line(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `orchestra device record` has kept.")],
    protocol: Annotated[
        str | None, typer.Option(metavar="P", help="What it speaks; default: as it was recorded.")
    ] = None,
    as_json: Json = False,
    address: Addresses = None,
    cells: Cells = None,
    ah: Hours = None,
    invert_current: Inverted = False,
    own_map: OwnMap = None,
) -> None:
    """Read a recording as if it came over the line now, as fast as possible: a line for each reading, and a page at
    the end.

    The same bytes are judged the same way, so a fault can be looked at again without the battery.
    """
    given = DeviceAddress(
        url=str(file),
        protocol=protocol or "",
        addresses=addresses_of(address),
        is_current_inverted=invert_current,
        register_map=own_map,
        cells=cells,
    )
    with opened(file) as (head, chunks):
        device = replace(given, protocol=spoken_in(file, head, protocol))
        _replay(head, chunks, device, ah, as_json)


def _replay(
    head: Head, chunks: Iterator[Chunk], device: DeviceAddress, battery_ah: float | None, is_json: bool
) -> None:
    name, watched, at_s = device.protocol, KnownPacks(limits_of(device, battery_ah)), None
    for at_ns, said in statuses(chunks, *decoders_of(device)):
        at_s, status = at_ns / 1e9, inverted(said) if device.is_current_inverted else said
        for pack, known in watched.take(status, at_s).items():
            if is_json:
                say_json({**json_row(known, head.began_ns + at_ns, device.url, name, None), "pack": pack or None})
            elif is_measured(status):
                say(f"{at_s:9.3f} s  {f'pack {pack}  ' if pack else ''}{one_line(known)}")
    if at_s is None:
        raise LinkError(f"{device.url} holds no whole frame of {name}")
    if not is_json:
        _page(f"{device.url}  {name}", watched, at_s)


def _page(title: str, watched: KnownPacks, at_s: float) -> None:
    packs = watched.look(at_s)
    if len(packs) > 1:
        out.print(overview(title, packs))
        return
    for pack, known in packs.items():
        out.print(view(f"{title}{f'  pack {pack}' if pack else ''}", known))
