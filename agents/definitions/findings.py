"""What there is to say about a file that defines an agent: where, how bad, what, and the way out."""

from dataclasses import dataclass
from enum import Enum

from protocol.errors import DefinitionError


class Level(Enum):
    """error: the agent cannot be used; warning: it can, but not quite as its author may think; note: good to know."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about one line of a file."""

    level: Level
    path: str
    line: int
    what: str
    way_out: str

    @property
    def is_error(self) -> bool:
        return self.level is Level.ERROR

    @property
    def complaint(self) -> str:
        """The sentence with its place, as errors say it."""
        return f"{self.path}:{self.line}: {self.text}"

    @property
    def text(self) -> str:
        return f"{self.what}; {self.way_out}" if self.way_out else self.what

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.level.value}: {self.text}"


class Unusable(DefinitionError):
    """A file of which no agent can be made. finding: why."""

    def __init__(self, path: object, line: int, what: str, way_out: str) -> None:
        self.finding = Finding(Level.ERROR, str(path), line, what, way_out)
        super().__init__(self.finding.complaint)
