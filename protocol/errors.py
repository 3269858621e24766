"""Every error the orchestra raises on purpose, in one tree.

    OrchestraError
    ├── WireError            the bytes are not an admissible document
    │   ├── TooLarge         refused before parsing
    │   ├── Malformed        not XML, or XML with a DOCTYPE
    │   └── Invalid          XML, but not what the schema says
    ├── BusError             the transport could not carry it
    │   ├── Refused          the broker would not let it in, and said why
    │   └── Held             somebody else has the run
    ├── KeyFault             a key is missing, no key, or readable by others
    ├── JournalError         the record of what was said is damaged or locked
    ├── SourceError          a document or artifact cannot be read as what it claims to be
    ├── DefinitionError      an agent or plan definition is wrong; names file and line
    ├── ReplayDifference     a coordinator, fed the journal again, would say something else
    ├── ProviderError        a language model did not answer usably
    ├── BudgetExceeded       an effect would cost more than is left
    ├── LinkError            a device did not answer
    └── IllegalStep          a task cannot do that in the state it is in

Anything else that escapes a public function is a bug in the orchestra.
"""

from typing import Final

_REASON_CHARACTERS: Final = 380


class OrchestraError(Exception):
    """The root: whatever the orchestra raises on purpose."""


class WireError(OrchestraError):
    """The bytes are not an admissible document.

    reason: one printable line of bounded length, whatever it quotes. line, column: where, counted from 1; 0 when
    the place is not known.
    element: the element at fault, or "" when there is none.
    """

    code = "wire"

    def __init__(self, reason: str, *, line: int = 0, column: int = 0, element: str = "") -> None:
        self.reason = _one_line(reason)
        super().__init__(self.reason)
        self.line = line
        self.column = column
        self.element = element


def _one_line(text: str) -> str:
    """A name of 50,000 letters or a code for the terminal must not get from a document into logs and receipts."""
    short = text if len(text) <= _REASON_CHARACTERS else f"{text[:_REASON_CHARACTERS]}…"
    return short if short.isprintable() else "".join(c if c.isprintable() else "\ufffd" for c in short)


class TooLarge(WireError):
    """Refused before parsing: more bytes than a message may have."""

    code = "too-large"


class Malformed(WireError):
    """Not well-formed XML, nested too deeply, or carrying a DOCTYPE."""

    code = "malformed"


class Invalid(WireError):
    """Well-formed, but not what the schema says."""

    code = "invalid"


class BusError(OrchestraError):
    """The transport could not carry it."""


class Refused(BusError):
    """The broker would not let a message in; `code` and the text say why."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class Held(BusError):
    """Somebody else has the run; the text says how to see who."""


class KeyFault(OrchestraError):
    """A key is missing, is not one, or can be read by others; the text says what to do."""


class JournalError(OrchestraError):
    """The record of what was said is damaged, or another broker holds it."""


class SourceError(OrchestraError):
    """A document or artifact cannot be read as what it claims to be."""


class DefinitionError(OrchestraError):
    """An agent or plan definition is wrong; the text names file, line and fix."""


class ReplayDifference(OrchestraError):
    """A coordinator, fed the journal again, would say something else.

    agent: the coordinator. sequence: the entry at which it shows; 0 when the journal has none. cause: what was heard,
    from whom, about which task. diff: what was recorded against what would be said now.
    """

    def __init__(self, reason: str, *, agent: str = "", sequence: int = 0, cause: str = "", diff: str = "") -> None:
        super().__init__("\n".join(part for part in (reason, diff) if part))
        self.reason = reason
        self.agent = agent
        self.sequence = sequence
        self.cause = cause
        self.diff = diff


class ProviderError(OrchestraError):
    """A language model did not answer usably."""


class BudgetExceeded(OrchestraError):
    """An effect would cost more than is left."""


class LinkError(OrchestraError):
    """A device did not answer."""


class IllegalStep(OrchestraError):
    """A task cannot do that in the state it is in."""
