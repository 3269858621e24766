"""A pack of lithium iron phosphate cells in series as a circuit: what its cells do when a current flows.

Each cell is a source of its open-circuit voltage, a resistance, and two RC pairs, the short one for charge transfer,
the long one for diffusion; its losses heat it, the air cools it. Cells differ a little in capacity, resistance, charge.
The same seed makes the same pack. It is exact for a current that stands still during a step, so a step can be long.

Source: the usual second-order Thevenin model. The curve is the shape of published LFP curves at 25 °C; resistances,
mass and size are of the order of EVE's LF280K (0.25 mΩ at 1 kHz, more for direct current; 5.49 kg).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp
from random import Random
from typing import Final

from agents.device.status import Status

_OCV: Final = (
    (0.00, 2.500), (0.01, 2.700), (0.02, 2.880), (0.05, 3.080), (0.10, 3.195), (0.15, 3.220), (0.20, 3.245),
    (0.30, 3.280), (0.40, 3.290), (0.50, 3.295), (0.60, 3.305), (0.70, 3.325), (0.80, 3.330), (0.90, 3.335),
    (0.95, 3.340), (0.97, 3.355), (0.985, 3.385), (0.995, 3.440), (1.00, 3.520),
)  # fmt: skip
_CHARGES: Final = tuple(charge for charge, _ in _OCV)
_HEAT_J_PER_K: Final = 5.49 * 1000
_LOSS_W_PER_K: Final = 1.0
_FULL_V, _EMPTY_V = 3.55, 2.80
_TAPER_V: Final = 0.10


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell is made of: it does not change. Pairs: resistance in ohm, time constant in seconds."""

    capacity_ah: float
    ohm: float
    fast: tuple[float, float]
    slow: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Condition:
    """How a cell is. charge: 0 to 1; fast_v, slow_v: over its RC pairs."""

    charge: float
    celsius: float
    fast_v: float = 0.0
    slow_v: float = 0.0


@dataclass(frozen=True, slots=True)
class Pack:
    """cells: what they are made of; now: how they are, in the same order. current_a: into it, in the last step."""

    cells: tuple[Cell, ...]
    now: tuple[Condition, ...]
    current_a: float = 0.0


def pack_of(
    seed: int, *, cells: int = 16, capacity_ah: float = 280.0, charge: float = 0.5, celsius: float = 25.0
) -> Pack:
    """Return a rested pack. Capacity and resistance differ by 1 % from cell to cell, charge by 0.2 %."""
    random = Random(seed)
    made = tuple(_cell(random, capacity_ah) for _ in range(cells))
    states = tuple(Condition(_held(charge + random.gauss(0, 0.002)), celsius) for _ in range(cells))
    return Pack(made, states)


def after(pack: Pack, current_a: float, seconds: float, *, ambient_c: float = 25.0) -> Pack:
    """Return the pack after a current has flowed into it for so long."""
    now = tuple(
        _condition(cell, state, current_a, seconds, ambient_c) for cell, state in zip(pack.cells, pack.now, strict=True)
    )
    return replace(pack, now=now, current_a=current_a)


def voltages(pack: Pack) -> list[float]:
    """Return the voltage of each cell while the current of the last step flows."""
    return [
        open_circuit_v(state.charge) + state.fast_v + state.slow_v + pack.current_a * cell.ohm
        for cell, state in zip(pack.cells, pack.now, strict=True)
    ]


def allowed_a(pack: Pack, wanted_a: float) -> float:
    """Return the part of a current that a careful charger or load takes: less and less towards full, and empty."""
    volts = voltages(pack)
    room = _FULL_V - max(volts) if wanted_a > 0 else min(volts) - _EMPTY_V
    return wanted_a * min(1.0, max(0.0, room / _TAPER_V))


def open_circuit_v(charge: float) -> float:
    """Return the voltage of a rested cell; beyond full and empty it goes on as steep as it was."""
    at = min(max(bisect_right(_CHARGES, charge), 1), len(_OCV) - 1)
    (low, low_v), (high, high_v) = _OCV[at - 1], _OCV[at]
    return low_v + (charge - low) / (high - low) * (high_v - low_v)


def soc_percent(pack: Pack) -> float:
    """Return what a monitor that counts every coulomb would show: charge over capacity, of all cells."""
    held = sum(cell.capacity_ah * state.charge for cell, state in zip(pack.cells, pack.now, strict=True))
    return _held(held / sum(cell.capacity_ah for cell in pack.cells)) * 100


def status_of(pack: Pack, noise: Random, sensors: Sequence[int] = (1, 6, 11, 16)) -> Status:
    """Return what a monitor of good make says of the pack: 1 mV, 10 mV, 10 mA, 0.1 degrees, whole per cent.

    noise: where the last digit's wavering comes from. sensors: the cells that have one of temperature.
    """
    volts = [volt + noise.gauss(0, 0.0005) for volt in voltages(pack)]
    capacity_ah = sum(cell.capacity_ah for cell in pack.cells) / len(pack.cells)
    soc = soc_percent(pack)
    warm = [pack.now[cell - 1].celsius + noise.gauss(0, 0.05) for cell in sensors if cell <= len(pack.now)]
    return Status(
        pack_voltage_v=round(sum(volts), 2),
        current_a=round(pack.current_a + noise.gauss(0, 0.02), 2),
        soc_percent=round(soc),
        remaining_ah=round(capacity_ah * soc / 100, 2),
        nominal_ah=round(capacity_ah, 2),
        cell_count=len(volts),
        cells={number: round(volt, 3) for number, volt in enumerate(volts, 1)},
        temperatures={str(number): round(celsius, 1) for number, celsius in enumerate(warm, 1)},
        charge_fet=True,
        discharge_fet=True,
        alarms=frozenset(),
    )


def _cell(random: Random, capacity_ah: float) -> Cell:
    worse = random.gauss(1, 0.01)
    return Cell(
        capacity_ah=capacity_ah * random.gauss(1, 0.01),
        ohm=0.00028 * worse,
        fast=(0.00012 * worse, 30.0),
        slow=(0.00020 * worse, 900.0),
    )


def _condition(cell: Cell, state: Condition, current_a: float, seconds: float, ambient_c: float) -> Condition:
    fast_v, slow_v = (
        _relaxed(cell.fast, state.fast_v, current_a, seconds),
        _relaxed(cell.slow, state.slow_v, current_a, seconds),
    )
    watts = current_a**2 * cell.ohm + fast_v**2 / cell.fast[0] + slow_v**2 / cell.slow[0]
    target_c = ambient_c + watts / _LOSS_W_PER_K
    kept = exp(-seconds * _LOSS_W_PER_K / _HEAT_J_PER_K)
    return Condition(
        charge=state.charge + current_a * seconds / 3600 / cell.capacity_ah,
        celsius=target_c + (state.celsius - target_c) * kept,
        fast_v=fast_v,
        slow_v=slow_v,
    )


def _relaxed(pair: tuple[float, float], volts: float, current_a: float, seconds: float) -> float:
    ohm, time_s = pair
    return current_a * ohm + (volts - current_a * ohm) * exp(-seconds / time_s)


def _held(charge: float) -> float:
    return min(max(charge, 0.0), 1.0)
