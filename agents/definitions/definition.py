"""Agent definitions: Markdown with YAML front matter, as people keep them under `.claude/agents/`.

`name`, `description`, `tools` and `model` mean what they mean there; `tier`, `rationale`, `team`, `leads`, `skills`,
`accepts` and `max-age-h` are ours. The text below the front matter is the agent's role.

1. A file is read as leniently as something sensible can be made of it; what was made of it is told as a finding.
2. Reading never decides twice: what `load` raises is the first error that `read` finds.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from agents.definitions.findings import Finding, Level, Unusable
from agents.definitions.front_matter import Known, has_front_matter, split
from agents.definitions.keys import Keys
from agents.definitions.texts import definition_files, text_of
from protocol.errors import DefinitionError
from protocol.messages import MessageType
from protocol.topics import BROKER, DASHBOARD, EVERYONE, HUMAN, MEMORY, SUPERVISOR

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_LONGEST_NAME: Final = 63
LONG: Final = 1_024  # characters of a description
_CATALOGUE: Final = Path(str(files("agents") / "catalogue"))
# Who is in every run without being an agent that anybody defines.
RESERVED: Final = frozenset(name[1:] for name in (BROKER, DASHBOARD, EVERYONE, HUMAN, MEMORY, SUPERVISOR))
_LONGEST_AGE_H: Final = 87_600  # ten years
_FREE: Final = ("description", "rationale")
KEYS: Final = (
    *("name", "description", "tools", "model", "tier", "rationale", "team", "skills", "accepts", "leads"),
    "max-age-h",
)
_KNOWN: Final = Known(free=frozenset(_FREE), bound=frozenset(KEYS) - frozenset(_FREE))
_PAGES: Final = ("readme.md",)  # of people, about the folder


class Tier(Enum):
    """How much judgement an agent's work takes; it decides the size of model, where one is used."""

    STRATEGIC = "strategic"
    IMPLEMENTATION = "implementation"
    ROUTINE = "routine"


# What stands in `model` besides whole names such as claude-…, and the tier where a file names none.
MODELS: Final = {
    "opus": Tier.STRATEGIC,
    "sonnet": Tier.IMPLEMENTATION,
    "haiku": Tier.ROUTINE,
    "inherit": Tier.IMPLEMENTATION,
    "none": Tier.IMPLEMENTATION,
}


@dataclass(frozen=True, slots=True)
class Definition:
    """One agent as it is defined. model: an alias such as opus, or "none" for deterministic skills only.

    accepts: the types of message it hears; empty where the file does not say. leads: the team that it leads, if any.
    max_age_s: how long a result of this agent may be used again for the same task; 0: not at all.
    unknown: keys of the front matter that mean nothing here; they are kept, not lost. text: the whole file.
    """

    name: str
    description: str
    role: str
    tools: tuple[str, ...] = ()
    model: str = "none"
    tier: Tier = Tier.IMPLEMENTATION
    rationale: str = ""
    team: str = ""
    skills: tuple[str, ...] = ()
    path: str = ""
    max_age_s: int = 0
    unknown: tuple[str, ...] = ()
    text: str = field(default="", repr=False)
    accepts: tuple[MessageType, ...] = ()
    leads: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of a file. definition: None where it defines no agent, or none that can be used."""

    path: str
    definition: Definition | None
    findings: tuple[Finding, ...]

    @property
    def error(self) -> Finding | None:
        return next((finding for finding in self.findings if finding.is_error), None)


def read(path: Path) -> Reading:
    """Return what a file defines and what there is to say about it, whatever stands in it."""
    try:
        text = text_of(path)
    except Unusable as error:
        return Reading(str(path), None, (error.finding,))
    if path.name.lower() in _PAGES and not has_front_matter(text):
        note = Finding(Level.NOTE, str(path), 1, "has no front matter, so it is read as a page about the folder", "")
        return Reading(str(path), None, (note,))
    return read_text(text, str(path))


def read_text(text: str, path: str) -> Reading:
    """Return what a text defines; `path` is for complaints, and for a name where the text has none."""
    findings: list[Finding] = []
    try:
        front = split(text, path, _KNOWN, findings.append)
    except Unusable as error:
        return Reading(path, None, (*findings, error.finding))
    definition = _definition(Keys(front, path, findings.append), front.role, path, text)
    told = tuple(dict.fromkeys(findings))
    return Reading(path, None if any(finding.is_error for finding in told) else definition, told)


def load(path: Path) -> Definition:
    """Return the definition in a file.

    Raises:
        DefinitionError: names file, line and what to do.
    """
    return _usable(read(path))


def parse(text: str, path: str) -> Definition:
    """Return the definition in a text; `path` as for `read_text`.

    Raises:
        DefinitionError: as for `load`.
    """
    return _usable(read_text(text.replace("\r\n", "\n"), path))


def _usable(reading: Reading) -> Definition:
    if reading.definition is None:
        reason = reading.error or reading.findings[0]
        raise DefinitionError(reason.complaint)
    return reading.definition


def _definition(keys: Keys, role: str, path: str, text: str) -> Definition:
    model = _model(keys)
    made = Definition(
        name=_name(keys, path),
        description=_description(keys, role),
        role=role,
        tools=keys.names("tools"),
        model=model,
        tier=_tier(keys, model),
        rationale=keys.text("rationale"),
        team=keys.text("team"),
        skills=keys.names("skills"),
        path=path,
        max_age_s=_max_age_h(keys) * 3600,
        unknown=keys.unknown(KEYS),
        text=text,
        accepts=tuple(_accepted(keys)),
        leads=keys.text("leads"),
    )
    if not role:
        keys.warn("role", "nothing stands below the front matter", "say there what the agent does and what it may not")
    return made


def _name(keys: Keys, path: str) -> str:
    value = keys.value("name")
    if isinstance(value, list | dict):
        keys.fail("name", "a list or a map stands where a name belongs", "write such as: name: fact-writer")
        return ""
    given = (value or "").strip()
    name = given if _NAME.fullmatch(given) else as_name(given or Path(path).stem)
    if not name:
        rule = "use letters, digits, dash, dot or underscore, such as fact-writer"
        odd = repr(given[:80]) if given else f"missing, and the file's own, {Path(path).stem[:80]!r},"
        keys.fail("name", f"{odd} is not a name", rule)
    elif name.lower() in RESERVED:  # @Human would pass for @human
        keys.fail("name", f"{name} is in every run already, and is no agent of anybody's", "choose another name")
    elif not given:
        keys.warn("name", f"missing; the agent is called {name}, after its file", "write it down")
    elif name != given:
        keys.warn("name", f"{given[:80]!r} is not a name; the agent is called {name}", f"write: name: {name}")
    elif looks := keys.looks("name"):
        keys.warn("name", f"{given!r} looks like {looks}; it was read as a text", "put quotes around it")
    return name


def as_name(text: str) -> str:
    """Return a text as a name can be spelled: `Frontend Developer` is frontend-developer; "" where nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9._-]+", "-", plain.lower()).strip("-._")[:_LONGEST_NAME]
    return name if _NAME.fullmatch(name) else ""


def _description(keys: Keys, role: str) -> str:
    given = keys.text("description")
    if len(given) > LONG:
        way_out = "say in one sentence when to choose it, and the rest below the front matter"
        keys.warn("description", f"{len(given):,} characters; everybody who chooses reads all of them", way_out)
    if given:
        return given
    first = next((line.strip() for line in role.split("\n") if line.strip() and not line.startswith("#")), "")
    if not first:
        keys.fail("description", "missing", "say in one sentence what the agent is for")
    else:
        keys.warn("description", "missing; the role's first line is taken for it", "say when to choose the agent")
    return first[:LONG]


def _model(keys: Keys) -> str:
    given = keys.text("model")
    alias = given.lower().removesuffix("[1m]")
    if not given:
        return "inherit"
    if alias in MODELS:
        return alias
    if "claude-" in alias:
        keys.note("model", f"{given[:80]!r} is one model's whole name", "it is kept; an alias goes on when models do")
    else:
        keys.warn("model", f"{given[:80]!r} is not known", f"known: {', '.join(MODELS)}, or a name such as claude-…")
    return given


def _tier(keys: Keys, model: str) -> Tier:
    given = keys.text("tier").lower()
    if given in Tier._value2member_map_:
        return Tier(given)
    tier = next((tier for alias, tier in MODELS.items() if alias in model.lower()), Tier.IMPLEMENTATION)
    what = f"{given[:40]!r} is not one of {', '.join(one.value for one in Tier)}" if given else "missing"
    keys.warn("tier", f"{what}; taken as {tier.value}, from the model {model[:80]}", f"write: tier: {tier.value}")
    return tier


def _accepted(keys: Keys) -> Iterator[MessageType]:
    known = [kind.value for kind in MessageType]
    for name in keys.names("accepts"):
        if name in known:
            yield MessageType(name)
            continue
        near = get_close_matches(name, known, n=1)
        way_out = f"did you mean {near[0]}?" if near else f"types: {', '.join(known)}"
        keys.fail("accepts", f"{name[:80]!r} is not a type of message", way_out)


def _max_age_h(keys: Keys) -> int:
    value = keys.value("max-age-h")
    given = (value or "0").strip() if value is None or isinstance(value, str) else str(value)
    if given.isascii() and given.isdecimal() and len(given) < 6 and int(given) <= _LONGEST_AGE_H:
        return int(given)
    what = f"{given[:40]!r} is not a whole number of hours from 0 to {_LONGEST_AGE_H}"
    keys.fail("max-age-h", what, "0 means that no result is used again")
    return 0


@dataclass(frozen=True, slots=True)
class Folder:
    """The agents in a folder and below, by name, in the order of their files.

    left_out: why those cannot be used that are there and cannot: by name, or by the file's name where it has none.
    """

    definitions: dict[str, Definition]
    left_out: dict[str, Finding]
    findings: tuple[Finding, ...]

    @property
    def error(self) -> Finding | None:
        return next((finding for finding in self.findings if finding.is_error), None)


def read_folder(folder: Path) -> Folder:
    """Return what the files in a folder and below define, and what there is to say about them, whatever they are."""
    findings: list[Finding] = []
    found: dict[str, Definition] = {}
    unusable: dict[str, Finding] = {}
    twice: dict[str, Finding] = {}
    for path in definition_files(folder, findings.append):
        reading = read(path)
        findings += reading.findings
        made = reading.definition
        if made is None:
            unusable |= {path.stem: reading.error} if reading.error else {}
        elif made.name in found:
            findings.append(_twice(made, found[made.name]))
            twice.setdefault(made.name, findings[-1])
        else:
            found[made.name] = made
    usable = {name: definition for name, definition in found.items() if name not in twice}
    left_out = {name: why for name, why in (unusable | twice).items() if name not in usable}
    return Folder(usable, left_out, tuple(findings))


def _twice(made: Definition, other: Definition) -> Finding:
    what = f"name: {made.name} is also defined in {other.path}"
    return Finding(Level.ERROR, made.path, line_of(made, "name"), what, "rename one")


def line_of(definition: Definition, key: str) -> int:
    """Return the line of a key in its file, or where it would stand."""
    lines = definition.text.split("\n")
    return next((number for number, line in enumerate(lines, 1) if line.startswith(f"{key}:")), 2)


def load_folder(folder: Path) -> dict[str, Definition]:
    """Return the definitions in a folder and below, by name, in the order of their files.

    Raises:
        DefinitionError: a file is wrong, or two files define one name.
    """
    found = read_folder(folder)
    if found.error is not None:
        raise DefinitionError(found.error.complaint)
    return found.definitions


def catalogue() -> dict[str, Definition]:
    """Return the definitions that come with the orchestra, by name."""
    return dict(_shipped())


def cast() -> dict[str, Definition]:
    """Return those of them that are chosen for work; the others run the house, and need no model for it."""
    return {name: one for name, one in _shipped().items() if Path(one.path).is_relative_to(_CATALOGUE / "cast")}


@cache
def _shipped() -> dict[str, Definition]:
    return load_folder(_CATALOGUE)
