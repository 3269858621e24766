"""`python -m tests.pictures`: the pictures of the documentation, made by the code that they show.

docs/images/monitor.svg is what `orchestra device monitor` shows, docs/images/battery.png what `device plot` draws: an
emulated battery of which a wire is open and a cell has too much.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console

from agents.device.judging.known import Known, KnownDevice
from agents.device.judging.limits import Limits
from agents.device.polling import Counts
from agents.device.protocols.jbd import Jbd
from agents.device.recording import read_recording, statuses
from cli.device_view import view
from cli.main import main
from tests.cases import ROOT
from tests.recorded import record

_IMAGES: Final = ROOT / "docs" / "images"
_SECONDS, _SHOWN_S = 900, 402
_FAULTS: Final = ((300, "open-wire 3"), (400, "overvoltage 7 3.72"))


def monitor(line: Path) -> None:
    """Draw what stands on the terminal some seconds after the second fault."""
    with line.open(encoding="ascii") as lines:
        known = _known(line, lines.readlines())
    console = Console(record=True, width=100, file=(line.parent / "nowhere").open("w"), force_terminal=True)
    console.print(view("/dev/ttyUSB0  jbd", known, Counts(frames=2 * _SHOWN_S)))
    (_IMAGES / "monitor.svg").write_text(console.export_svg(title="orchestra device monitor"), encoding="utf-8")


def _known(line: Path, lines: list[str]) -> Known:
    watched = KnownDevice(Limits(cell_count=16))
    for at_ns, status in statuses(read_recording(lines, str(line))[1], Jbd()):
        known = watched.take(status, at_ns / 1e9)
        if at_ns / 1e9 > _SHOWN_S:
            break
    return known


def battery(line: Path) -> None:
    """Draw the whole recording."""
    main(["device", "plot", str(line), "--output", str(_IMAGES / "battery.png")])


if __name__ == "__main__":
    _IMAGES.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        line = record(Path(folder) / "line.txt", _SECONDS, _FAULTS)
        monitor(line)
        battery(line)
