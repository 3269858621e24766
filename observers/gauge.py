"""What was told last of a device, in a line: for whoever follows a run and wants to know how the battery is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from protocol.bodies import Quality, Reading, Telemetry

_TOP: Final = (("pack-voltage", ""), ("current", ""), ("soc", "SOC "))
_CELL: Final = "cell-"
_UNITS: Final[Mapping[str, str]] = {"degC": "°C"}


@dataclass(slots=True)
class Gauge:
    """The newest reading of each name. What has become old is not shown as if it were read now."""

    readings: dict[str, Reading] = field(default_factory=dict)

    def take(self, told: Telemetry) -> None:
        self.readings |= {one.name: one for one in told.readings}

    def line(self) -> str:
        """Return pack, current, charge and cells, with what is doubted or gone said beside it."""
        parts = [f"{label}{_shown(self.readings[name])}" for name, label in _TOP if name in self.readings]
        cells = [one for name, one in self.readings.items() if name.startswith(_CELL)]
        volts = [one.value for one in cells if one.quality.is_usable]
        if volts:
            parts.append(
                f"cells {min(volts):.3f} to {max(volts):.3f} V, delta {(max(volts) - min(volts)) * 1000:.0f} mV"
            )
        poor = [f"{count} {quality.value}" for quality in (Quality.SUSPECT, Quality.STALE, Quality.ABSENT)
                if (count := sum(one.quality is quality for one in self.readings.values()))]  # fmt: skip
        return "  ".join([*parts, *poor])


def _shown(one: Reading) -> str:
    if one.quality in (Quality.STALE, Quality.ABSENT):
        return str(one.quality.value)
    mark = "?" if one.quality is Quality.SUSPECT else ""
    unit: str = one.unit
    return f"{one.value:f} {_UNITS.get(unit, unit)}{mark}"
