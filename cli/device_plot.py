"""`orchestra device plot`: the history of a battery as a picture."""

import re
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli.device_history import of_recording, of_run
from cli.runs import find_run
from cli.screen import say
from cli.settings import load
from cli.writing import write_whole
from observers.battery.history import NS, History
from observers.battery.time_axis import moment
from protocol.errors import LinkError, SourceError
from protocol.names import parse_timestamp

_KINDS: Final = (".png", ".svg", ".html")
_EXTRAS: Final = ("matplotlib", "numpy")

Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="A run (folder, id or `last`), or a file of `device record`.")
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="FILE.png, FILE.svg or FILE.html; default: the source's name.png, here."
    ),
]
Device = Annotated[str | None, typer.Option(metavar="NAME", help="Only this battery, where there are several.")]
Begin = Annotated[str | None, typer.Option("--from", metavar="T", help="From when, such as 2026-11-21T09:30; UTC.")]
End = Annotated[str | None, typer.Option("--to", metavar="T", help="Until when.")]
Protocol = Annotated[
    str | None, typer.Option(metavar="P", help="Of a recording: what it speaks; default: as it was recorded.")
]


def plot(
    source: Source,
    output: Output = None,
    device: Device = None,
    begin: Begin = None,
    end: End = None,
    protocol: Protocol = None,
) -> None:
    """Draw the history of a battery: cells, delta, current, temperatures, SOC, alarms and quality over one time.

    A line breaks where nothing was measured: an old value is not drawn as a new one, and what is in doubt is marked.
    HTML is one page without a script that has the numbers too. Several batteries make a file each, NAME-DEVICE.png.

    Needs matplotlib: pip install 'agent-orchestra[plot]'. Exit codes: 0 drawn, 1 there is nothing to draw, 2 wrong
    usage or the extra is missing.
    """
    shown = _moment("--from", begin), _moment("--to", end)
    if shown[0] is not None and shown[1] is not None and shown[0] >= shown[1]:
        raise SourceError(f"--from {begin} is not before --to {end}")
    if output is not None and output.suffix.lower() not in _KINDS:
        raise SourceError(f"{output} does not end in {', '.join(_KINDS[:-1])} or {_KINDS[-1]}: name a file that does")
    drawing = _drawing()
    file = Path(source)
    if file.is_file():
        name, called, histories = file.stem, file.name, of_recording(file, protocol)
    else:
        run = find_run(load(), source)
        name, called, histories = run.id, run.id, of_run(run)
    if device is not None:
        histories = [_named(device, histories)]
    for history, path in zip(histories, _paths(output or Path(f"{name}.png"), histories), strict=True):
        raw = _drawn(drawing, history, shown, called, path.suffix.lower())
        say(f"{path}: {write_whole(path, raw):,} bytes; {history.device}")


def _drawn(drawing: Any, history: History, shown: tuple[float | None, float | None], source: str, kind: str) -> bytes:
    begin_s = history.begin_s if shown[0] is None else shown[0]
    end_s = history.end_s if shown[1] is None else shown[1]
    made: bytes | None = drawing.rendered(history, begin_s, end_s, source, kind)
    if made is None:
        told = f"from {moment(history.begin_s)} to {moment(history.end_s)} UTC"
        raise LinkError(f"nothing was measured of {history.device} in that time; it was told of {told}")
    return made


def _drawing() -> Any:
    """Return the module that draws, loaded when it is needed: its library is an extra.

    Raises:
        SourceError: the library is not installed, or does not load with the settings of this user.
    """
    try:
        return import_module("observers.battery.rendering")
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in _EXTRAS:
            raise
        raise SourceError("pictures need an extra: pip install 'agent-orchestra[plot]'") from error
    except ValueError as error:
        # While it is loaded matplotlib reads both, whatever we set afterwards.
        raise SourceError(f"matplotlib does not load: {error}; look at MPLBACKEND and its matplotlibrc") from error


def _moment(option: str, text: str | None) -> float | None:
    """Return a moment in seconds since 1970; None where none was given."""
    try:
        return None if text is None else parse_timestamp(text) / NS
    except (ValueError, OverflowError) as error:
        raise SourceError(f"{option} {text!r} is no moment such as 2026-11-21T09:30 or 2026-11-21T09:30:15Z") from error


def _named(device: str, histories: Sequence[History]) -> History:
    for history in histories:
        if history.device == device:
            return history
    raise SourceError(f"nothing was told of {device!r}; there are: {', '.join(one.device for one in histories)}")


def _paths(path: Path, histories: Sequence[History]) -> Iterable[Path]:
    """Return a file for each device: the one that was named, or one with the device in its name."""
    if len(histories) == 1:
        return [path]
    paths = list[Path]()
    for history in histories:
        device = re.sub(r"[^A-Za-z0-9._-]+", "-", history.device)
        taken = sum(one.stem.startswith(f"{path.stem}-{device}") for one in paths)
        wanted = path.with_stem(f"{path.stem}-{device}")
        paths.append(wanted if wanted not in paths else path.with_stem(f"{wanted.stem}-{taken + 1}"))
    return paths
