"""Words that figures rest on: documents as lines with places, and the claims that cite them, each once."""

from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Final

from agents.skills.facts import identify
from gates.claims import NUMBER, Claim
from gates.sources import Line, read_source
from gates.units import normalised, number
from protocol.errors import SourceError

_TEXT: Final = "text/markdown"


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity as somebody wrote it. unit: as pint writes it; figure, literal: number and unit as they stand."""

    value: Decimal
    unit: str
    figure: str
    literal: str
    quote: str


@dataclass(frozen=True, slots=True)
class Words:
    """A text of ours or of the user as lines with places, and what names it in a claim."""

    name: str
    sha256: str
    lines: tuple[Line, ...]


@dataclass(slots=True)
class Citations:
    """The claims of one file, by id."""

    claims: dict[str, Claim] = field(default_factory=dict)

    def add(self, claim: Claim) -> str:
        """Keep a claim and return its id."""
        self.claims[claim.id] = claim
        return claim.id

    def cite(self, words: Words, place: str, quote: str, statement: str, amount: Amount | None = None) -> str:
        """Cite words at a place, with the amount that stands in them, and return the claim's id."""
        figures = (amount.figure,) if amount else ()
        unit = amount.literal if amount else ""
        return self.add(
            Claim(
                id=identify("claim", words.sha256, place, quote, figures, unit),
                statement=statement,
                figure=figures,
                unit=unit,
                document=words.name,
                sha256=words.sha256,
                place=place,
                quote=quote,
            )
        )


def as_words(name: str, data: bytes) -> Words:
    """Return a text as lines with the places that the gate knows. Raises SourceError: it is no text."""
    return Words(name, sha256(data).hexdigest(), read_source(data, _TEXT).lines)


def amount_in(text: str, where: str) -> Amount:
    """Return the quantity that a text is, such as "-0.15 V" or "280 Ah".

    Raises:
        SourceError: it is none.
    """
    found = NUMBER.match(text.strip())
    value = number(found[0]) if found else None
    literal = text.strip()[found.end() :].strip() if found else ""
    unit = normalised(literal) if literal else ""
    if found is None or value is None or unit is None:
        raise SourceError(f"{where}: {text.strip()[:40]!r} is no quantity; write such as 3.65 V")
    return Amount(value, unit, found[0], literal, text.strip())
