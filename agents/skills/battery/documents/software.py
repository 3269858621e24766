"""SOFTWARE.md: what the sketch does, in which order, by which limits, and how it is calibrated."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from agents.skills.battery.circuit_roles import Role, Roles, numbers, roles_in
from agents.skills.battery.documents.markdown import NO_PROTECTION, amount, error, linked, numbered, page, prose, table
from agents.skills.battery.figures import counted
from agents.skills.battery.measuring import meter_error
from agents.skills.battery.sketch.words import Named, Sketch, figure, named, opening, watchdog_ms
from gates.design.files import DesignFile, Direction, Level, Limit, RequirementsFile

# A meter that judges a measurement has to be better than what it judges; four times is what calibration asks for.
# Source: ANSI/NCSL Z540.3, test uncertainty ratio.
_BETTER: Final = 4
_NO_SKETCH: Final[Sketch] = MappingProxyType({})


def render(requirements: RequirementsFile, design: DesignFile, sketch: Sketch = _NO_SKETCH) -> bytes:
    """Return SOFTWARE.md. sketch: the files of the sketch by name; its figures are taken from them."""
    roles = roles_in(design)
    return page(
        [
            *_opening(requirements, design),
            *_files(sketch),
            *_loop(sketch, roles),
            *_measuring(sketch, roles),
            *_alarms(),
            *_signals(sketch),
            *_limits(requirements, sketch),
            *_self_tests(sketch),
            *_watchdog(sketch, roles),
            *_line(requirements, roles, sketch),
            *_orders(sketch),
            *_records(sketch, roles),
            *_calibration(requirements, design, sketch),
            *_host(sketch),
        ]
    )


def _opening(requirements: RequirementsFile, design: DesignFile) -> Iterator[str]:
    yield "# Software\n"
    yield (
        f"The sketch in `battery_monitor/` for the {prose(design.board)}: it measures "
        f"{counted(requirements.pack.cells)}, judges by limits of its own, shows that with lights and buzzer, and "
        "reports one line each period.\n"
    )
    yield f"{NO_PROTECTION}\n"
    yield (
        "Three of its files are made from this design and are not edited by hand: `limits.h` from requirements.json, "
        "`pins.h` and `calibration.h` from design.json. Who changes a limit changes the requirement, and all that "
        "rests on it is judged again.\n"
    )


def _files(sketch: Sketch) -> Iterator[str]:
    if not sketch:
        return
    yield "## Files\n"
    stems = dict.fromkeys(name.rpartition(".")[0] or name for name in sorted(sketch))
    yield from table(("file", "what"), (_file_row(sketch, stem) for stem in stems))


def _file_row(sketch: Sketch, stem: str) -> tuple[str, str]:
    """Return the row of a header and the source that carries it out: one of the two says what both are."""
    names = [name for name in sorted(sketch) if (name.rpartition(".")[0] or name) == stem]
    said = [words for words in (opening(sketch[name]) for name in reversed(names)) if words]
    return ", ".join(prose(name) for name in names), prose(said[0] if said else "")


def _loop(sketch: Sketch, roles: Roles) -> Iterator[str]:
    period = figure(sketch, "PERIOD_MS")
    yield "## The loop\n"
    yield (
        f"Nothing in the loop waits: each task does a small step and returns. {_each(period)}"
        "Measured, judged, reported, heard, shown, stored and sent are the tasks; the watchdog is fed only when all of "
        "them have run.\n"
    )
    yield from table(("task", "what it does", "how often"), _tasks(_period(period), roles))


def _each(period: int | None) -> str:
    return f"A scan of all channels begins every {period} ms. " if period is not None else ""


def _period(period: int | None) -> str:
    return f"every {period} ms" if period is not None else "every period"


def _tasks(period: str, roles: Roles) -> Iterator[tuple[str, str, str]]:
    pins = numbers(roles.pins[Role.DEAD_MAN])
    yield "measure", "the next step of the scan", "each turn; a scan is whole " + period
    yield "judge", "counts to readings, plausibility, then each limit", period
    yield "report", "one line to the host and to the logger", period
    yield "hear", "one order from the host; the button, debounced", "each turn"
    yield "show", "lights and buzzer, from the alarms alone", "each turn"
    yield "store", "the next byte to the EEPROM, if it is ready", "each turn"
    yield "send", "what the ports take without waiting", "each turn"
    at = f" and toggle the heartbeat at pin {prose(pins)}" if pins else ""
    yield "feed", f"feed the watchdog{at}", "when all of the above have run"


def _measuring(sketch: Sketch, roles: Roles) -> Iterator[str]:
    if not roles.pins[Role.CELLS]:
        return
    settle, mean = figure(sketch, "SETTLE_MS"), figure(sketch, "OVERSAMPLES")
    filled = f"The capacitor is given {settle} ms to fill. " if settle is not None else ""
    yield "## Measuring a cell: break before make\n"
    yield "```mermaid\nflowchart LR"
    yield "    fill[fill: one cell on the capacitor] --> part[part: all relays open]"
    yield "    part --> settle[settle: capacitor to the converter]"
    yield "    settle --> empty[empty: discharge the capacitor]\n    empty --> fill\n```\n"
    yield (
        f"{filled}Between fill and settle every relay is open, so that no cell and the converter are ever connected to "
        "each other; the two enabling signals are never on together. Because the capacitor is emptied, a cell whose "
        "wire is open reads nothing and not its neighbour.\n"
    )
    if mean is not None:
        yield f"Each reading is the mean of {mean} conversions.\n"


def _alarms() -> Iterator[str]:
    yield "## How an alarm lives\n"
    yield (
        "```mermaid\nstateDiagram-v2\n"
        "    [*] --> clear\n"
        "    clear --> pending: limit reached\n"
        "    pending --> clear: back within the clear value\n"
        "    pending --> raised: beyond it when the delay is over\n"
        "    raised --> acknowledged: somebody acknowledges\n"
        "    raised --> held: cause of an alarm gone\n"
        "    raised --> clear: cause of a warning gone\n"
        "    held --> raised: cause back\n"
        "    held --> clear: somebody acknowledges\n"
        "    acknowledged --> clear: back within the clear value\n```\n"
    )
    yield (
        "- A value at the limit counts as beyond it. The delay runs until the value is back within the clear value, "
        "not until it is back at the limit: a value that trembles about the limit does not escape.\n"
        "- Warnings end by themselves. Alarms stay until somebody has acknowledged them, also when their cause is "
        "gone.\n- An absent reading raises nothing and ends nothing. That it is absent is an alarm of its own.\n"
        "- Of two sensors for the same thing, the worse reading counts.\n"
    )


def _signals(sketch: Sketch) -> Iterator[str]:
    conditions = named(sketch, "CONDITION_")
    if not conditions:
        return
    yield "## What lights and buzzer say\n"
    rows = ((prose(item.name.lower()), prose(item.what)) for item in reversed(conditions))
    yield from table(("condition, worst first", "lights and buzzer"), rows)


def _limits(requirements: RequirementsFile, sketch: Sketch) -> Iterator[str]:
    bits = {item.name: item.number for item in named(sketch, "LIMIT_") if item.name != "COUNT"}
    serves = {name: item.id for item in requirements.requirements for name in item.limits}
    yield "## Limits compiled in\n"
    yield (
        "They are in `limits.h` and change only with a new build: no order, and no damage of the EEPROM, moves them.\n"
    )
    rows = (
        (
            prose(limit.name),
            prose(limit.quantity),
            _speaks(limit),
            f"{_over(limit)} {amount(limit.clear, limit.unit)}",
            _lasting(limit.delay_s),
            "alarm" if limit.level is Level.ALARM else "warning",
            _bit(bits[_name(limit)]) if _name(limit) in bits else "**not in the sketch**" if bits else "–",
            linked(serves[limit.name]) if limit.name in serves else "–",
        )
        for limit in requirements.limits
    )
    yield from table(("limit", "of", "speaks up", "over again", "after", "is", "bit", "requirement"), rows)
    own = [
        name.lower().replace("_", "-") for name in bits if name not in {_name(limit) for limit in requirements.limits}
    ]
    if own:
        yield f"The sketch has of its own: {', '.join(prose(name) for name in own)}.\n"


def _name(limit: Limit) -> str:
    return limit.name.upper().replace("-", "_")


def _speaks(limit: Limit) -> str:
    sign = "≥" if limit.direction is Direction.ABOVE else "≤"
    return f"{sign} {amount(limit.value, limit.unit)}"


def _over(limit: Limit) -> str:
    return "≤" if limit.direction is Direction.ABOVE else "≥"


def _lasting(delay_s: Decimal) -> str:
    return amount(delay_s, "s") if delay_s else "at once"


def _bit(number: int | None) -> str:
    return "–" if number is None else str(number)


def _self_tests(sketch: Sketch) -> Iterator[str]:
    flags, stuck = named(sketch, "FLAG_"), figure(sketch, "STUCK_SAMPLES")
    yield "## Self-tests, each scan\n"
    yield (
        "The known reference and the chip's own are converted with every scan; the cells' sum is held against the "
        "pack, one current sensor against the other, one string of temperature sensors against the other. Values at "
        "the ends of the converter are no values.\n"
    )
    if stuck is not None:
        yield f"A count that stays the same {stuck} times while what should move with it does is taken to be stuck.\n"
    if flags:
        rows = ((_bit(flag.number), prose(flag.name.lower().replace("_", "-")), prose(flag.what)) for flag in flags)
        yield from table(("bit of the flags", "name", "what it says"), rows)


def _watchdog(sketch: Sketch, roles: Roles) -> Iterator[str]:
    after = watchdog_ms(sketch)
    yield "## Start, watchdog, dead man\n"
    time = f" after {after} ms" if after is not None else ""
    yield (
        "The board starts in *unknown* and says so; it is *ok* only after a scan in which no needed value was absent. "
        f"The watchdog runs before the first measurement and resets the board{time} when a task hangs or is left out. "
        "Why the board started is in every line. The bootloader of the board may clear the cause; a mark in memory "
        "still tells whether the power had been away.\n"
    )
    if roles.has(Role.DEAD_MAN):
        yield (
            "The heartbeat pin is toggled in the same place and by the same rule. When it stands still the dead-man "
            "circuit sounds on its own supply, without the board.\n"
        )


def _line(requirements: RequirementsFile, roles: Roles, sketch: Sketch) -> Iterator[str]:
    temperatures = figure(sketch, "TEMPERATURE_COUNT") or len(roles.pins[Role.TEMPERATURES])
    yield "## The line of a period\n"
    yield (
        "```\n$BM,1,sequence,milliseconds,"
        f"<{requirements.pack.cells} × cell mV>,<pack mV>,<shunt mA>,<hall mA>,"
        f"<{temperatures} × 0.1 °C>,<flags>,<alarms>,<reset cause>*CRC\n```\n"
    )
    yield (
        "Current is positive into the battery. `-` stands for a value that is absent: an old one is never sent as new. "
        "Flags, alarms and reset cause are hexadecimal, a bit each. CRC is CRC-16/Modbus over what stands between `$` "
        "and `*`, in four hexadecimal digits. A gap in the sequence is a line that was lost.\n"
    )


def _orders(sketch: Sketch) -> Iterator[str]:
    orders = [item for item in named(sketch, "ORDER_") if item.name not in ("DAMAGED", "UNKNOWN")]
    yield "## Orders from the host\n"
    yield (
        "`TEXT*CRC` and a line feed, with the same CRC over TEXT; each is answered by `$OK` or `$NO` with the reason. "
        "An order with a wrong CRC does nothing. None changes a limit.\n"
    )
    if orders:
        yield from table(("order", "what it does"), (_order_row(item) for item in orders))


_MEANINGS: Final = {
    "HOST": "says that the host is alive; any other sound order says so too",
    "ACKNOWLEDGE": "what the button does: acknowledges all that is raised or held",
    "LOG": "tells the last alarms, the newest first",
    "CAL_CELL": "what the meter shows at cell n, n from 1",
    "CAL_PACK": "what the meter shows at the whole pack",
    "CAL_ZERO": "no current flows now",
    "CAL_SHOW": "tells the corrections that are in use",
    "CAL_SAVE": "keeps them in the EEPROM",
}


def _order_row(order: Named) -> tuple[str, str]:
    spelt, _, what = (order.what or order.name.replace("_", " ")).partition(":")
    return prose(spelt.partition(",")[0]), prose(_MEANINGS.get(order.name, what))


def _records(sketch: Sketch, roles: Roles) -> Iterator[str]:
    kept = figure(sketch, "RING_COUNT")
    yield "## What is kept\n"
    if roles.has(Role.LOGGER):
        yield "- The logger gets each line that goes to the host, whether or not anybody reads it there."
    number = f"The last {kept} alarms" if kept is not None else "The last alarms"
    yield f"- {number} are in the EEPROM, numbered on over restarts, each with a CRC: order `LOG`."
    yield (
        "- The calibration is in the EEPROM twice, each copy with a CRC, written one after the other: one is whole at "
        "any moment. When one is damaged the other is used and a flag says so; when both are, `calibration.h` is used "
        "and another flag says that."
    )
    yield "- Limits are never in the EEPROM.\n"


def _calibration(requirements: RequirementsFile, design: DesignFile, sketch: Sketch) -> Iterator[str]:
    yield "## Calibrating\n"
    yield (
        f"With meters at least {_BETTER} times better than what is asked of the monitor, and as good as DESIGN.md "
        "counts on:\n"
    )
    yield from table(("measurement", "monitor may be off by", "meter may be off by"), _meters(design))
    allowed = error(requirements.accuracy_mv, "mV")
    yield from numbered(_steps(requirements.pack.cells, allowed))
    yield (
        "A correction that is too large is refused: it would hide a fault. There is no order for the gain of the "
        "current sensors and for temperatures; hold them against meters as good as the table says, and adjust the "
        "design.\n"
    )


def _meters(design: DesignFile) -> Sequence[tuple[str, str, str]]:
    return [
        (prose(channel.name), error(channel.required, channel.unit), error(meter_error(channel), channel.unit))
        for channel in design.channels
    ]


def _steps(cells: int, allowed: str) -> Iterator[str]:
    yield "Let the board and the meter warm up for half an hour in the room where they will work. No load, no charger."
    yield "`CAL ZERO` while no current flows, the cable to load and charger taken off: sets the zero of both sensors."
    yield (
        f"For each cell n from 1 to {cells}: measure it at its own taps, behind the fuse, and send `CAL CELL n mV` "
        "with what the meter shows, in mV."
    )
    yield "Measure PACK + against PACK − and send `CAL PACK mV`."
    yield f"Compare all cells again: each within {allowed}. If one is not, do not calibrate it away, find out why."
    yield "`CAL SAVE`. It is answered by `$OK` only after both copies have been read back."
    yield "`CAL SHOW`, and keep the answer with the pack's papers: date, meter, temperature, who."
    yield (
        "Again after a year, after any repair, and whenever sum and pack begin to differ; `CAL ZERO` and `CAL SAVE` "
        "also when the room is 10 °C warmer or colder than when the zero was set: the Hall sensor's zero drifts."
    )


def _host(sketch: Sketch) -> Iterator[str]:
    silent = figure(sketch, "HOST_SILENT_MS")
    yield "## When the host is dead\n"
    after = f" after {amount(Decimal(silent) / 1000, 's')} without a sound order from it" if silent is not None else ""
    yield (
        "Measuring, limits, lights, buzzer, button, logger and dead-man circuit go on: none of them asks the host. "
        f"That it is silent is told{after}, by a flag in the lines and by the yellow light. A port that takes no more "
        "bytes costs lines, never a measurement, and the lost line shows in the sequence."
    )
