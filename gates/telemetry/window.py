"""window.json: for how long a device was observed, under which limits, and which alerts were told meanwhile."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, ClassVar, Final

from pydantic import Field, field_validator, model_validator

from gates.values import Value, bound_number
from protocol.bodies import AlertState, Severity
from protocol.names import Identifier

WINDOW: Final = "application/vnd.orchestra.window+json"
NAME: Final = "window.json"

CELL_HIGH: Final = "cell-high"
CELL_LOW: Final = "cell-low"
TEMPERATURE_HIGH: Final = "temperature-high"
TEMPERATURE_LOW: Final = "temperature-low"
BATTERY_AH: Final = "battery-ah"
LIMIT_UNITS: Final[Mapping[str, str]] = {
    CELL_HIGH: "V",
    CELL_LOW: "V",
    TEMPERATURE_HIGH: "degC",
    TEMPERATURE_LOW: "degC",
    BATTERY_AH: "Ah",
}
"""The limits that a window may name, with their units."""

TimeNs = Annotated[int, Field(ge=0, lt=2**63)]
STAMP_POWER: Final = 18  # nanoseconds since 1970 have 19 digits


class WindowAlert(Value):
    """An alert as it was told. pack: it is of, or the device. code: such as "cell-overvoltage"."""

    MAX_POWER: ClassVar[int] = STAMP_POWER

    pack: Identifier
    code: Identifier
    severity: Severity
    state: AlertState
    taken_ns: TimeNs
    text: str


class WindowFile(Value):
    """window.json. number: from 1 in a watch. from_ns, to_ns: nanoseconds since 1970, both included.

    period_s: between two statuses, as planned. rows: of readings.csv beside it. packs: all that were watched, whether
    they said anything or not. limits: by name, in LIMIT_UNITS. sources: where the readings come from, for people.
    line: the name of the raw recording beside it, "" where there is none.
    """

    MAX_POWER: ClassVar[int] = STAMP_POWER

    device: Identifier
    number: int = Field(ge=1)
    from_ns: TimeNs
    to_ns: TimeNs
    period_s: Decimal = Field(gt=0, le=86_400)
    rows: int = Field(ge=0)
    packs: tuple[Identifier, ...] = Field(min_length=1, max_length=64)
    limits: Mapping[str, Decimal]
    alerts: tuple[WindowAlert, ...]
    sources: tuple[str, ...]
    line: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,99})?$")

    @field_validator("limits")
    @classmethod
    def _are_known(cls, value: Mapping[str, Decimal]) -> Mapping[str, Decimal]:
        if not value.keys() <= LIMIT_UNITS.keys():
            raise ValueError(f"limits are {', '.join(LIMIT_UNITS)}")
        for limit in value.values():
            bound_number(limit)
        if value.get(BATTERY_AH, 1) <= 0:
            raise ValueError(f"{BATTERY_AH} is above zero")
        return value

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "WindowFile":
        if self.to_ns < self.from_ns:
            raise ValueError("to_ns is before from_ns")
        if len(set(self.packs)) < len(self.packs):
            raise ValueError("a pack is named twice")
        return self
