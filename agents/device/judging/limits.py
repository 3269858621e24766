"""What is possible, as opposed to what is safe: beyond these a value is doubted, not judged dangerous."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Thresholds of plausibility for one device.

    They are wide on purpose. A cell at 4.2 V or at 60 °C is a danger and has to come through as good; a cell at 16 V is
    a fault of measuring. What a device says coarsely (cells in 0.1 V, whole degrees) goes into the steps.

    Source: practice gathered from makers' settings and from what users of monitors reported; the cell is an LF280K
    (EVE, PBRI-LF280K-D06-01) or alike, whose own limits of 2.5 and 3.65 V lie well inside.
    """

    period_s: float = 1.0
    stale_periods: float = 3.0
    lost_s: float = 10.0
    forgotten_s: float = 3600.0

    cell_count: int | None = None
    cell_v: tuple[float, float] = (0.3, 5.0)
    pack_v: tuple[float, float] = (2.0, 1000.0)
    current_a: tuple[float, float] = (-1000.0, 1000.0)
    temperature_c: tuple[float, float] = (-45.0, 150.0)
    percent: tuple[float, float] = (0.0, 100.0)
    soh_percent: tuple[float, float] = (0.0, 110.0)  # new packs are sold with more than they promise
    capacity_ah: tuple[float, float] = (0.0, 10_000.0)
    cycles: tuple[float, float] = (0.0, 60_000.0)

    # What a sensor sends that is not there, in the units of the reading: 0, FFFF and 7FFF in the usual scales, and the
    # offsets that a zero becomes. Daly's -3000 A is a zero, too.
    cell_rails: tuple[float, ...] = (0.0, 32.767, 65.535)
    current_rails: tuple[float, ...] = (-3000.0, 327.67, 655.35, 3276.7, 6553.5)
    temperature_rails: tuple[float, ...] = (-273.1, -273.15, -56.0, -40.0, 255.0, 3003.6, 3276.7, 6280.4, 6553.5)
    percent_rails: tuple[float, ...] = (255.0, 6553.5, 65535.0)

    sum_part: float = 0.01
    cell_ohm: float = 0.005  # what a step of current may do to a cell that was measured at another moment
    cell_v_per_s: float = 0.1
    temperature_c_per_s: float = 5.0
    rate_within_s: float = 3.0  # a longer silence allows no bigger jump than this many seconds do
    soc_step_percent: float = 10.0
    confirmations: int = 3  # so many readings that agree make a jump believed; a temperature's never

    cell_stuck_v: float = 0.03  # how far the others move while a stuck one does not
    temperature_stuck_c: float = 8.0
    stuck_readings: int = 10
    cell_step_v: float = 0.001
    temperature_step_c: float = 0.1
    frozen_ah: float = 0.3
    frozen_soc_percent: float = 2.0
    counters: tuple[str, ...] = ("sequence", "uptime-s", "runtime-s")

    spread_c: float = 20.0
    open_wire_v: float = 0.3
    fet_a: float = 1.0
    coulomb_part: float = 0.05  # of the capacity
    coulomb_moved_part: float = 0.1  # of the charge that was counted
    coulomb_window_s: float = 3600.0
    battery_ah: float | None = None  # where the device does not say how much it holds

    agreement: Mapping[str, float] = field(default_factory=lambda: {"V": 0.05, "A": 2.0, "degC": 3.0, "%": 5.0})

    @property
    def stale_s(self) -> float:
        return self.stale_periods * self.period_s

    @property
    def gone_s(self) -> float:
        """How old a value may be before it is lost; never before it is stale."""
        return max(self.lost_s, self.stale_s)
