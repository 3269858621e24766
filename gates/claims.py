"""A claim about a document, and whether it stands there.

1. The quote is verbatim at its place. A quote over several lines is those lines joined by a newline; its place names
   the first.
2. Each figure stands in the quote as a whole number: "70" stands neither in "170" nor in "7.70" nor in "16S70".
3. The unit stands in the quote as a whole unit and belongs to one of the figures: it follows one, in the same cell,
   in the next cell, after cells that hold only figures ("| 2.5 | 3.2 | 3.65 | V |"), after a tolerance, after at most
   three words ("3 to 16 Li-ion cells"), or it stands in brackets before one.
4. A claim without figures claims the quote and nothing else; then it has no unit either.
"""

import re
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gates.sources import Source
from protocol.errors import SourceError

# Longest reading first. A point or comma before three digits is a thousands mark only where nothing else is possible;
# whether "1,234" is one is for whoever reads the value, the token is the same.
_DIGITS = (
    r"(?:\d{1,3}(?:[ '\u2019\u00a0\u2009\u202f]\d{3})+(?:[.,]\d+)?"
    r"|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:,\d{3}){2,}|\d{1,3}(?:\.\d{3}){2,}"
    r"|\d++(?:[.,]\d++)?|\.\d++)(?:[eE][-+]?\d{1,2}(?![A-Za-z0-9]))?(?!\d|\.\d)"
)
_SIGN = r"(?:(?<![\w)\]%\u00b0\u00b2\u2126])[-+\u2212\u2013\u00b1]|\u00b1)?"
# "16S100", "M5" and "RS-485" are names, "0.4.2" a version: no number starts there. "70x135" is two numbers.
_START = r"(?:(?<![\w.,/#])|(?<=[^\d\s.,][.,])|(?<=\d[xX])(?<!\b0[xX])|(?<=\d[.,]\d{3},))"
NUMBER = re.compile(rf"{_START}(?P<sign>{_SIGN})(?P<digits>{_DIGITS})")

_NAME_AFTER = re.compile(r"(?![xX]\d)[A-Za-z_]+\d")
_POWER_AFTER = re.compile(r"[munckd]?m[23](?!\w)")
_NAME_BEFORE = re.compile(r"(?<!\d)(?<!\d )\b[A-Za-z]\w*-$")
_SEPARATORS = re.compile(r'-|[\s|,;:"\'=\u00a0]*')
_WORDS = re.compile(r"[\s(]*(?:[^\W\d_][\w-]*\.?\s+){0,3}\(?")
_FIGURES = re.compile(
    r"(?:\s?(?:\u00b1|\+/?-)\s?\d[\d.,]*\s?)?(?:[ \t]*\|[ \t]*(?:[-+\u2212]?\d[\d.,]*)?(?=[ \t]*\|))*[ \t|]*"
)
_UNIT_END = re.compile(r"(?![\w\u00b2\u00b3\u00b7^%\u00b0]|/[A-Za-z]|\u22c5)")


class Claim(BaseModel):
    """One statement about a document, with everything needed to check it against the document.

    figure: the numbers as they stand in the quote, sign included; empty when the claim is about words.
    unit: as it stands in the quote, "" when none stands there.
    sha256: of the document's bytes, in lower-case hexadecimal.
    place: as `gates.sources` names lines.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1, max_length=80)
    statement: str = Field(max_length=2_000)
    figure: tuple[str, ...] = Field(default=(), max_length=16)
    unit: str = Field(default="", max_length=40)
    document: str = Field(min_length=1, max_length=500)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    place: str = Field(max_length=80)
    quote: str = Field(max_length=4_000)


class ClaimsFile(BaseModel):
    """Any JSON artifact that carries claims; what else it carries is its author's business."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    claims: tuple[Claim, ...]


def read_claims(data: bytes) -> tuple[Claim, ...]:
    """Return the claims of a JSON artifact.

    Raises:
        SourceError: it is not JSON, or its claims are not claims; the first flaw is named.
    """
    try:
        return ClaimsFile.model_validate_json(data).claims
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SourceError(f"the claims cannot be read: {place}: {first['msg']}") from error


def flaw(claim: Claim, source: Source) -> str | None:
    """Return what is wrong with the claim in plain words, or None when it stands in the source as it says."""
    return _misquoted(claim, source) or _misfigured(claim) or _misunited(claim)


def _misquoted(claim: Claim, source: Source) -> str | None:
    if not claim.quote.strip():
        return "the quote is empty"
    start = source.index.get(claim.place)
    if start is None:
        return f"{claim.document} has no {claim.place!r}"
    first = source.lines[start].text
    if claim.quote in first:
        return None
    count = claim.quote.count("\n") + 1
    joined = "\n".join(line.text for line in source.lines[start : start + count])
    if 0 <= joined.find(claim.quote) < len(first):
        return None
    return f"the quote does not stand at {claim.place} of {claim.document}"


def _misfigured(claim: Claim) -> str | None:
    standing = {text for text, _, _ in numbers(claim.quote)}
    for figure in claim.figure:
        if figure not in standing:
            return f"the figure {figure!r} does not stand in the quote as a whole number"
    return None


def _misunited(claim: Claim) -> str | None:
    if not claim.unit:
        return None
    if not claim.figure:
        return f"the unit {claim.unit!r} is claimed without a figure"
    ends = [(start, end) for text, start, end in numbers(claim.quote) if text in claim.figure]
    if any(_follows(claim.quote, end, claim.unit) or _leads(claim.quote, start, claim.unit) for start, end in ends):
        return None
    return f"the unit {claim.unit!r} does not stand with the figure in the quote"


def numbers(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each whole number of a text with its start and end: with its sign, and, unless negative, without.

    "+50" and "±50" stand for "50" too; "-10" does not stand for "10".
    """
    for found in NUMBER.finditer(text):
        if is_part_of_name(text, found.start(), found.end()):
            continue
        yield found[0], found.start(), found.end()
        if found["sign"] in {"+", "\u00b1"}:
            yield found["digits"], found.start("digits"), found.end()


def is_part_of_name(text: str, start: int, end: int) -> bool:
    """Whether these digits belong to a name: "RS-485", "16S100", "3V3", "0x10"; but not "70x135" or "35mm2"."""
    if _NAME_AFTER.match(text, end) and not _POWER_AFTER.match(text, end):
        return True
    if text[start:end] == "0" and text[end : end + 1] in {"x", "X"}:
        return True
    return _NAME_BEFORE.search(text, max(0, start - 24), start) is not None


def _follows(quote: str, end: int, unit: str) -> bool:
    for between in (_SEPARATORS, _FIGURES, _WORDS):
        gap = between.match(quote, end)
        assert gap is not None  # both patterns match the empty text
        for position in range(end, gap.end() + 1):
            if _stands(quote, position, unit):
                return True
    return False


def _stands(quote: str, position: int, unit: str) -> bool:
    """Whether the unit stands at this position as a whole word: "V" does not in "Volume", "m" not in "kΩm"."""
    if not quote.startswith(unit, position):
        return False
    if unit[0].isalpha() and position and quote[position - 1].isalpha():
        return False
    return _UNIT_END.match(quote, position + len(unit)) is not None


def _leads(quote: str, start: int, unit: str) -> bool:
    """Whether the unit stands in brackets before the figure, with no other number between: "Voltage [V]: 3.2"."""
    before = quote[max(0, start - 60) : start]
    found = re.search(rf"[(\[]\s*{re.escape(unit)}\s*[)\]][^\d]*$", before)
    return found is not None
