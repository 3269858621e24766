"""What a device itself calls alarming, as readings and as alarms.

Its `mux-stuck` is the reading `alarm-mux-stuck`, 1 or 0, and the alarm `device-mux-stuck`. It is a second opinion: our
own limits are judged besides. What a name of some maker means stands in that protocol's decoder.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Final

from agents.device.alarms.rules import Rule, Side, Step, Watch
from agents.device.quantities import OWN, OWN_CODE
from agents.device.status import Status
from protocol.bodies import Alert, Quality, Reading, Severity

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")
_MOST: Final = 100  # names of one pack; a device that makes up more of them is not followed further


def own_alarms(said: Iterable[Status]) -> frozenset[str] | None:
    """Return what devices call alarming now; None where none of them says anything about it."""
    told = [status.alarms for status in said if status.alarms is not None]
    return frozenset(name for names in told for name in names if _NAME.fullmatch(name)) if told else None


def named(known: frozenset[str], now: frozenset[str]) -> frozenset[str]:
    """Return all names that there have been."""
    return (
        known if now <= known or len(known) >= _MOST else known | frozenset(sorted(now - known)[: _MOST - len(known)])
    )


def readings(known: frozenset[str], now: frozenset[str]) -> tuple[Reading, ...]:
    return tuple(_reading(name, name in now) for name in sorted(known))


@lru_cache(maxsize=1000)
def _reading(name: str, is_on: bool) -> Reading:
    return Reading(name=f"{OWN}{name}", unit="1", quality=Quality.GOOD, value=Decimal(int(is_on)))


def rules_with(own: frozenset[str], rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules, and one for each of a device's own alarms that has none: a warning, at once."""
    if not own:
        return rules
    given = {rule.code for rule in rules}
    return (*rules, *(_rule(name) for name in sorted(own) if f"{OWN_CODE}{name}" not in given))


@lru_cache(maxsize=1000)
def _rule(name: str) -> Rule:
    step = Step(severity=Severity.WARNING, at=0.5, clear=0.5)
    return Rule(code=f"{OWN_CODE}{name}", watch=Watch.DEVICE, side=Side.ABOVE, steps=(step,))


def names_in(alerts: Iterable[Alert]) -> frozenset[str]:
    """Return the names of a device's own alarms among alerts that were told before."""
    return frozenset(alert.code.removeprefix(OWN_CODE) for alert in alerts if alert.code.startswith(OWN_CODE))
