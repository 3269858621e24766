"""How a device looks on a terminal, and as JSON."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Group
from rich.text import Text

from agents.device.judging.known import Known
from agents.device.judging.plausibility import Judged
from agents.device.polling import Counts
from agents.device.quantities import CURRENT, PACK, SOC, is_cell, is_temperature
from observers.summary import printable
from protocol.bodies import Quality

_LOW_V, _HIGH_V, _WIDTH = 2.5, 3.65, 40
_STYLES: Final = {Quality.GOOD: "green", Quality.SUSPECT: "yellow", Quality.STALE: "dim", Quality.ABSENT: "dim"}
_MOST_REASONS: Final = 4
NOT_A_PROTECTION: Final = "This monitors. It does not protect: that is what the battery's own BMS and fuses are for."


def view(title: str, known: Known, counts: Counts | None = None) -> Group:
    """Return what is known of a device as a page."""
    by_name = {one.reading.name: one for one in known.readings}
    cells = [one for name, one in by_name.items() if is_cell(name)]
    return Group(
        Text(printable(f"{title}{f'  {known.model}' if known.model else ''}"), style="bold"),
        Text("  ".join([*(f"{label} {_value(by_name.get(name))}" for label, name in _TOP), _age(known)])),
        *_bars(cells),
        *_warmth([one for name, one in by_name.items() if is_temperature(name)]),
        _alarms(known),
        *_doubts(known),
        *([] if counts is None else [Text(_counted(counts), style="dim")]),
        Text(NOT_A_PROTECTION, style="dim"),
    )


def overview(title: str, packs: Mapping[str, Known], counts: Counts | None = None) -> Group:
    """Return what is known of several packs as a page: a line for each, and what is doubted."""
    lines = list[Text]()
    for name, known in packs.items():
        style = "bold red" if known.alarms else ""
        lines += [Text(f"pack {printable(name)}  {one_line(known)}  {_age(known)}", style=style), *_doubts(known)]
    return Group(
        Text(printable(title), style="bold"),
        *lines,
        *([] if counts is None else [Text(_counted(counts), style="dim")]),
        Text(NOT_A_PROTECTION, style="dim"),
    )


_TOP: Final = (("pack", PACK), ("current", CURRENT), ("SOC", SOC))


def one_line(known: Known) -> str:
    """Return what is known of a device in a line."""
    by_name = {one.reading.name: one for one in known.readings}
    volts = [float(one.reading.value) for name, one in by_name.items() if is_cell(name) and _is_usable(one)]
    spread = f"cells {min(volts):.3f} to {max(volts):.3f} V, delta {_delta_mv(volts)} mV" if volts else "no cells"
    top = "  ".join(f"{label} {_value(by_name.get(name))}" for label, name in _TOP)
    return f"{top}  {spread}  {_alarms(known).plain}"


def json_row(known: Known, at_ns: int, device: str, protocol: str, counts: Counts | None) -> dict[str, Any]:
    """Return what is known as one JSON object; what is absent has no value."""
    row: dict[str, Any] = {
        "at_ns": at_ns,
        "device": device,
        "protocol": protocol,
        "age_s": None if known.age_s is None else round(known.age_s, 3),
        "alarms": None if known.alarms is None else sorted(known.alarms),
        "readings": [_as_json(one) for one in known.readings],
    }
    if counts is not None:
        row["counts"] = {"frames": counts.frames, "refused": counts.refused, "timeouts": counts.timeouts,
                         "junk_bytes": counts.junk_bytes}  # fmt: skip
    return row


def _as_json(one: Judged) -> dict[str, Any]:
    value = None if one.reading.quality is Quality.ABSENT else float(one.reading.value)
    about = {"name": one.reading.name, "unit": one.reading.unit, "value": value}
    return {**about, "quality": one.reading.quality.value, "reasons": list(one.reasons)}


def _is_usable(one: Judged) -> bool:
    return one.reading.quality.is_usable


def _value(one: Judged | None) -> str:
    if one is None or one.reading.quality is Quality.ABSENT:
        return "-"
    unit = "°C" if one.reading.unit == "degC" else one.reading.unit
    mark = "" if one.reading.quality is Quality.GOOD else f" ({one.reading.quality.value})"
    return f"{one.reading.value:g} {unit}{mark}"


def _age(known: Known) -> str:
    return "UNKNOWN: nothing was heard so far" if known.age_s is None else f"age {known.age_s:.1f} s"


def _bars(cells: list[Judged]) -> Iterator[Text]:
    volts = {_number(one): float(one.reading.value) for one in cells if _is_usable(one)}
    marks = _marks(volts)
    for one in sorted(cells, key=_number):
        number, quality = _number(one), one.reading.quality
        value = volts.get(number)
        shown = "      -" if value is None else f"{value:6.3f} V"
        told = "" if quality is Quality.GOOD else f" {quality.value}"
        text = f"cell {number:2} {_bar(value)} {shown}{marks.get(number, '')}{told}"
        yield Text(text, style=_STYLES[quality])
    if volts:
        low, high = min(volts.values()), max(volts.values())
        yield Text(f"min {low:.3f} V  max {high:.3f} V  delta {_delta_mv(list(volts.values()))} mV")


def _marks(volts: dict[int, float]) -> dict[int, str]:
    """Return which cell is marked as the highest and which as the lowest; of equals the first."""
    if len(set(volts.values())) < 2:
        return {}
    order = sorted(volts)
    return {max(order, key=lambda one: volts[one]): " max", min(order, key=lambda one: volts[one]): " min"}


def _number(one: Judged) -> int:
    return int(one.reading.name.split("-")[1])


def _delta_mv(volts: list[float]) -> int:
    return round((max(volts) - min(volts)) * 1000)


def _bar(volts: float | None) -> str:
    """Return a bar between what an LFP cell may have when empty and when full."""
    part = 0.0 if volts is None else min(max((volts - _LOW_V) / (_HIGH_V - _LOW_V), 0.0), 1.0)
    return ("█" * round(part * _WIDTH)).ljust(_WIDTH, "·")


def _warmth(warm: list[Judged]) -> Iterator[Text]:
    if warm:
        told = (f"{one.reading.name.removeprefix('temperature-')}: {_value(one)}" for one in warm)
        yield Text(printable("temperatures  " + "  ".join(told)))


def _alarms(known: Known) -> Text:
    if known.alarms is None:
        return Text("alarms: the device does not tell")
    # What it has said of its alarms is as old as its readings, and "none" would be taken for all is well.
    is_old = bool(known.readings) and not any(map(_is_usable, known.readings))
    then = " when it last spoke, not known now" if is_old else ""
    if not known.alarms:
        return Text(f"alarms: none{then}")
    return Text(printable(f"ALARMS: {', '.join(sorted(known.alarms))}{then}"), style="bold red")


def _doubts(known: Known) -> Iterator[Text]:
    doubted = [one for one in known.readings if one.reasons and one.reading.quality is not Quality.ABSENT]
    for one in doubted[:_MOST_REASONS]:
        text = f"{one.reading.name} is {one.reading.quality.value}: {one.reasons[0]}"
        yield Text(printable(text), style="yellow")
    if len(doubted) > _MOST_REASONS:
        yield Text(f"and {len(doubted) - _MOST_REASONS} more are doubted; --json tells all", style="yellow")


def _counted(counts: Counts) -> str:
    refused = f"{counts.refused} refused, {counts.timeouts} not answered in time"
    return f"{counts.frames} frames, {refused}, {counts.junk_bytes} bytes of junk"
