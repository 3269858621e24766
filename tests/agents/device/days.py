"""Days in the life of a modelled pack, as a monitor of good make tells of them. Nothing is wrong in any of them.

A day begins with a cold night of light loads; nobody charges before the cells are warm in
the morning. Then the pack is charged to the brim and rests, is emptied by a rough load and rests, and so on until the
day is over. Chargers and loads behave as set in the field: they give way where the highest cell comes near 3.45 V, or
the lowest near 3.0 V.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from agents.device.emulation.pack_model import Pack, after, pack_of, status_of, voltages
from agents.device.status import Status

DAY_S: Final = 86_400
_FULL_V, _EMPTY_V, _TAPER_V = 3.45, 3.0, 0.05
_HALF_C: Final = 140.0
_NIGHT_S, _MORNING_S, _REST_S, _LEAST_A = 4 * 3600, 5400, 2400, 4.0
_NIGHT_C, _DAY_C = -6.0, 22.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is wanted of the pack for a while. wanted_a: on average; rough: by how much it swings around that."""

    wanted_a: float
    rough: float
    ambient_c: float
    longest_s: float


NIGHT: Final = Load(-6.0, 6.0, _NIGHT_C, _NIGHT_S)
MORNING: Final = Load(-6.0, 6.0, _DAY_C, _MORNING_S)
CHARGE: Final = Load(_HALF_C, 0.0, _DAY_C, 6 * 3600)
REST: Final = Load(0.0, 0.0, _DAY_C, _REST_S)
DISCHARGE: Final = Load(-_HALF_C, 110.0, _DAY_C, 6 * 3600)
ROUND: Final = (CHARGE, REST, DISCHARGE, REST)


def day(seed: int, period_s: float = 1.0, seconds: float = DAY_S) -> Iterator[tuple[float, Status]]:
    """What is said each period, and when, from 0 s on."""
    noise, pack, at_s = Random(seed), pack_of(seed, charge=0.6, celsius=6.0), 0.0
    for load in _loads():
        for pack in _under(load, pack, noise, period_s):  # noqa: B020  # goes on with the pack as it was left
            yield at_s, status_of(pack, noise)
            at_s += period_s
            if at_s >= seconds:
                return


def _loads() -> Iterator[Load]:
    yield from (NIGHT, MORNING)
    while True:
        yield from ROUND


def _under(load: Load, pack: Pack, noise: Random, period_s: float) -> Iterator[Pack]:
    """The pack under a load, until it is full or empty or the time is over."""
    wanted_a, left_s = load.wanted_a, 0.0
    for number in range(int(load.longest_s / period_s)):
        if left_s <= 0:
            wanted_a, left_s = load.wanted_a + noise.uniform(-load.rough, load.rough), noise.uniform(2, 60)
        allowed_a = _allowed_a(pack, wanted_a)
        if number and wanted_a and abs(allowed_a) < min(_LEAST_A, abs(wanted_a)):
            return
        pack, left_s = after(pack, allowed_a, period_s, ambient_c=load.ambient_c), left_s - period_s
        yield pack


def _allowed_a(pack: Pack, wanted_a: float) -> float:
    volts = voltages(pack)
    room_v = _FULL_V - max(volts) if wanted_a > 0 else min(volts) - _EMPTY_V
    return wanted_a * min(1.0, max(0.0, room_v / _TAPER_V))
