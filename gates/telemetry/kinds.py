"""What is found out about a pack: the kinds of findings, in words, for whoever works them out and whoever checks it.

Here is no arithmetic, on purpose: the skill that assesses and the gate that holds it to the readings each do their own.

1. Only good readings count. A suspect one is as if nothing had been said, except in `doubted`.
2. The cells of a pack are those of which anything was said in the time that is assessed. A row is complete where all of
   them are good. Sensors are those of cells: not of switches, boards or the air.
3. The voltage of a pack is its pack-voltage where that was good at least once, else the sum of complete rows. A row is
   covered where it is complete or has a good pack-voltage.
4. Rows that lack what a figure needs are left out of it. Two that then follow each other belong to one stretch while
   they are at most MAX_PERIODS periods apart; of windows with different periods the longest counts.
5. A trend is the slope of the least-squares line, and is told from TREND_S seconds and TREND_ROWS rows on.
6. Where there are several of the most or the least, the first counts: by time, then by the order of the columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_PERIODS: Final = 3
TREND_S: Final = 60
TREND_ROWS: Final = 10
AHEAD_H: Final = 48
SOC_PERCENT: Final = 10
MOVED_AH: Final = "0.001"
WITHIN: Final = "0.000001"  # volt or kelvin below a limit that count as there
STEP_C: Final = "0.05"
STEP_A: Final = "10"
STEPS: Final = 3
MAX_EVIDENCE: Final = 24
BOARD_SENSORS: Final = frozenset({"mos", "ambient", "board", "bms"})


class Kind(StrEnum):
    """The kinds of findings. Every pack has each of them once."""

    COVERAGE = "coverage"
    LONGEST_GAP = "longest-gap"
    DOUBTED = "doubted"
    ALERTS = "alerts"
    HIGHEST_CELL = "highest-cell"
    LOWEST_CELL = "lowest-cell"
    IMBALANCE = "imbalance"
    WEAKEST_CELL = "weakest-cell"
    STRONGEST_CELL = "strongest-cell"
    HOTTEST = "hottest"
    VOLTAGE_TREND = "voltage-trend"
    IMBALANCE_TREND = "imbalance-trend"
    TEMPERATURE_TREND = "temperature-trend"
    CHARGE = "charge"
    ENERGY = "energy"
    CAPACITY = "capacity"
    RESISTANCE = "resistance"
    TIME_TO_HIGH = "time-to-high"
    TIME_TO_LOW = "time-to-low"
    TIME_TO_HOT = "time-to-hot"


@dataclass(frozen=True, slots=True)
class Measure:
    """How a kind is told. unit: as pint writes it. places: digits after the point. meaning: what it is."""

    unit: str
    places: int
    meaning: str


MEASURES: Final[Mapping[Kind, Measure]] = {
    Kind.COVERAGE: Measure(
        "%", 2, "covered rows over those that were planned (time over period, of each window), 100 at most"
    ),
    Kind.LONGEST_GAP: Measure(
        "s", 3, "the longest time without a covered row, also before the first and after the last"
    ),
    Kind.DOUBTED: Measure("%", 3, "suspect values over all values that were told"),
    Kind.ALERTS: Measure("1", 0, "how many alerts were raised, of the pack or of the device that tells of it"),
    Kind.HIGHEST_CELL: Measure("V", 4, "the highest voltage of any cell"),
    Kind.LOWEST_CELL: Measure("V", 4, "the lowest voltage of any cell"),
    Kind.IMBALANCE: Measure(
        "mV", 2, "the largest difference between the highest and the lowest cell of a complete row"
    ),
    Kind.WEAKEST_CELL: Measure(
        "mV", 2, "the cell with the lowest mean of all complete rows: that mean minus the mean of all cells"
    ),
    Kind.STRONGEST_CELL: Measure("mV", 2, "the same of the cell with the highest mean"),
    Kind.HOTTEST: Measure("degC", 2, "the highest temperature of any sensor at the cells"),
    Kind.VOLTAGE_TREND: Measure("V/h", 4, "the trend of the pack's voltage"),
    Kind.IMBALANCE_TREND: Measure(
        "mV/h", 2, "the trend of the difference between highest and lowest cell, complete rows"
    ),
    Kind.TEMPERATURE_TREND: Measure("K/h", 2, "the trend of the sensor that was the hottest"),
    Kind.CHARGE: Measure(
        "Ah", 4, "the integral of the current into the battery, by trapezoids over stretches that do not break"
    ),
    Kind.ENERGY: Measure("Wh", 2, "the same of voltage times current"),
    Kind.CAPACITY: Measure(
        "Ah",
        2,
        "charge over movement of the state of charge, between the rows at which it has just changed to its least and "
        "to its most, in the unbroken stretch in which it moved most, from SOC_PERCENT on",
    ),
    Kind.RESISTANCE: Measure(
        "mohm",
        3,
        "the median of voltage step over current step of rows that follow each other unbroken, where the current steps "
        "by STEP_C of the capacity or more, by STEP_A amperes where that is not known; told from STEPS steps on",
    ),
    Kind.TIME_TO_HIGH: Measure(
        "h", 2, "until the first cell reaches cell-high along its own trend, from its last reading on; within AHEAD_H"
    ),
    Kind.TIME_TO_LOW: Measure("h", 2, "the same for cell-low"),
    Kind.TIME_TO_HOT: Measure("h", 2, "the same for the first sensor at the cells and temperature-high"),
}
