"""The battery as its owner configures it, and the same written out in full, so that every figure can be cited."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from agents.skills.battery.requirements.citations import amount_in
from gates.units import convert, dimension
from protocol.errors import SourceError

NAME: Final = "pack.yaml"
PLATFORMS: Final = ("arduino-mega", "raspberry-pi")
_HALF: Final = Decimal("0.5")
_OFF_BY_MOST: Final = Decimal("0.01")


def _in(unit: str) -> BeforeValidator:
    """Read a quantity in a unit: 3.65, "3.65 V", "3650 mV"."""

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        try:
            return Decimal(value)
        except ArithmeticError:
            pass
        try:
            amount = amount_in(value, "it")
        except SourceError as error:
            raise ValueError(f"{value[:40]!r} is no quantity; write such as {_EXAMPLES[unit]}") from error
        if dimension(amount.unit) != dimension(unit):
            raise ValueError(f"{value[:40]!r} is not in {unit}; write such as {_EXAMPLES[unit]}")
        return convert(amount.value, amount.unit, unit)

    return BeforeValidator(read)


_EXAMPLES: Final = {"V": "3.65 V", "A": "280 A", "Ah": "280 Ah", "USD": "200 USD"}
Volt = Annotated[Decimal, _in("V"), Field(gt=0, le=1000, allow_inf_nan=False)]
Ampere = Annotated[Decimal, _in("A"), Field(gt=0, le=10_000, allow_inf_nan=False)]
AmpereHours = Annotated[Decimal, _in("Ah"), Field(gt=0, le=100_000, allow_inf_nan=False)]
Dollars = Annotated[Decimal, _in("USD"), Field(gt=0, le=1_000_000, allow_inf_nan=False)]


class PackSettings(BaseModel):
    """A pack as its owner describes it. Voltages of one cell in V; currents in A; capacity in Ah; budget in USD."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cells: int = Field(default=16, ge=1, le=32)
    cell_type: str = Field(default="EVE 280Ah LiFePO4", min_length=1, max_length=80, pattern=r"^[^\p{C}|<>]*$")
    chemistry: str = Field(default="LFP", pattern=r"^[A-Za-z0-9]{1,12}$")
    capacity: AmpereHours = Decimal(280)
    nominal_voltage: Volt = Decimal("3.2")
    max_voltage: Volt = Decimal("3.65")
    min_voltage: Volt = Decimal("2.5")
    max_current: Ampere = Decimal(280)
    standard_current: Ampere | None = None
    target_pack_voltage: Volt | None = None
    budget: Dollars = Decimal(200)
    platform: str = "arduino-mega"

    @model_validator(mode="after")
    def _fits(self) -> "PackSettings":
        if not self.min_voltage < self.nominal_voltage < self.max_voltage:
            raise ValueError("min_voltage, nominal_voltage and max_voltage of one cell have to rise in this order")
        if self.standard_current is not None and self.standard_current > self.max_current:
            raise ValueError(
                f"standard_current is {self.standard_current} A, more than max_current, {self.max_current} A; lower "
                "the one or raise the other"
            )
        if self.platform not in PLATFORMS:
            raise ValueError(f"platform {self.platform!r} is not one of {', '.join(PLATFORMS)}")
        target, sum_v = self.target_pack_voltage, self.cells * self.nominal_voltage
        if target is not None and abs(target - sum_v) > _OFF_BY_MOST * sum_v:
            raise ValueError(
                f"target_pack_voltage is {target} V, but {self.cells} cells of {self.nominal_voltage} V are {sum_v} V"
            )
        return self


def written_out(settings: PackSettings) -> bytes:
    """Return the configuration in full, one line for each figure: what was given, and what follows or is assumed."""
    standard = settings.standard_current or settings.capacity * _HALF
    lines = [f"# The pack as configured; {NAME} of the mission with all defaults written out."]
    for name, (value, unit) in _figures(settings, standard).items():
        mark = "" if name in settings.model_fields_set else "  # assumed"
        lines.append(f"{name}: {value} {unit}".rstrip() + mark)
    return ("\n".join(lines) + "\n").encode()


def _figures(settings: PackSettings, standard: Decimal) -> Mapping[str, tuple[str, str]]:
    return {
        "cells": (str(settings.cells), ""),
        "cell_type": (settings.cell_type, ""),
        "chemistry": (settings.chemistry, ""),
        "capacity": (_plain(settings.capacity), "Ah"),
        "nominal_voltage": (_plain(settings.nominal_voltage), "V"),
        "max_voltage": (_plain(settings.max_voltage), "V"),
        "min_voltage": (_plain(settings.min_voltage), "V"),
        "max_current": (_plain(settings.max_current), "A"),
        "standard_current": (_plain(standard), "A"),
        "target_pack_voltage": (_plain(settings.cells * settings.nominal_voltage), "V"),
        "budget": (_plain(settings.budget), "USD"),
        "platform": (settings.platform, ""),
    }


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def settings_of(data: bytes) -> PackSettings:
    """Return what a written-out configuration says.

    Raises:
        SourceError: it is none.
    """
    try:
        return PackSettings.model_validate(yaml.safe_load(data))
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        raise SourceError(f"{NAME} cannot be read: {str(error).splitlines()[0]}") from error
