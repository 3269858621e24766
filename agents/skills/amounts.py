"""Numbers with units in a stretch of text: single values, ranges, sides ("70 mm x 135 mm"), tolerances, counts.

A figure that can be read in two ways is left out: a missing fact is found by a reader, a wrong one is believed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from gates.claims import NUMBER, is_part_of_name
from gates.units import COUNTED, RATE_UNIT, UNIT, convert, dimension, normalised, number


@dataclass(frozen=True, slots=True)
class Amount:
    """One amount as it stands between start and end of a text.

    figures, literal: as written. joined: "" for one value, "to" for a range, "x" for sides.
    """

    start: int
    end: int
    figures: tuple[str, ...]
    literal: str
    unit: str
    value: Decimal
    high: Decimal | None = None
    joined: str = ""
    qualifier: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    figure: str
    literal: str


# Every run is bounded: a hostile line must not make the search quadratic.
_MASKED = re.compile(
    r"https?://\S+|www\.\S+|\]\([^)]{0,400}\)|!\[[^\]]{0,400}\]|</?[A-Za-z][^>]{0,400}>|&#?\w+;"
    r"|\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d{2})\b|\b\d{1,2}:\d{2}(?::\d{2})?\b"
    r"|\b(?:IEC|ISO|EN|DIN|UL|UN|IEEE|ASTM|JIS|GB/T|GB|RFC|USB|CAN|Bluetooth|BLE|Rev|rev|Ver|ver|version|Version"
    r"|Section|section|Chapter|chapter|Table|table|Figure|figure|Fig|Page|page|Step|step|No|v)\.?[ \u00a0-]?\d[\d.:/-]*"
    r"|(?<!\S)\S{1,40}\s?[*/]\s?\S{1,40}(?=\s?=\s)"
    r"|(?<!\S)\S{0,40}[\d)]\s?\*\s?[\d.]+\s?=\s?-?[\d.]+(?:\s?[A-Za-z\u00b0%]+)?"
)
_HEADING_NUMBER = re.compile(r"^\s*#+\s*\d+(?:\.\d+)*\.?\s")
_UNIT = re.compile(rf"(?:[ \u00a0\u2009\u202f\n]{{0,2}}|-)(?P<unit>{UNIT})")
_COUNTED = re.compile(rf"\s+(?P<words>(?:[A-Za-z][\w/-]*\s+){{0,2}})(?P<unit>{'|'.join(COUNTED)})\b")
_TO = re.compile(r"\s*(?:-|\u2013|\u2014|\u2026|\.\.\.?|~|\bto\b|\bthrough\b|\bbis\b)\s*")
_BY = re.compile(r"\s*[x\u00d7X]\s*")
_SIDES = frozenset({"m", "cm", "mm", "um", "inch", "m**2", "cm**2", "mm**2"})
_TOLERANCE = re.compile(r"\s*(?:\u00b1|\+/-|\+-)\s*")
_BEFORE = (
    (
        "<",
        re.compile(
            r"(?:<=?|\u2264|\b(?:less|lower|smaller|not more|no more) than|\bbelow|\bunder|\bunter(?:halb)?|\bat most"
            r"|\bwithin|\bexceed)\s*$",
            re.I,
        ),
    ),
    (
        ">",
        re.compile(
            r"(?:>=?|\u2265|\b(?:more|greater|higher|not less) than|\babove|\b\u00fcber|\boberhalb"
            r"|\bat least|\bover)\s*$",
            re.I,
        ),
    ),
    ("max", re.compile(r"\b(?:up to|max\.?|maximum(?: number)?(?: of)?)\s*$", re.I)),
    ("min", re.compile(r"\b(?:min\.?|minimum(?: number)?(?: of)?)\s*$", re.I)),
    ("~", re.compile(r"(?:~|\u2248|\b(?:about|approx\.?|approximately|around|circa|ca\.|roughly))\s*$", re.I)),
    ("typ", re.compile(r"\b(?:typ\.?|typical(?:ly)?|nominal(?:ly)?)\s*$", re.I)),
    ("\u00b1", re.compile(r"\u00b1\s*$")),
)
_AFTER = re.compile(r"\s?[,(]?\s?(?P<word>typ|typical|max|maximum|min|minimum|nominal)\b\.?(?!\w)", re.I)
_PREPOSITION = re.compile(r"\b(?:of|or|and|in|for|the|with|per|to|parallel|is|are|by|on|from)\b", re.I)
_DURATION_BEFORE = re.compile(
    r"(?:[=:<>(~\u2264\u2265|]|\b(?:after|for|within|least|than|every|delay|time|press|wait))"
    r"\s*$",
    re.I,
)
# Sizes that name a kind of cell: "18650 cells" counts nothing. Source: IEC 61960-3 size codes in common use.
# "0.5C" is a current of half the capacity. A large cell has no rate above 5C, and few use degrees without their sign.
_RATE = re.compile(
    r"(?<![\w.,/\u00b0+\u2212-])(?P<figure>\d{1,2}(?:[.,]\d{1,3})?)\s?C(?:(?=-rate)|(?![\w\u00b0'+#-]|\s?\d))"
)
_NO_RATE_BEFORE = re.compile(
    r"(?:\b(?:below|above|under|over|at T|temp\w*|unter|\u00fcber)|[<>=\u2264\u2265@~])\s*$", re.I
)
_MOST_RATE = 5
_CELL_FORMATS = frozenset({"18650", "21700", "2170", "26650", "32650", "32700", "4680", "14500", "33140", "46950"})


def rates(text: str) -> Iterator[Amount]:
    """Yield the figures that are rates where a text is about a current: whether it is, the caller has to know."""
    text = masked(text)
    for found in _RATE.finditer(text):
        value = number(found["figure"], decimal_comma=True)
        if value is None or not 0 < value <= _MOST_RATE or _NO_RATE_BEFORE.search(text[: found.start()]):
            continue
        yield _qualified(text, Amount(found.start(), found.end(), (found["figure"],), "C", RATE_UNIT, value))


def masked(text: str) -> str:
    """Return the text with links, dates, times, standards, versions and sums blanked out, length unchanged."""
    text = _HEADING_NUMBER.sub(lambda found: " " * len(found[0]), text)
    return _MASKED.sub(lambda found: " " * len(found[0]), text)


def amounts(text: str, *, decimal_comma: bool = False) -> Iterator[Amount]:
    """Yield the amounts of a text from left to right."""
    text = masked(text)
    tokens = list(_tokens(text))
    position = 0
    while position < len(tokens):
        amount, taken = _amount(text, tokens, position, decimal_comma)
        position += taken
        if amount is not None:
            yield _qualified(text, amount)


def _tokens(text: str) -> Iterator[_Token]:
    for found in NUMBER.finditer(text):
        if is_part_of_name(text, found.start("digits"), found.end()):
            continue
        unit = _UNIT.match(text, found.end())
        if unit is not None and not _is_doubtful(text, found, unit):
            yield _Token(found.start(), unit.end(), found[0], unit["unit"])
        else:
            yield _Token(found.start(), found.end(), found[0], "")


def _is_doubtful(text: str, figure: re.Match[str], unit: re.Match[str]) -> bool:
    """Whether what looks like a unit is something else: "16s" is a pack, "10K" a resistor, "5 min. 10" a column."""
    literal, is_glued = unit["unit"], unit.start("unit") == figure.end()
    after = text[unit.end() : unit.end() + 6]
    if literal == "s" and is_glued and figure["digits"].isdigit() and int(figure["digits"]) <= 32:
        alone = not text[: figure.start()].strip() and not after.strip()
        return not alone and _DURATION_BEFORE.search(text[: figure.start()]) is None
    if literal in COUNTED:
        return figure[0] in _CELL_FORMATS
    if literal == "min":
        return re.match(r"\.|\s*[,/;|)]?\s*(?:\d|typ|max)", after) is not None
    if literal in {"K", "J", "h"} and is_glued:
        return literal == "K"
    return unit[0].startswith("-") and len(literal) == 1 and literal not in "VAW"


def _amount(text: str, tokens: list[_Token], position: int, comma: bool) -> tuple[Amount | None, int]:
    """Return the amount that starts at a token, if any, and how many tokens it took."""
    first = tokens[position]
    second = tokens[position + 1] if position + 1 < len(tokens) else None
    if second is None:
        return _single(text, first, comma), 1
    between = text[first.end : second.start]
    if _TOLERANCE.fullmatch(between) or (between.isspace() and second.figure.startswith("\u00b1")):
        # "3.65±0.05 V": the unit behind the tolerance is that of both.
        single = _single(text, first if first.literal else replace(first, literal=second.literal), comma)
        return single and replace(single, note=text[first.end : second.end].strip()), 2
    if first.literal and between.isspace() and second.figure[0] in "-\u2212\u2013" and second.literal == first.literal:
        return None, 2  # "70 A -100 A": a range or a negative value, nobody can tell
    joined = _joint(text[: first.start], between)
    if not joined:
        return _single(text, first, comma), 1
    return _joined(text, first, second, joined, comma)


def _joint(before: str, between: str) -> str:
    if _TO.fullmatch(between) or (
        between.strip() in {"and", "und"} and re.search(r"\b(?:between|zwischen)\s+$", before, re.I)
    ):
        return "to"
    return "x" if _BY.fullmatch(between) else ""


def _joined(text: str, first: _Token, second: _Token, joined: str, comma: bool) -> tuple[Amount | None, int]:
    high = _single(text, second, comma)
    low = number(first.figure, decimal_comma=comma)
    if high is None or low is None:
        return _single(text, first, comma), 1
    unit = normalised(first.literal) if first.literal else high.unit
    if unit is None or dimension(unit) != dimension(high.unit):
        return _single(text, first, comma), 1
    if joined == "x" and high.unit not in _SIDES:
        return _single(text, first, comma), 1  # "2 x 13 µs": so many times, not sides
    low = convert(low, unit, high.unit)
    if joined == "to" and low > high.value:
        # "100-70 A" may count down, "85-2 V" may be a part name: not ours to decide.
        return None, 2
    return replace(
        high, start=first.start, figures=(first.figure, second.figure), value=low, high=high.value, joined=joined
    ), 2


def _single(text: str, token: _Token, comma: bool) -> Amount | None:
    value = number(token.figure, decimal_comma=comma)
    if value is None:
        return None
    unit = normalised(token.literal)
    if unit is not None:
        return Amount(token.start, token.end, (token.figure,), token.literal, unit, value)
    counted = _COUNTED.match(text, token.end)
    if counted is None or token.figure in _CELL_FORMATS or _PREPOSITION.search(counted["words"]):
        return None
    if value != value.to_integral_value() or value < 0:
        return None
    unit = normalised(counted["unit"]) or ""
    return Amount(token.start, counted.end(), (token.figure,), counted["unit"], unit, value)


def _qualified(text: str, amount: Amount) -> Amount:
    before = text[max(0, amount.start - 30) : amount.start]
    found = next((name for name, pattern in _BEFORE if pattern.search(before)), "")
    if amount.figures[0].startswith("\u00b1"):
        found = "\u00b1"
    if found in {"<", ">"} and amount.high is not None:
        found = ""  # "within 0 to 25 %" is the range and no more
    after = _AFTER.match(text, amount.end)
    word = _short(after["word"]) if after else ""
    if not found:
        return replace(amount, qualifier=amount.qualifier or word)
    return replace(amount, qualifier=found, note=", ".join(filter(None, (amount.note, word))))


def _short(word: str) -> str:
    word = word.lower()
    return "typ" if word.startswith(("typ", "nom")) else word[:3]


def uses_decimal_comma(text: str) -> bool:
    """Whether a document writes 3,25 for three and a quarter: decided by what it does most."""
    commas = len(re.findall(rf"(?<![\w.,])(?:\d+,\d{{1,2}}|0,\d+)(?!\d|,\d)\s?{UNIT}", text))
    return commas > len(re.findall(rf"(?<![\w.,])\d+\.\d+(?!\d|\.\d)\s?{UNIT}", text))
