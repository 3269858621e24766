"""The checks of plausibility: each a pure function from a status and what was before to what is doubted, and why.

1. A check names only readings it has a reason against. Two that contradict each other are doubted both, unless one of
   them is known to be wrong already.
2. What jumped, or cannot be, is never compared with: what comes next is compared with the value before it.
3. Doubt does not mean harmless. What is dangerous if it is true is dangerous while it is doubted.
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Final, TypeAlias

from agents.device.judging.limits import Limits
from agents.device.judging.past import Now, Past, capacity_ah, counter_of, moved_ah
from agents.device.quantities import (
    CHARGE_FET,
    CURRENT,
    DISCHARGE_FET,
    PACK,
    REMAINING,
    SOC,
    cell_name,
    is_cell,
    is_temperature,
)

Doubts: TypeAlias = Mapping[str, str]
Check: TypeAlias = Callable[[Now, Past, Limits], Doubts]


def rails(values: Mapping[str, float], limits: Limits) -> Doubts:
    """Return which values are what a missing sensor sends."""
    return {
        name: f"{value:g} is what is sent without a sensor"
        for name, value in values.items()
        for rail in _rails_of(name, limits)
        if abs(value - rail) < 1e-6
    }


def _rails_of(name: str, limits: Limits) -> Sequence[float]:
    if is_cell(name):
        return limits.cell_rails
    if is_temperature(name):
        return limits.temperature_rails
    return {CURRENT: limits.current_rails, SOC: limits.percent_rails}.get(name, ())


def ranges(now: Now, past: Past, limits: Limits) -> Doubts:
    """Doubt what cannot be at all."""
    pairs = {name: (value, _range_of(name, limits)) for name, value in now.values.items()}
    return {
        name: f"{value:g} is not between {low:g} and {high:g}"
        for name, (value, (low, high)) in pairs.items()
        if not low <= value <= high
    }


def _range_of(name: str, limits: Limits) -> tuple[float, float]:
    if is_cell(name):
        return limits.cell_v
    if is_temperature(name):
        return limits.temperature_c
    plain = {PACK: limits.pack_v, CURRENT: limits.current_a, SOC: limits.percent, "soh": limits.soh_percent,
             "cycles": limits.cycles, CHARGE_FET: (0.0, 1.0), DISCHARGE_FET: (0.0, 1.0)}  # fmt: skip
    return plain.get(name, limits.capacity_ah)


def cell_counts(now: Now, past: Past, limits: Limits) -> Doubts:
    """Doubt all cells when there are not as many as there should be: their numbers may be shifted."""
    cells, stated = now.cells, now.status.cell_count
    expected = limits.cell_count or stated
    if not cells or expected is None:
        return {}
    highest = max(now.status.cells, default=0)
    if highest > expected or (limits.cell_count and stated not in (None, limits.cell_count)):
        return dict.fromkeys(cells, f"{max(highest, stated or 0)} cells are told of where there are {expected}")
    return {}


def sum_of_cells(now: Now, past: Past, limits: Limits) -> Doubts:
    """Doubt cells and pack that contradict each other. A pack that cannot be is the one that is wrong.

    Cells that are not told of can only add to the sum.
    """
    cells, pack = now.cells, now.values.get(PACK)
    count = limits.cell_count or now.status.cell_count or len(now.status.cells)
    if pack is None or not cells:
        return {}
    total = sum(cells.values())
    allowed = limits.sum_part * total + abs(_current_step(now, past)) * limits.cell_ohm * count
    if total - pack <= allowed + 0.01 and (pack - total <= allowed + 0.01 or len(cells) < count):
        return {}
    reason = f"the cells sum to {total:.2f} V and the pack is {pack:.2f} V"
    if not limits.pack_v[0] <= pack <= limits.pack_v[1]:
        return {PACK: reason}
    outside = {name: reason for name, volts in cells.items() if not limits.cell_v[0] <= volts <= limits.cell_v[1]}
    return outside or {PACK: reason, **dict.fromkeys(cells, reason)}


def _current_step(now: Now, past: Past) -> float:
    """Return by how much the current has changed since the last status, as far as both are known."""
    current = now.values.get(CURRENT)
    return 0.0 if current is None or past.current_a is None else current - past.current_a


def asleep(now: Now, past: Past, limits: Limits) -> Doubts:
    """Doubt what is measured along with a pack of no voltage: a device that sleeps answers with zeros."""
    pack = now.values.get(PACK)
    if pack is None or pack >= limits.pack_v[0]:
        return {}
    told = (CURRENT, SOC, "soh", REMAINING)
    return {name: f"it came with a pack of {pack:g} V" for name in told if name in now.values}


def rates(now: Now, past: Past, limits: Limits) -> Doubts:
    """Doubt what changes faster than it can."""
    if past.at_s is None:
        return {}
    seconds = min(max(now.at_s - past.at_s, 1.0), limits.rate_within_s)
    cell_v = limits.cell_v_per_s * seconds + abs(_current_step(now, past)) * limits.cell_ohm + limits.cell_step_v
    soc = limits.soc_step_percent + _moved_percent(now, past, limits)
    doubts: dict[str, str] = {}
    for name, value in now.values.items():
        if is_cell(name):
            doubts |= _jump(name, value, past, cell_v, limits.confirmations)
        elif is_temperature(name):
            doubts |= _jump(name, value, past, limits.temperature_c_per_s * seconds + limits.temperature_step_c, None)
        elif name == SOC:
            doubts |= _jump(name, value, past, soc, limits.confirmations)
    return doubts


def _moved_percent(now: Now, past: Past, limits: Limits) -> float:
    capacity = capacity_ah(now.values, limits)
    return abs(moved_ah(past, now)) / capacity * 100 if capacity else 0.0


def _jump(name: str, value: float, past: Past, allowed: float, confirmations: int | None) -> Doubts:
    """Doubt a value too far from the last believed one, until enough others in a row have said the same."""
    believed = past.good.get(name)
    if believed is None or abs(value - believed) <= allowed:
        return {}
    is_same = abs(value - past.last[name][0]) <= allowed
    if confirmations is not None and is_same and past.broken.get(name, 0) >= confirmations:
        return {}
    return {name: f"it went from {believed:g} to {value:g} at once"}


def stuck(now: Now, past: Past, limits: Limits) -> Doubts:
    """Doubt one of a group that stands still to the last digit while the others move."""
    cells = _stuck(now.cells, past, max(limits.cell_stuck_v, 3 * limits.cell_step_v), limits)
    warm = _stuck(now.warmth, past, max(limits.temperature_stuck_c, 3 * limits.temperature_step_c), limits)
    return {**cells, **warm}


def _stuck(group: Mapping[str, float], past: Past, moved: float, limits: Limits) -> Doubts:
    if len(group) < 3:
        return {}
    middle, doubts = median(group.values()), dict[str, str]()
    for name, value in group.items():
        one = past.held.get(name)
        if one is None or one.value != value or one.readings < limits.stuck_readings:
            continue
        if (others := abs(middle - one.middle)) >= moved:
            doubts[name] = (
                f"it stood at {value:g} for {one.readings + 1} readings while the others moved by {others:.3g}"
            )
    return doubts


def frozen(now: Now, past: Past, limits: Limits) -> Doubts:
    """Doubt everything when the device goes on talking and has stopped measuring."""
    if past.at_s is None:
        return {}
    reason = _uncounted(now, past, limits) or _unmoved(now, past, limits)
    return dict.fromkeys(now.values, reason) if reason else {}


def _uncounted(now: Now, past: Past, limits: Limits) -> str:
    count = counter_of(now.status, limits)
    if count is None or past.counted is None or past.counted[0] != count:
        return ""
    seconds = now.at_s - past.counted[1]
    return f"the device's own counter has stood still for {seconds:.0f} s" if seconds > limits.stale_s else ""


def _unmoved(now: Now, past: Past, limits: Limits) -> str:
    same = all(past.last.get(name, (None,))[0] == value for name, value in now.values.items())
    if past.changed is None or not same or not {SOC, REMAINING} & now.values.keys():
        return ""
    moved = abs(past.charge_ah + moved_ah(past, now) - past.changed.charge_ah)
    capacity = capacity_ah(now.values, limits) or float("inf")
    due = limits.frozen_ah if REMAINING in now.values else limits.frozen_soc_percent / 100 * capacity
    return f"nothing has changed while {moved:.2f} Ah went through" if moved > due else ""


def open_wires(now: Now, past: Past, limits: Limits) -> Doubts:
    """Doubt two neighbours of which one lacks what the other has too much: the wire between them is open."""
    cells = now.status.cells
    if len(cells) < 3:
        return {}
    middle, doubts = median(cells.values()), dict[str, str]()
    for number in cells.keys() & {other - 1 for other in cells}:
        below, above = cells[number] - middle, cells[number + 1] - middle
        if abs(below) > limits.open_wire_v and abs(below + above) < limits.open_wire_v / 2:
            reason = f"one of cells {number} and {number + 1} has what the other lacks, as with an open wire"
            doubts |= {cell_name(one): reason for one in (number, number + 1) if cell_name(one) in now.values}
    return doubts


def spread(now: Now, past: Past, limits: Limits) -> Doubts:
    """Doubt the temperatures far from the middle where those of one pack lie far apart."""
    group = now.warmth
    if len(group) < 2 or max(group.values()) - min(group.values()) <= limits.spread_c:
        return {}
    middle = median(group.values())
    far = {name: celsius for name, celsius in group.items() if abs(celsius - middle) >= limits.spread_c / 2}
    return {name: f"{celsius:g} is far from the others, around {middle:g}" for name, celsius in far.items()}


def is_against_fets(now: Now, limits: Limits) -> bool:
    """Return whether current flows through a switch that is said to be off."""
    current = now.values.get(CURRENT, 0.0)
    into_off = now.values.get(CHARGE_FET) == 0 and current > limits.fet_a
    out_of_off = now.values.get(DISCHARGE_FET) == 0 and current < -limits.fet_a
    return into_off or out_of_off


def switches(now: Now, past: Past, limits: Limits) -> Doubts:
    """Doubt current and switch that contradict each other twice in a row: one was read a moment after the other."""
    if not is_against_fets(now, limits) or past.against_fets < 1:
        return {}
    switch = CHARGE_FET if now.values[CURRENT] > 0 else DISCHARGE_FET
    reason = f"{now.values[CURRENT]:g} A flow while the switch is said to be off"
    return {CURRENT: reason, switch: reason}


def coulombs(now: Now, past: Past, limits: Limits) -> Doubts:
    """Doubt a SOC that does not follow the charge that was counted, within a window."""
    mark, soc, capacity = past.soc_mark, now.values.get(SOC), capacity_ah(now.values, limits)
    if mark is None or mark.soc_percent is None or soc is None or capacity is None or CURRENT not in now.values:
        return {}
    counted = past.charge_ah + moved_ah(past, now) - mark.charge_ah
    stated = (soc - mark.soc_percent) / 100 * capacity
    allowed = limits.coulomb_part * capacity + limits.coulomb_moved_part * abs(counted)
    # A device that is full, or empty, says so at once: its count was off, not its SOC.
    if abs(stated - counted) <= allowed or soc <= 0.5 or soc >= 99.5:
        return {}
    return {SOC: f"it moved by {stated:.1f} Ah while {counted:.1f} Ah were counted"}


BREAKS: Final[Sequence[Check]] = (ranges, rates)
CHECKS: Final[Sequence[Check]] = (
    *BREAKS,
    cell_counts,
    sum_of_cells,
    asleep,
    stuck,
    frozen,
    open_wires,
    spread,
    switches,
    coulombs,
)
