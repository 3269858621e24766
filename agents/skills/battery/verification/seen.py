"""How a check says what it saw: met, not met or open, and where."""

from dataclasses import dataclass
from typing import Self

from gates.design.files import Conclusion


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that was looked at, and what it says about a requirement."""

    conclusion: Conclusion
    text: str

    @classmethod
    def met(cls, text: str) -> Self:
        """Return what speaks for the requirement."""
        return cls(Conclusion.MET, text)

    @classmethod
    def not_met(cls, text: str) -> Self:
        """Return what speaks against it."""
        return cls(Conclusion.NOT_MET, text)

    @classmethod
    def open(cls, text: str) -> Self:
        """Return what somebody still has to find out."""
        return cls(Conclusion.OPEN, text)
