"""How the gates of a design say what they found: quantities as people write them, and faults in one sentence."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Context, Decimal
from typing import Final

from gates.units import shown
from protocol.verdicts import Pass, Reject, Verdict

_LISTED: Final = 5
_ABOUT: Final = Context(prec=3)


def quantity(value: Decimal, unit: str) -> str:
    """Return a quantity to its last digit: 3.65 V, -10 °C."""
    digits = f"{value.normalize():f}" if value else "0"
    return f"{digits} {shown(unit)}".rstrip()


def about(value: Decimal, unit: str) -> str:
    """Return a quantity that was worked out, to three digits: 58.6 mV."""
    return quantity(value.normalize(_ABOUT), unit)


def listed(faults: Sequence[str]) -> str:
    """Return the first few faults, and how many more there are."""
    more = f" (and {len(faults) - _LISTED} more)" if len(faults) > _LISTED else ""
    return "; ".join(faults[:_LISTED]) + more


def judgement(name: str, faults: Iterable[str], evidence: str) -> Verdict:
    """Return the verdict on a file: rejected with its faults, or passed with what was looked at."""
    found = tuple(faults)
    return Reject(f"{name} does not hold: {listed(found)}") if found else Pass((evidence,))


def repeated(what: str, names: Iterable[str]) -> Iterator[str]:
    """Yield a fault for each name that stands more than once."""
    for name, count in Counter(names).items():
        if count > 1:
            yield f"the {what} {name} stands {count} times"


def unknown(who: str, what: str, names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """Yield a fault for each name that means nothing. who: where it is named; known: a set or a mapping."""
    there = known if isinstance(known, set | frozenset | dict) else set(known)
    for name in names:
        if name not in there:
            yield f"{who} names the {what} {name}, which is not there"
