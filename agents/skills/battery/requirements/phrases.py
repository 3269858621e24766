"""What the words beside a figure say: charge or discharge, top or bottom, standard or for long. English and German.

The words of a fact are those that stand nearest to its figure: of "maximum 3.65 V, delivered at 3.28 V" the second
figure is not a maximum.
"""

import re
from typing import Final

from agents.skills.facts import Fact
from gates.units import UNIT

# A setting's range, what a part of the electronics draws, and peaks of some seconds limit nothing for long.
_OTHER: Final = re.compile(
    r"\b(?:balanc\w*|standby|stand-by|sleep|deepsleep|shutdown|quiescent|consumption|leakage|self|peak|puls(?:e|ed)"
    r"|short|inrush|fuse|connectors?|calibration|accuracy|resolution|offset|pre-?charge|heat\w*|recovery|release"
    r"|delay|storage|difference|diff|delta|float|trickle|level|unit|output|signal|logic|gate|coil|relay"
    r"|deliver\w*|shipping|shipment|open[- ]circuit|pins?|drain|source|collector|emitter|v[cds]{2}|ac|mains|grid|solar"
    r"|pv|adjust\w*|configur\w*|programm\w*|settings?|end current|cut-?\s?off current|lager\w*|impuls\w*"
    r"|spitzen\w*|ausgleich\w*|re-?charg\w*|start\w*|begin\w*|reconnect\w*|restart\w*|resume|taper"
    r"|termination current)\b",
    re.I,
)
_SUPPLIED: Final = re.compile(r"\b(?:input|supply)\b", re.I)
_AMBIENT: Final = re.compile(r"\b(?:ambient|umgebung\w*)", re.I)
_MAX: Final = re.compile(
    r"\b(?:max(?:imum|imal\w*|\.)?|highest|upper|over[ -]?(?:voltage|charge|volt|temp\w*)|limit(?:ed|ation)?|up to"
    r"|h(?:\u00f6|oe)chst\w*|ober\w*|\u00fcber(?:spannung|lad)\w*|exceed\w*)",
    re.I,
)
_MIN: Final = re.compile(
    r"\b(?:min(?:imum|imal\w*|dest\w*|\.)?|lowest|lower|low"
    r"|under[ -]?(?:volt(?:age)?|temp\w*)|over[ -]?discharg\w*|down"
    r"|tiefst\w*"
    r"|unter\w*|tiefentlade\w*)\b",
    re.I,
)
_END: Final = re.compile(
    r"(?:\b(?:cut[- ]?\s?off|end|termination|limit(?:ed)?|stop|final|full)\b|schlu(?:ss|\u00df))", re.I
)
_CHARGE: Final = re.compile(
    r"\b(?:(?:over)?charg(?:e|ed|ing)|(?:auf|\u00fcber)?(?:ge)?lad(?:e|en|ung))(?![a-z]*ger\b)", re.I
)
_DISCHARGE: Final = re.compile(r"\b(?:over-?)?discharg(?:e|ed|ing)\b|\b(?:tief)?(?:ent|entge)lad", re.I)
_STANDARD: Final = re.compile(r"\b(?:standard|recommended|rated|nominal|empfohlen\w*|nenn\w*)", re.I)
_ADVISED: Final = re.compile(r"\b(?:recommended|nominal|optimal|suggested|empfohlen\w*|nenn\w*)", re.I)
_RUNNING: Final = re.compile(r"\b(?:continuous(?:ly)?|permanent|sustained|dauer\w*)", re.I)
_DEVICE: Final = re.compile(r"\b(?:bms|board|device|system|module|controller|charger|inverter|case|enclosure)\b", re.I)
_WORKING: Final = re.compile(r"\b(?:operating|operation|working|usable|allowed|permitted|betriebs\w*|arbeits\w*)", re.I)
_SPAN: Final = re.compile(r"\b(?:range|window|must|shall|stay|keep|kept|between|bereich|spannungsbereich)\b", re.I)
_TEMPERATURE: Final = re.compile(r"\btemp(?:eratures?|\.)?(?!\w)|temperatur", re.I)
_VOLTAGE: Final = re.compile(r"\bvolt(?:age|ages|s)?\b|voltage\b|spannung", re.I)
_CURRENT: Final = re.compile(r"\bcurrents?\b|strom\b|\brates?\b|\bload\b", re.I)
_NOT: Final = re.compile(r"\b(?:not|never|no|avoid|forbidden|prohibited|cannot|nicht|nie|kein\w*)\b", re.I)
_POWER: Final = re.compile(r"\b(?:capacity|time|resistance|impedance|power|energy|efficiency|cycles?|soc)\b", re.I)
_SETTING: Final = re.compile(r"\b(?:protection|alarm|value|threshold)\b", re.I)
# A figure that holds at some temperature, for some seconds or at some charge is not one for all times.
_CONDITION: Final = re.compile(
    r"\d\s?(?:\u00b0|\u2103|deg\b)|\d\s?(?:s|sec|secs|seconds|ms|min|minutes)\b|\d\s?%\s?(?:soc)?|\bsoc\b", re.I
)
_AT_RATE: Final = re.compile(r"\bat\s+-?[\d.]+\s?C\b")
_ROOM: Final = re.compile(r"\b(?:20|22|23|25)\s?(?:\u00b1\s?\d\s?)?(?:\u00b0\s?C|\u2103|deg\s?C|C\b)", re.I)
_AMOUNT: Final = re.compile(rf"[\d.,]+\s?(?:{UNIT}|C\b)")


def own_words(fact: Fact) -> str:
    """Return the words of a subject behind its last other figure, all of them where those say nothing."""
    last = _AMOUNT.split(fact.subject)[-1]
    says = (_VOLTAGE, _CURRENT, _TEMPERATURE)
    words = last if any(pattern.search(last) for pattern in says) else fact.subject
    return f"{_before(fact, words)} {words}".strip()


def _before(fact: Fact, words: str) -> str:
    """Return the "max." that stands before the words of a subject and is not among them."""
    tail = re.split(r",\s", words)[-1]
    if len(tail) < 3 or _MAX.search(tail) or _MIN.search(tail):
        return ""
    found = re.search(rf"\b(?P<word>max(?:imum|\.)?|min(?:imum|\.)?)\s+{re.escape(tail)}", fact.claim.quote, re.I)
    return found["word"] if found else ""


def is_other(words: str) -> bool:
    """Whether words speak of what limits nothing for long, or of something that is not the pack."""
    is_of_place = _AMBIENT.search(words) and not is_charge(words) and not is_discharge(words)
    return bool(is_of_place or _OTHER.search(words))


def is_supplied(words: str) -> bool:
    """Whether words name what a device is fed with."""
    return _SUPPLIED.search(words) is not None


def is_setting(words: str) -> bool:
    """Whether words name a thing that is set, such as a protection voltage."""
    return _SETTING.search(words) is not None


def is_conditional(words: str) -> bool:
    """Whether words name a temperature, a time or a charge at which a figure holds."""
    words = _ROOM.sub("", words)
    return bool(_CONDITION.search(words) or _AT_RATE.search(words))


def is_device(words: str) -> bool:
    """Whether words name a device beside the cells."""
    return _DEVICE.search(words) is not None


def is_temperature(words: str) -> bool:
    """Whether an amount in degrees is a temperature limit, not the condition of another quantity."""
    return _TEMPERATURE.search(words) is not None or not any(
        pattern.search(words) for pattern in (_VOLTAGE, _CURRENT, _POWER)
    )


def is_voltage(words: str) -> bool:
    """Whether words name a voltage."""
    return _VOLTAGE.search(words) is not None


def is_current(words: str) -> bool:
    """Whether words name a current, or what it does: "continuous discharge: 200 A"."""
    return bool(_CURRENT.search(words) or is_charge(words) or is_discharge(words))


def is_working_range(words: str) -> bool:
    """Whether words name what a thing may be run in: "operating voltage", "must stay between"."""
    return _WORKING.search(words) is not None or _SPAN.search(words) is not None


def is_working(words: str) -> bool:
    """Whether words name operation as such."""
    return _WORKING.search(words) is not None


def is_charge(words: str) -> bool:
    """Whether words name charging; discharging may be named beside it."""
    return _CHARGE.search(words) is not None


def is_discharge(words: str) -> bool:
    """Whether words name discharging; charging may be named beside it."""
    return _DISCHARGE.search(words) is not None


def is_standard(words: str) -> bool:
    """Whether words name the rate at which a thing is to be used."""
    return _STANDARD.search(words) is not None


def is_advised(words: str) -> bool:
    """Whether words name what is usual or recommended, which is no limit."""
    return _ADVISED.search(words) is not None


def is_for_long(fact: Fact, words: str) -> bool:
    """Whether a fact names the most that may flow for long."""
    named = _RUNNING.search(words) or _MAX.search(words) or _forbids(fact, words, ">")
    return bool(named) or fact.qualifier in {"max", "<"}


def says_top(fact: Fact, words: str) -> bool:
    """Whether a fact names a highest voltage."""
    if _forbids(fact, words, ">"):
        return is_voltage(words) or is_charge(words)
    if fact.qualifier in {"min", ">"} or _MIN.search(words) or is_discharge(words):
        return False
    if is_charge(words):
        is_named = is_voltage(words) or _END.search(words) or _MAX.search(words) or _leads_to(fact)
        return not is_advised(words) and bool(is_named)
    return is_voltage(words) and (_MAX.search(words) is not None or fact.qualifier == "max")


def says_bottom(fact: Fact, words: str) -> bool:
    """Whether a fact names a lowest voltage."""
    if _forbids(fact, words, "<"):
        return is_voltage(words) or is_discharge(words)
    if is_discharge(words):
        return fact.qualifier != ">" and bool(_END.search(words) or _MIN.search(words) or is_voltage(words))
    is_least = _MIN.search(words) or fact.qualifier == "min"
    return bool(is_least) and not is_charge(words) and (is_voltage(words) or _END.search(words) is not None)


def says_low(fact: Fact, words: str) -> bool:
    """Whether a fact names a lowest temperature."""
    return bool(
        fact.value_high is not None
        or _MIN.search(words)
        or fact.qualifier in {"min", ">"}
        or _forbids(fact, words, "<")
    ) and not _forbids(fact, words, ">")


def says_high(fact: Fact, words: str) -> bool:
    """Whether a fact names a highest temperature."""
    return bool(
        fact.value_high is not None
        or _MAX.search(words)
        or fact.qualifier in {"max", "<"}
        or _forbids(fact, words, ">")
    ) and not _forbids(fact, words, "<")


def _leads_to(fact: Fact) -> bool:
    """Whether a figure is where something ends: "charge with 0.5C to 3.65 V"."""
    [*_, figure] = fact.claim.figure or ("",)
    return re.search(rf"\b(?:to|until|bis|auf)\s+{re.escape(figure)}", fact.claim.quote) is not None


def _forbids(fact: Fact, words: str, side: str) -> bool:
    """Whether a fact forbids a side: "must not be charged above 3.65 V" allows at most that."""
    return fact.qualifier == side and bool(_NOT.search(words) or _NOT.search(_behind(fact)))


def _behind(fact: Fact) -> str:
    """Return the words that follow a figure in its sentence: "below 2.5 V is not permitted"."""
    [*_, figure] = fact.claim.figure or ("",)
    found = re.search(rf"{re.escape(figure)}(?P<rest>[^.;:|\n]{{0,40}})", fact.claim.quote)
    return found["rest"] if found else ""
