"""`python -m tests.agents.device.fault_table`: what is found of each fault and how soon, into docs/device.md."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Final, TypeAlias

from agents.device.emulation.catalogue import SPEECHES
from agents.device.emulation.faults import ORDERS
from agents.device.emulation.pack_model import after, pack_of, status_of
from agents.device.polling import Counts
from agents.device.status import Status
from tests.agents.device.days import DAY_S, day
from tests.agents.device.tables import put, table
from tests.agents.device.virtual import Sign, VirtualLine, Watch

MODULE: Final = "tests.agents.device.fault_table"
SOUND_S, FAULTY_S, LONGEST_S = 20.0, 130.0, 3600
_LONGER: Final = {"stuck": (60.0, 1000.0)}  # charge has to flow before it shows
_NUMBERS: Final = {"CELL V": "7 3.72", "RATE": "0.02", " [SECONDS]": " 4", "N": "3"}
_TOLD: Final = re.compile(r"([^;]+), ([0-9.]+) s")
_ALIKE_S: Final = 10.0
Row: TypeAlias = tuple[str, ...]


def lines(day_period_s: float = 1.0) -> list[str]:
    """What stands in the document. day_period_s: how often a day is looked at in which nothing is wrong."""
    ordered = table(("order", "device", "doubted", "alarm", "counted on the line"), list(order_rows()))
    changed = table(("what the device says", "doubted", "alarm"), [*sensor_rows(), normal_row(day_period_s)])
    return [*ordered, "", *changed]


def order_rows(names: Sequence[str] = tuple(SPEECHES)) -> Iterator[Row]:
    """A row for each order: of the first protocol that knows it, then of those of which something else is found."""
    for word, order in ORDERS.items():
        rows = {name: emulated(name, _spelt(order.usage, name)) for name in names if _knows(name, word)}
        first = next(iter(rows), "")
        for name, row in rows.items():
            if name == first or not _is_alike(row, rows[first]):
                yield (f"`{_spelt(order.usage, name)}`", name, *row)


def emulated(name: str, order: str) -> Row:
    """What is found of a fault that an emulated device has after it was sound for a while."""
    line, watch = VirtualLine(name), Watch(SPEECHES[name].period_s)
    sound_s, faulty_s = _LONGER.get(order, (SOUND_S, FAULTY_S))
    line.run(sound_s, watch.see)
    assert watch.signs == {}, "a sound device was doubted"
    before, watch.began_s = line.counts, line.now_s
    line.order(order)
    end_s = line.now_s + faulty_s
    while line.now_s < end_s and not (order in _LONGER and _is_done(watch)):
        line.run(10.0, watch.see)
    return (*_found(watch), _counted(before, line))


def _spelt(usage: str, name: str) -> str:
    """An order with numbers in it. A device with two sensors loses its first."""
    if usage.startswith("open-ntc"):
        return "open-ntc 1"
    for place, number in _NUMBERS.items():
        usage = usage.replace(place, number)
    return usage


def _knows(name: str, word: str) -> bool:
    if name == "vedirect-text" and word in ("overvoltage", "open-wire"):
        return False  # it tells of no cells
    return word != "wrong-address" or SPEECHES[name].readdress is not None


def _is_alike(row: Row, other: Row) -> bool:
    """Return whether the same was found, within some seconds; what was counted on the line does not matter."""
    found, others = (_TOLD.findall("; ".join(one[:2])) for one in (row, other))
    close = (
        abs(float(after_s) - float(other_s)) < _ALIKE_S
        for (_, after_s), (_, other_s) in zip(found, others, strict=False)
    )
    return [what for what, _ in found] == [what for what, _ in others] and all(close)


def _found(watch: Watch) -> Row:
    doubts, alarms = ([one for one in watch.signs.values() if one.is_alarm is which] for which in (False, True))
    return _in_words(doubts), _in_words(alarms)


def _in_words(signs: Sequence[Sign]) -> str:
    in_order = sorted(signs, key=lambda one: one.after_s)
    return "; ".join(f"{one.what}, {one.after_s:.1f} s" for one in in_order) or "**no**"


def _counted(before: Counts, line: VirtualLine) -> str:
    if line.gone:
        return "the line is gone, 0.0 s"
    now = line.counts
    counts = {"junk bytes": now.junk_bytes - before.junk_bytes, "refused frames": now.refused - before.refused,
              "time-outs": now.timeouts - before.timeouts}  # fmt: skip
    return "; ".join(f"{what}, {count}" for what, count in counts.items() if count) or "no"


Change: TypeAlias = Callable[[Status, float], Status]


def _cell(status: Status, number: int, volts: float) -> Status:
    return replace(status, cells={**status.cells, number: round(volts, 3)})


def _warm(status: Status, sensor: str, celsius: float) -> Status:
    return replace(status, temperatures={**status.temperatures, sensor: round(celsius, 1)})


def _fewer(status: Status, _: float) -> Status:
    cells = {number: volts for number, volts in status.cells.items() if number < len(status.cells)}
    return replace(status, cells=cells, cell_count=len(cells))


def _added(status: Status, **amounts: float) -> Status:
    return replace(status, **{name: round(getattr(status, name) + more, 2) for name, more in amounts.items()})


# Named with the current that is wanted meanwhile: charge that flows is what many checks live on.
_CHANGES: Final[Mapping[str, tuple[float, Change]]] = {
    "a cell reads 3.3 V always, -140 A": (-140, lambda status, _: _cell(status, 7, 3.3)),
    "a cell drifts by 0.5 mV/s, -28 A": (-28, lambda status, s: _cell(status, 7, status.cells[7] + s / 2000)),
    "a cell reads 20 mV too much, -28 A": (-28, lambda status, _: _cell(status, 7, status.cells[7] + 0.02)),
    "a cell reads 60 mV too little, at rest": (0, lambda status, _: _cell(status, 7, status.cells[7] - 0.06)),
    "a cell reads 16 V": (-28, lambda status, _: _cell(status, 7, 16.57)),
    "one cell is no longer told of": (-28, _fewer),
    "the pack reads 3 V more than its cells": (-28, lambda status, _: _added(status, pack_voltage_v=3.0)),
    "the pack reads 0 V": (-28, lambda status, _: replace(status, pack_voltage_v=0.0)),
    "the current has the wrong sign, -140 A": (-140, lambda status, _: replace(status, current_a=140.0)),
    "the current has the wrong sign, -2.8 A": (-2.8, lambda status, _: replace(status, current_a=2.8)),
    "the current reads 0, -140 A": (-140, lambda status, _: replace(status, current_a=0.0)),
    "the current reads 0, -2.8 A": (-2.8, lambda status, _: replace(status, current_a=0.0)),
    "the SOC jumps by 30 %": (-28, lambda status, _: _added(status, soc_percent=30.0)),
    "the SOC stands still, -140 A": (-140, lambda status, _: replace(status, soc_percent=70)),
    "the charge switch is off, 28 A": (28, lambda status, _: replace(status, charge_fet=False)),
    "the discharge switch is off, -28 A": (-28, lambda status, _: replace(status, discharge_fet=False)),
    "a temperature jumps by 30 °C": (-28, lambda status, _: _warm(status, "2", status.temperatures["2"] + 30)),
    "a temperature drifts by 0.1 °C/s": (-28, lambda status, s: _warm(status, "2", status.temperatures["2"] + s / 10)),
    "a sensor is shorted: 160 °C": (-28, lambda status, _: _warm(status, "2", 160.0)),
    "a sensor is open: -40 °C": (-28, lambda status, _: _warm(status, "2", -40.0)),
    "a temperature is 5 °C too high": (-28, lambda status, _: _warm(status, "2", status.temperatures["2"] + 5)),
}
_STILL_A: Final = {"everything stands still, -140 A": -140.0, "everything stands still, at rest": 0.0}


def sensor_rows(names: Sequence[str] | None = None) -> Iterator[Row]:
    """A row for each fault of a sensor, put into what a sound monitor says. names: of some; None: of all."""
    changes = {**_CHANGES, **{name: (current_a, _still()) for name, current_a in _STILL_A.items()}}
    for name, (current_a, change) in changes.items():
        if names is None or name in names:
            yield (name, *_found(_changed(current_a, change)))


def _still() -> Change:
    kept: list[Status] = []

    def change(status: Status, _: float) -> Status:
        if not kept:
            kept.append(status)
        return kept[0]

    return change


def _changed(current_a: float, change: Change) -> Watch:
    """What is found within an hour while about so much current flows: a load is never quite steady."""
    noise, pack, watch = Random(5), pack_of(5, charge=0.7), Watch()
    watch.began_s = SOUND_S
    for second in range(LONGEST_S):
        pack = after(pack, current_a * noise.uniform(0.9, 1.0), 1.0)
        status = status_of(pack, noise)
        is_sound = second < SOUND_S
        watch.see(status if is_sound else change(status, second - SOUND_S), float(second))
        assert not (is_sound and watch.signs), "a sound device was doubted"
        if _is_low(status) or _is_done(watch):
            return watch
    return watch


def _is_done(watch: Watch) -> bool:
    """Return whether what can still come is only the same again: a doubt and the alarm that follows it."""
    return any("readings-doubted" in what or "critical" in what for what in watch.signs)


def _is_low(status: Status) -> bool:
    return (status.soc_percent or 0.0) < 25


def normal_row(period_s: float) -> Row:
    """What is found in a day in which nothing is wrong."""
    watch = Watch(period_s)
    for at_s, status in day(3, period_s):
        watch.see(status, at_s)
    counts = [sum(one.is_alarm is which for one in watch.signs.values()) for which in (False, True)]
    return (f"nothing is wrong, for {DAY_S // 3600} hours from full to empty and back", *map(str, counts))


if __name__ == "__main__":
    put(MODULE, lines())
