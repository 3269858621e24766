"""Small builders of what is told of a battery."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from observers.battery.grid import Grid, grid
from observers.battery.history import History, Told
from observers.battery.picture import Picture, picture
from protocol.bodies import Quality, Reading

T0_S = 1_795_253_400.0  # 2026-11-21 09:30 UTC
DEVICE = "battery-1"


def cell(number: int, volts: float, quality: Quality = Quality.GOOD) -> Reading:
    return reading(f"cell-{number}-voltage", volts, "V", quality)


def reading(name: str, value: float, unit: str, quality: Quality = Quality.GOOD) -> Reading:
    return Reading(name=name, unit=unit, quality=quality, value=Decimal(f"{value:.3f}"))


def a_told(by_second: Mapping[float, Sequence[Reading]], device: str = DEVICE) -> Told:
    """Return what was told at some seconds after T0_S."""
    told = Told()
    for second, readings in by_second.items():
        told.readings(device, T0_S + second, readings)
    return told


def only(told: Told) -> History:
    [history] = told.histories()
    return history


def whole(history: History) -> Grid:
    return grid(history, history.begin_s, history.end_s)


def drawn(history: History) -> Picture:
    return picture(history, whole(history), "a run")
