"""A recording of a battery, made by the emulated one in time of its own: the same seed gives the same bytes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agents.device.emulation.device import EmulatedDevice
from agents.device.emulation.faults import fault_of
from agents.device.emulation.jbd import SPEECH
from agents.device.protocols.jbd import Jbd
from agents.device.recording import Chunk, Head, chunk_line, head_line

BEGAN_NS: Final = 1_795_200_000_000_000_000
_ASKED_S, _ANSWERED_S = 0.1, 0.05


def record(file: Path, seconds: int, faults: Sequence[tuple[int, str]] = (), seed: int = 1) -> Path:
    """Record a JBD for so long, a status a second. faults: orders, and from which second on they hold."""
    device, asks = EmulatedDevice(SPEECH, seed=seed), Jbd().asks()
    with file.open("w", encoding="ascii") as out:
        out.write(head_line(Head(BEGAN_NS, "jbd")))
        for second in range(seconds):
            device.faults[:] = [fault_of(text, 16, SPEECH) for since, text in faults if since <= second]
            for place, question in enumerate(asks):
                at_s = second + place * _ASKED_S
                out.write(chunk_line(Chunk(round(at_s * 1e9), is_sent=True, data=question)))
                device.step(at_s, question)
                if answer := device.step(at_s + _ANSWERED_S):
                    out.write(chunk_line(Chunk(round((at_s + _ANSWERED_S) * 1e9), is_sent=False, data=answer)))
    return file
